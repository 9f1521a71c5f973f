#include "cluster/mpi_environment.h"

#include <mpi.h>

#include <cstdlib>
#include <filesystem>

#include "cluster/signals.h"

namespace cluster {

namespace {

std::string words_of_mpi(int code) {
    char text[MPI_MAX_ERROR_STRING] = {};
    int length = 0;
    int is_initialized = 0;
    MPI_Initialized(&is_initialized);
    if (is_initialized && MPI_Error_string(code, text, &length) == MPI_SUCCESS) {
        return std::string(text, static_cast<std::size_t>(length));
    }
    return "code " + std::to_string(code);
}

}  // namespace

MpiError::MpiError(const std::string& call, int code, const std::source_location& where)
    : std::runtime_error(call + " failed: " + words_of_mpi(code) + " (" +
                         std::filesystem::path(where.file_name()).filename().string() + ":" +
                         std::to_string(where.line()) + ")"),
      code_(code) {}

void check_mpi(int code, const char* call, const std::source_location& where) {
    if (code != MPI_SUCCESS) throw MpiError(call, code, where);
}

MpiEnvironment::MpiEnvironment() {
    install_signal_handlers();
    int provided = MPI_THREAD_SINGLE;
    check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    // MPI's own default is to end every rank at the first error, without a word of ours.
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    if (provided < MPI_THREAD_FUNNELED)
        throw MpiError("MPI_Init_thread without MPI_THREAD_FUNNELED", MPI_ERR_OTHER, std::source_location::current());
    check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
}

MpiEnvironment::~MpiEnvironment() {
    MPI_Finalize();
}

std::string mpi_library_version() {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
    int length = 0;
    check_mpi(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
    const std::string words(text, static_cast<std::size_t>(length));
    return words.substr(0, words.find_first_of(",\n"));
}

bool is_inside_mpi_launch() {
    return std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
}

}  // namespace cluster
