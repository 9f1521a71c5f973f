#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/packed_content.h"

namespace pipeline {

/// What became of one image. Stored as its number: never renumber, only add.
enum class RowStatus : std::int8_t {
    done = 0,
    diverged = 1,    ///< A value was not finite; metrics are NaN.
    unreadable = 2,  ///< The image could not be read; metrics are NaN.
};

/// How `restored` is kept: float32 on [−1, 1], or uint8 with 0 … 255 for the same range.
enum class Store { float32, uint8 };

/// One row per image of a unit. All vectors have N entries.
struct UnitRows {
    at::Tensor restored;                    ///< [N, C, H, W], float32, clamped to [−1, 1]
    std::vector<std::int64_t> image_index;  ///< −1 where images are generated
    std::vector<std::string> image_name;
    std::vector<std::string> image_hash;   ///< SHA-256 of the source image; empty where there is none
    std::vector<std::string> image_error;  ///< Why it could not be read; empty where it was
    std::vector<std::int64_t> sample;
    std::vector<RowStatus> status;
    std::vector<double> psnr, ssim, lpips;  ///< NaN where not defined
    std::vector<double> psnr_measurement;   ///< y itself against the truth, where y is an image
    std::vector<double> psnr_unobserved;    ///< where A removed every channel; NaN where it removed nothing
    std::vector<std::int64_t> class_label;  ///< what the network was conditioned on; −1 without classes
    std::vector<double> residual;           ///< ‖y − A x̂‖/(σ_y √m); NaN where σ_y = 0
    std::int64_t nfe = 0;                   ///< Network calls per image
    std::vector<double> sigma_each = {};    ///< σ_y of each image where it was estimated; empty otherwise
};

/// The content of an immutable unit file: what the job determines and nothing that varies between runs.
struct UnitFile {
    std::int64_t unit = 0;
    std::string plan_digest;
    std::string configuration;  ///< JSON of the unit's point of the sweep
    Store store = Store::float32;
    UnitRows rows;
};

/// units/000/unit-000312.h5, relative to the run's folder.
std::filesystem::path unit_path(std::int64_t unit);

/// Writes the file under a temporary name, closes, syncs and renames it. Identical content gives identical bytes.
/// @throws FileError
void commit_unit_file(const std::filesystem::path& folder, const UnitFile& file);

/// @throws FileError  where it is missing, damaged, or its content digest does not fit
UnitFile read_unit_file(const std::filesystem::path& folder, std::int64_t unit);

/// A unit to be copied: its columns, and its images as they are stored.
struct PackedUnit {
    UnitFile content;       ///< `restored` is undefined
    PackedImages restored;  ///< [N, y, x, C]
    std::string content_digest;
};

/// @throws FileError  where it is missing or its seal is broken
PackedUnit read_packed_unit(const std::filesystem::path& folder, std::int64_t unit);

}  // namespace pipeline
