#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"
#include "operators/option.h"

namespace operators {

/// One line of the table of operators: all that the program knows about an operator.
struct OperatorEntry {
    std::string_view name;     ///< As in a job file and as its section: `gaussian_blur`.
    std::string_view summary;  ///< One sentence with the formula.
    std::string_view paper;    ///< Where it comes from.
    std::span<const Option> options;

    /// Replaces `auto` by numbers and checks what depends on the image's shape. May be null.
    /// @throws std::invalid_argument  "box.size: 80 does not fit …": option, value, what is allowed.
    void (*resolve)(Settings& settings, const Shape& image);

    /// Draws what the operator needs for these images (masks, kernels), keyed by image alone. Null where the parameter
    /// is read from a file (`file_parameter`) or nothing is drawn.
    Parameters (*draw)(const Settings& settings, const Shape& image, const NoiseStream& noise,
                       std::span<const std::uint64_t> images);

    /// Name of the parameter that option `file` gives ("mask", "kernel"); empty where nothing is read.
    std::string_view file_parameter;

    /// Makes the operator for images of this shape from its settings and drawn, read or stored parameters.
    std::unique_ptr<MeasurementOperator> (*make)(const Settings& settings, const Shape& image,
                                                 const Parameters& parameters);

    /// True where what is drawn follows from the seed: no operator for y that somebody has measured.
    bool is_random = false;
    /// By how much each side of x is longer than y's; null: not at all.
    std::int64_t (*enlargement)(const Settings& settings) = nullptr;
};

/// The table. To add an operator: its file pair, one line here, its name in the contract test, an example job.
std::span<const OperatorEntry> operator_table();

/// @throws std::invalid_argument  naming the operators there are.
const OperatorEntry& find_operator(std::string_view name);

}  // namespace operators
