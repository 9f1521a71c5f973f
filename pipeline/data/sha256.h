#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace pipeline {

/// SHA-256 (FIPS 180-4), fed in pieces.
class Sha256 {
  public:
    Sha256& update(std::span<const std::byte> bytes);
    Sha256& update(std::string_view text);
    /// 64 hexadecimal digits. The object is spent afterwards.
    std::string finish();

  private:
    void blocks(const std::byte* data, std::size_t count);
    std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::byte, 64> pending_{};
    std::size_t pending_size_ = 0;
    std::uint64_t total_ = 0;
};

std::string sha256(std::string_view text);
/// @throws FileError  where the file cannot be read
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace pipeline
