#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/measurement_operator.h"
#include "pipeline/data/packed_content.h"

namespace pipeline {

/// y and what its operator was drawn with, for one block of images: everything another solver needs to start from.
struct MeasurementFile {
    std::string operator_name;
    std::string operator_settings;  ///< JSON
    double sigma_y = 0;
    double poisson_rate = 0;  ///< > 0: photon noise, see operators::measure_poisson
    std::vector<std::int64_t> image_index;
    std::vector<std::string> image_name;
    at::Tensor truth;  ///< [N, C, H, W], float32 in [−1, 1]; undefined where y was measured by somebody else
    std::vector<std::string> image_hash;
    std::vector<std::string> image_error;  ///< Empty where the image was read
    at::Tensor y;                          ///< [N, C', H', W'], float32, lossless
    operators::Parameters parameters;      ///< mask [1 or N, 1, H, W], kernel [k, k]

    // Where there is no truth, of each image:
    std::vector<std::int64_t> source_channels, source_bits;  ///< As MeasuredBatch.
    std::vector<double> sigma_each;                          ///< σ_y as it was estimated; empty where it was given.
};

/// measurements/LABEL/block-0003.h5, relative to the run's folder.
std::filesystem::path measurement_path(const std::string& label, std::int64_t block);

/// Commits the file; where another rank was first, the bytes are the same and either may win.
void commit_measurement_file(const std::filesystem::path& folder, const std::string& label, std::int64_t block,
                             const MeasurementFile& file);
/// @throws FileError  where it is damaged or its content digest does not fit
MeasurementFile read_measurement_file(const std::filesystem::path& folder, const std::string& label,
                                      std::int64_t block);

/// A measurement to be copied: its columns, and its images as they are stored.
struct PackedMeasurement {
    MeasurementFile content;  ///< `truth` and `y` are undefined; `parameters` are those that are no images
    PackedImages truth;       ///< [N, y, x, C]; without type and shape where there is none
    PackedImages y;           ///< [N, y', x', C']
    std::map<std::string, PackedImages> parameters;  ///< [1 or N, 1, H, W]
    std::string content_digest;
};

/// @throws FileError  where it is missing or its seal is broken
PackedMeasurement read_packed_measurement(const std::filesystem::path& folder, const std::string& label,
                                          std::int64_t block);

}  // namespace pipeline
