#include "pipeline/data/sealed_file.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "pipeline/data/file_error.h"
#include "pipeline/data/read_bytes.h"
#include "pipeline/data/sha256.h"

namespace pipeline {

namespace {

/// "diffinv seal DIGEST\n"
constexpr std::string_view seal_mark = "diffinv seal ";
constexpr std::size_t digest_digits = 64;
constexpr std::size_t seal_bytes = seal_mark.size() + digest_digits + 1;

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 24;

std::string digest_in(std::string_view seal, const std::filesystem::path& path) {
    if (!seal.starts_with(seal_mark) || !seal.ends_with('\n')) {
        throw FileError(path, "is damaged or not of this program: its last bytes are no seal");
    }
    return std::string(seal.substr(seal_mark.size(), digest_digits));
}

}  // namespace

SealedFile::SealedFile(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code error;
    if (!std::filesystem::exists(path_, error)) throw FileError(path_, "no such file");
    const std::uint64_t whole = size_of_file(path_);
    size_ = whole - std::min<std::uint64_t>(whole, seal_bytes);
    Sha256 hash;
    std::string digest;
    if (whole <= piece_bytes) {
        kept_ = read_bytes(path_, 0, whole);
        if (kept_.size() != whole) throw FileError(path_, "cannot be read: it became shorter meanwhile");
        digest = digest_in(std::string_view(kept_).substr(size_), path_);
        kept_.resize(size_);
        hash.update(kept_);
    } else {
        digest = digest_in(read_bytes(path_, size_, seal_bytes), path_);
        for (std::uint64_t first = 0; first < size_; first += piece_bytes) {
            hash.update(read_bytes(path_, first, std::min(piece_bytes, size_ - first)));
        }
    }
    if (digest != hash.finish()) throw FileError(path_, "is damaged: its bytes are not those that were sealed");
}

std::string SealedFile::bytes(std::uint64_t first, std::uint64_t count) const {
    if (first > size_ || count > size_ - first) {
        throw FileError(path_, "is damaged: bytes " + std::to_string(first) + " to " + std::to_string(first + count) +
                                   " are asked for, it has " + std::to_string(size_));
    }
    if (!kept_.empty()) return kept_.substr(first, count);
    std::string found = read_bytes(path_, first, count);
    if (found.size() != count) throw FileError(path_, "cannot be read: it became shorter meanwhile");
    return found;
}

void append_seal(const std::filesystem::path& path) {
    const std::string seal = std::string(seal_mark) + sha256_of_file(path) + "\n";
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << seal;
    file.close();
    if (!file) throw FileError(path, "its seal cannot be written");
}

}  // namespace pipeline
