#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "pipeline/data/dataset.h"
#include "pipeline/data/hdf5.h"

namespace pipeline {

/// Images in one dataset of an HDF5 file: [N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3.
///
/// uint8 is 0 … 255 for [−1, 1]. Floats must say their range in the attribute `valid_range` (two numbers, as in
/// netCDF), or lie in [−1, 1]; a value outside makes that image unreadable. An image's name is its number.
class Hdf5Dataset final : public Dataset {
  public:
    /// @throws FileError  where the file, the dataset, its shape or type cannot be used
    Hdf5Dataset(std::filesystem::path path, std::string dataset, operators::Shape shape);

    std::int64_t size() const override { return static_cast<std::int64_t>(names_.size()); }
    const std::string& name(std::int64_t index) const override;
    ImageBatch images(std::span<const std::int64_t> indices) const override;
    MeasuredBatch measured(std::span<const std::int64_t> indices, const operators::Shape& y) const override;
    ImageHeader header(std::int64_t index) const override;
    /// Beyond the header it reads up to 16 images: floats of which none is negative, without `valid_range`, are taken
    /// for images on [0, 1] and refused.
    void check(std::span<const std::int64_t> indices) const override;
    std::string digest() const override;
    std::vector<std::int64_t> labels(std::span<const std::int64_t> indices) const override;

  private:
    /// "group/labels" beside "group/images".
    std::string labels_name() const;
    /// All labels, [N] int64.
    at::Tensor all_labels() const;
    void find_layout();
    void find_range();
    /// Stored values of one image.
    at::Tensor stored(std::int64_t index) const;
    /// [C, h, w] on [−1, 1].
    /// @param may_exceed  noise puts measured values outside of the range
    at::Tensor image_of(const at::Tensor& stored, std::int64_t index, bool may_exceed) const;

    std::filesystem::path path_;
    std::string dataset_;
    operators::Shape shape_;
    Hdf5File file_;
    std::vector<std::int64_t> extent_;
    bool is_channel_last_ = false;
    std::int64_t channels_ = 1;
    at::ScalarType type_ = at::ScalarType::Byte;
    bool has_range_ = false;
    double low_ = -1;
    double high_ = 1;
    std::vector<std::string> names_;
};

}  // namespace pipeline
