#include "workers/folder_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "workers/verdict.h"

namespace workers {

std::string trouble_with_writing(const std::filesystem::path& folder, std::int64_t bytes) {
    std::string name = (folder / ("probe-" + std::to_string(getpid()) + "-XXXXXX.tmp")).string();
    const int descriptor = mkstemps(name.data(), 4);
    if (descriptor < 0) return std::strerror(errno);
    // Reserves the blocks; where a file system cannot, the C library writes them.
    int error = posix_fallocate(descriptor, 0, bytes);
    if (error == 0 && fsync(descriptor) != 0) error = errno;
    if (close(descriptor) != 0 && error == 0) error = errno;
    unlink(name.c_str());
    return error == 0 ? std::string() : std::strerror(error);
}

void blame_folder(FailureReport& report, const std::filesystem::path& folder, std::int64_t bytes) {
    if (!report.may_pass) return;
    const std::string trouble = trouble_with_writing(folder / "units", bytes);
    if (trouble.empty()) return;
    report.reason = (folder / "units").string() + ": cannot be written: " + trouble +
                    "; nothing is lost: once there is room the same command continues the run";
    report.exit_code = exit_environment;
}

}  // namespace workers
