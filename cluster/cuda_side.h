#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace cluster {

/// A CUDA side that cannot be opened: one line with what is missing and what helps.
class CudaSideError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The program's CUDA side: a shared library beside the executable that brings libtorch_cuda and NCCL in and registers
/// kernels with LibTorch's dispatcher. Opened only in processes that compute on a GPU, before their first LibTorch
/// call: after one LibTorch has remembered that there is no CUDA. Never closed.
class CudaSide {
  public:
    /// Where it lies: libdiffinv_cuda.so beside this executable.
    static std::filesystem::path beside_program();

    /// @param version  the program's: another one's side is refused
    /// @throws CudaSideError  where it is missing, cannot be loaded, or belongs to another program
    CudaSide(const std::filesystem::path& library, const std::string& version);

    /// True once one was opened in this process. LibTorch 2.11's destructors crash then: such a process leaves by
    /// `std::_Exit`.
    static bool is_open();

    /// One of its functions with C linkage.
    /// @throws CudaSideError
    void* symbol(const char* name) const;

  private:
    std::filesystem::path library_;
    void* handle_ = nullptr;
};

}  // namespace cluster
