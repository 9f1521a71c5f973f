#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "operators/make_operator.h"
#include "pipeline/data/dataset.h"

namespace jobs {

/// Reads what an operator with option `file` needs for these images (of the first 1 000 of them; of the others,
/// that there is one), as its units will,
/// and makes the operator of it, so that a mask of another size or a kernel that does not fit is found while planning.
/// @return SHA-256 over shapes and values of what was read; "" for an operator that reads nothing
/// @throws pipeline::FileError, std::invalid_argument  naming the file or option and what is wanted
std::string parameter_digest(const operators::OperatorEntry& entry, const operators::Settings& settings,
                             const operators::Shape& image, const pipeline::Dataset& dataset,
                             std::span<const std::int64_t> images);

}  // namespace jobs
