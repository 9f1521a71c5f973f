#include "pipeline/data/read_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "pipeline/data/file_error.h"

namespace pipeline {

std::uint64_t size_of_file(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) throw FileError(path, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) throw FileError(path, "not a file");
    return static_cast<std::uint64_t>(status.st_size);
}

std::string read_bytes(const std::filesystem::path& path, std::uint64_t first, std::uint64_t count) {
    // Looked at before it is opened, since opening a pipe would wait for its writer.
    const std::uint64_t size = size_of_file(path);
    if (first >= size) return {};
    std::string bytes(std::min(count, size - first), '\0');

    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw FileError(path, std::string("cannot be opened: ") + std::strerror(errno));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t read = ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(first + done));
        if (read < 0 && errno == EINTR) continue;
        if (read <= 0) {
            const std::string reason = read < 0 ? std::strerror(errno) : "it became shorter meanwhile";
            ::close(file);
            throw FileError(path, "cannot be read: " + reason);
        }
        done += static_cast<std::size_t>(read);
    }
    ::close(file);
    return bytes;
}

std::string read_bytes(const std::filesystem::path& path) {
    const std::uint64_t size = size_of_file(path);
    if (size > whole_file_limit_bytes) {
        throw FileError(
            path, "has " + std::to_string(size) + " bytes, allowed are " + std::to_string(whole_file_limit_bytes));
    }
    return read_bytes(path, 0, size);
}

}  // namespace pipeline
