#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace operators {

/// The shape of one image or one measurement, without the batch axis.
struct Shape {
    std::int64_t channels = 0;
    std::int64_t height = 0;
    std::int64_t width = 0;

    /// Number of entries, channels · height · width.
    std::int64_t count() const { return channels * height * width; }

    bool operator==(const Shape&) const = default;
};

/// "[N, 3, 64, 64]": how shapes are written in messages.
std::string to_string(const Shape& shape);

/// "[16, 3, 64, 64]": a tensor's own shape.
std::string shape_of(const at::Tensor& tensor);

}  // namespace operators
