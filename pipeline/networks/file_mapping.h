#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace pipeline {

/// A regular file's bytes, mapped for reading while the object lives. Writing into them changes a private copy.
class FileMapping {
  public:
    /// @throws CheckpointError  where the file cannot be opened or mapped.
    explicit FileMapping(const std::filesystem::path& path);
    ~FileMapping();
    FileMapping(const FileMapping&) = delete;
    FileMapping& operator=(const FileMapping&) = delete;

    std::span<std::byte> bytes() const { return {data_, size_}; }

    /// Gives the memory of whole pages inside `part` back: they are read from the file again when they are touched.
    /// What was written into them is lost.
    void release(std::span<std::byte> part) const;

  private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace pipeline
