#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/content_record.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sealed_file.h"

namespace pipeline {

/// Images of a content file as they are stored, one a chunk, to be copied without being unpacked.
class PackedImages {
  public:
    PackedImages() = default;
    PackedImages(std::shared_ptr<const SealedFile> file, std::string name, at::ScalarType type,
                 std::vector<std::int64_t> shape, Hdf5Chunks chunks);

    const std::filesystem::path& file() const { return file_->path(); }
    const std::string& name() const { return name_; }
    at::ScalarType type() const { return type_; }
    /// The stored order of axes, images along the first.
    const std::vector<std::int64_t>& shape() const { return shape_; }
    std::int64_t count() const { return shape_.empty() ? 0 : shape_.front(); }
    bool is_shuffled() const { return chunks_.is_shuffled; }
    std::uint32_t filter_mask(std::int64_t image) const { return place(image).filter_mask; }
    /// @throws FileError
    std::string chunk(std::int64_t image) const;
    /// All of them, read by HDF5.
    at::Tensor unpacked() const;

  private:
    const Hdf5ChunkPlace& place(std::int64_t image) const { return chunks_.places.at(static_cast<std::size_t>(image)); }
    std::shared_ptr<const SealedFile> file_;
    std::string name_;
    at::ScalarType type_ = at::kFloat;
    std::vector<std::int64_t> shape_;
    Hdf5Chunks chunks_;
};

/// Reads a content file from its record: one read and one hash, no call of HDF5; chunks of a file that is too large to
/// be kept are read when they are asked for. The seal vouches for both; that they say the same is held by
/// `ContentReader`, whose words are the same.
class PackedContentReader {
  public:
    /// @throws FileError  where its seal is broken, or it is no file of this kind and schema
    PackedContentReader(const std::filesystem::path& path, const std::string& kind, std::int64_t schema);

    bool has(const std::string& name) const { return record_.find(name) != nullptr; }
    std::string text(const std::string& name) const;
    std::int64_t integer(const std::string& name) const;
    double real(const std::string& name) const;
    at::Tensor tensor(const std::string& name) const;
    std::vector<std::int64_t> integers(const std::string& name) const;
    std::vector<double> reals(const std::string& name) const;
    std::vector<std::string> texts(const std::string& name) const;

    bool is_packed(const std::string& name) const;
    PackedImages images(const std::string& name) const;
    /// The digest of the content, as it was written.
    std::string content_digest() const { return text("content_digest"); }

  private:
    const ContentEntry& entry(const std::string& name) const;
    [[noreturn]] void refuse(const std::string& name, const std::string& wanted) const;
    template <typename Number>
    std::vector<Number> numbers(const std::string& name, at::ScalarType type) const;

    std::shared_ptr<const SealedFile> file_;
    ContentRecord record_;
};

}  // namespace pipeline
