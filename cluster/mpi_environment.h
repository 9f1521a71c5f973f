#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace cluster {

/// A failed MPI call in MPI's own words: "MPI_Send failed: MPI_ERR_RANK: invalid rank (mpi_channel.cpp:31)".
class MpiError : public std::runtime_error {
  public:
    MpiError(const std::string& call, int code, const std::source_location& where);
    int code() const { return code_; }

  private:
    int code_;
};

/// The one checked call: throws unless `code` is MPI_SUCCESS.
/// @throws MpiError
void check_mpi(int code, const char* call, const std::source_location& where = std::source_location::current());

/// MPI by lifetime: initialised with MPI_THREAD_FUNNELED when made, finalised when destroyed. One a process, made by
/// the main thread, which alone calls MPI. Signal handlers are installed before. Failed calls return their code.
class MpiEnvironment {
  public:
    /// @throws MpiError
    MpiEnvironment();
    /// Finalises; every rank must come here, or the others wait for it.
    ~MpiEnvironment();
    MpiEnvironment(const MpiEnvironment&) = delete;
    MpiEnvironment& operator=(const MpiEnvironment&) = delete;

    int rank() const { return rank_; }
    int size() const { return size_; }

  private:
    int rank_ = 0;
    int size_ = 1;
};

/// True in a process that mpirun started.
bool is_inside_mpi_launch();

/// The MPI library's own name and version, on one line; starts nothing.
std::string mpi_library_version();

}  // namespace cluster
