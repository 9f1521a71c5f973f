#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/data/dataset.h"

namespace pipeline {

/// A folder of PNG and JPEG files, searched recursively: *.png, *.jpg, *.jpeg in any case.
///
/// Names are relative paths with '/', sorted bytewise, kept as they are. Hidden files and folders (names that begin
/// with a dot) are left out. Links to folders are followed, each folder once, so that circles end.
class ImageFolder final : public Dataset {
  public:
    /// @throws FileError  where the folder cannot be listed or holds no image
    ImageFolder(std::filesystem::path folder, operators::Shape shape);

    std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
    const std::string& name(std::int64_t index) const override { return file(index).name; }
    ImageBatch images(std::span<const std::int64_t> indices) const override;
    MeasuredBatch measured(std::span<const std::int64_t> indices, const operators::Shape& y) const override;
    ImageHeader header(std::int64_t index) const override { return check_image(path(index)); }
    void check(std::span<const std::int64_t> indices) const override;
    std::string digest() const override;
    std::vector<std::int64_t> labels(std::span<const std::int64_t> indices) const override;

  private:
    struct File {
        std::string name;
        std::int64_t bytes;  ///< −1 where it could not be told
    };
    /// An image [C, H, W] of a file's bytes for its row of the batch.
    using UseImage =
        std::function<at::Tensor(std::size_t row, const std::string& bytes, const std::filesystem::path& file)>;
    void read_rows(std::span<const std::int64_t> indices, ImageBatch& batch, const UseImage& use) const;
    const File& file(std::int64_t index) const;
    std::filesystem::path path(std::int64_t index) const;

    std::filesystem::path folder_;
    operators::Shape shape_;
    std::vector<File> files_;
};

}  // namespace pipeline
