#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "operators/measurement_operator.h"
#include "tests/conformance/golden_file.h"

namespace conformance {

/// The operator that a group stores: a `mask` [1 or N, 1, H, W] or a `kernel` [k, k], whatever the case is called.
/// @param rows  of a batch, where the mask has one for each image
/// @throws NotBuilt  where the group stores neither
std::shared_ptr<const operators::MeasurementOperator> stored_operator(const GoldenFile& file, const std::string& group,
                                                                      const operators::Shape& image,
                                                                      std::int64_t first_row, std::int64_t rows);

/// The shape of the images of a batch [N, C, H, W].
operators::Shape image_shape(const at::Tensor& batch);

}  // namespace conformance
