#include "pipeline/networks/file_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

/// Closes its descriptor when it goes.
struct OpenFile {
    int descriptor;
    ~OpenFile() {
        if (descriptor >= 0) close(descriptor);
    }
};

CheckpointError mapping_error(const std::filesystem::path& path, const std::string& what, int number) {
    return CheckpointError(readable_name(path.string()) + ": " + what + ": " + std::generic_category().message(number));
}

}  // namespace

FileMapping::FileMapping(const std::filesystem::path& path) {
    // Without O_NONBLOCK a pipe of that name would be waited for.
    const OpenFile file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.descriptor < 0) throw mapping_error(path, "cannot be opened", errno);
    struct stat status {};
    if (fstat(file.descriptor, &status) != 0) throw mapping_error(path, "cannot be examined", errno);
    if (!S_ISREG(status.st_mode)) throw CheckpointError(readable_name(path.string()) + ": not a regular file");
    size_ = static_cast<std::size_t>(status.st_size);
    if (size_ == 0) return;
    // Private and writable: tensors in it may be changed in place, the file never is.
    void* address = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.descriptor, 0);
    if (address == MAP_FAILED) throw mapping_error(path, "cannot be mapped", errno);
    data_ = static_cast<std::byte*>(address);
}

FileMapping::~FileMapping() {
    if (data_ != nullptr) munmap(data_, size_);
}

void FileMapping::release(std::span<std::byte> part) const {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto start = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
    if (start < end) madvise(reinterpret_cast<void*>(start), end - start, MADV_DONTNEED);
}

}  // namespace pipeline
