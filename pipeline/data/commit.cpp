#include "pipeline/data/commit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>

#include "pipeline/data/file_error.h"

namespace pipeline {

namespace {

[[noreturn]] void fail_commit(const std::filesystem::path& path, const char* what) {
    const int reason = errno;
    throw FileError(path, std::string(what) + ": " + std::strerror(reason));
}

/// An open file or folder of the operating system.
class Descriptor {
  public:
    Descriptor(const std::filesystem::path& path, int flags) : path_(path), id_(::open(path.c_str(), flags, 0666)) {
        if (id_ < 0) fail_commit(path_, "cannot be opened");
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (id_ >= 0) ::close(id_);
    }
    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(id_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail_commit(path_, "cannot be written");
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void sync() {
        if (::fsync(id_) != 0) fail_commit(path_, "cannot be synced");
    }
    /// Network file systems report a full quota only here.
    void close() {
        const int id = id_;
        id_ = -1;
        if (::close(id) != 0) fail_commit(path_, "cannot be closed");
    }

  private:
    const std::filesystem::path& path_;
    int id_;
};

void sync_path(const std::filesystem::path& path, int flags) {
    Descriptor descriptor(path, flags | O_CLOEXEC);
    descriptor.sync();
    descriptor.close();
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// Makes a folder and those above it; a new folder's entry is synced like a new file's.
void make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) return;
    const std::filesystem::path above = folder_of(folder);
    if (above != folder) make_folder(above);
    if (::mkdir(folder.c_str(), 0777) == 0) {
        sync_path(above, O_RDONLY | O_DIRECTORY);
    } else if (errno != EEXIST) {
        fail_commit(folder, "cannot be made");
    } else if (!std::filesystem::is_directory(folder, error)) {
        throw FileError(folder, "is not a folder, but one is wanted there");
    }
}

/// NAME.HOST.PID.NUMBER.tmp. The number is drawn, since containers of one host share names and process numbers.
std::filesystem::path temporary_name(const std::filesystem::path& target) {
    char host[64] = "";
    if (::gethostname(host, sizeof host - 1) != 0) std::strcpy(host, "host");
    for (char& character : host) {
        if (character == '/' || (character != '\0' && (character < 0x21 || character > 0x7e))) character = '_';
    }
    static const std::uint64_t drawn = std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
    static std::atomic<std::uint64_t> count{0};
    char number[32];
    std::snprintf(number, sizeof number, "%016llx", static_cast<unsigned long long>(drawn + count++));
    std::filesystem::path name = target;
    name += std::string(".") + host + "." + std::to_string(::getpid()) + "." + number + ".tmp";
    return name;
}

}  // namespace

void commit_file(const std::filesystem::path& target,
                 const std::function<void(const std::filesystem::path& temporary)>& write) {
    const std::filesystem::path folder = folder_of(target);
    make_folder(folder);
    const std::filesystem::path temporary = temporary_name(target);
    try {
        write(temporary);
        sync_path(temporary, O_RDONLY);
        if (::rename(temporary.c_str(), target.c_str()) != 0) fail_commit(target, "cannot be put in place");
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    sync_path(folder, O_RDONLY | O_DIRECTORY);
}

void commit_bytes(const std::filesystem::path& target, std::string_view bytes) {
    commit_file(target, [bytes](const std::filesystem::path& temporary) {
        Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
        file.write(bytes);
        file.close();
    });
}

}  // namespace pipeline
