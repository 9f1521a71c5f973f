#include "operators/blur.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/reflection_pad2d.h>

#include "operators/separable_kernel.h"

namespace operators {
namespace {

// The kernel's taps, checked.
KernelTaps read_taps(const std::string& name, const at::Tensor& kernel) {
    if (!kernel.defined() || kernel.dim() != 2 || kernel.size(0) % 2 == 0 || kernel.size(1) % 2 == 0) {
        throw std::invalid_argument(name + ": the kernel has shape " + shape_of(kernel) +
                                    ", expected [odd height, odd width]");
    }
    const at::Tensor values = kernel.to(at::kCPU, at::kDouble).contiguous();
    const double* first = values.const_data_ptr<double>();
    KernelTaps taps{values.size(0), values.size(1), {first, first + values.numel()}};
    double sum = 0;
    for (const double tap : taps.values) sum += std::abs(tap);
    if (!std::isfinite(sum)) throw std::invalid_argument(name + ": the kernel holds values that are not finite");
    if (sum == 0) throw std::invalid_argument(name + ": all values of the kernel are 0");
    return taps;
}

at::Tensor double_tensor(const std::vector<double>& values, at::IntArrayRef shape) {
    at::Tensor tensor = at::empty(shape, at::kDouble);
    std::memcpy(tensor.mutable_data_ptr<double>(), values.data(), values.size() * sizeof(double));
    return tensor;
}

// Adds back along one axis what mirroring copied beyond both ends: padded entry r − s came from pixel s, s = 1 … r.
at::Tensor fold_mirror(const at::Tensor& padded, std::int64_t axis, std::int64_t reach) {
    const std::int64_t side = padded.size(axis) - 2 * reach;
    at::Tensor folded = padded.narrow(axis, reach, side).clone();
    if (reach == 0) return folded;
    folded.narrow(axis, 1, reach).add_(padded.narrow(axis, 0, reach).flip({axis}));
    folded.narrow(axis, side - 1 - reach, reach).add_(padded.narrow(axis, reach + side, reach).flip({axis}));
    return folded;
}

}  // namespace

Blur::Blur(std::string name, const at::Tensor& kernel, Shape image_shape)
    : LinearOperator(std::move(name), image_shape, image_shape) {
    const KernelTaps taps = trim_zero_border(read_taps(this->name(), kernel));
    if (taps.height / 2 >= image_shape.height || taps.width / 2 >= image_shape.width) {
        throw std::invalid_argument(this->name() + ": the kernel reaches " + std::to_string(taps.height / 2) + " x " +
                                    std::to_string(taps.width / 2) + " pixels over the border, images of " +
                                    std::to_string(image_shape.height) + " x " + std::to_string(image_shape.width) +
                                    " can be mirrored by " + std::to_string(image_shape.height - 1) + " x " +
                                    std::to_string(image_shape.width - 1) + " at most");
    }

    // A kernel kept in float32 is a product as far as its rounding lets it be one.
    const double rounding = kernel.scalar_type() == at::kDouble ? 0x1p-53 : 0x1p-24;
    const at::Device device = kernel.device();
    if (const auto factors = factor_kernel(taps, 4 * rounding)) {
        const std::int64_t height = image_shape.height;
        const std::int64_t width = image_shape.width;
        vertical_ = double_tensor(mirrored_band(factors->column, height), {height, height}).to(device);
        horizontal_ = double_tensor(mirrored_band(factors->row, width), {width, width}).to(device);
        vertical_float_ = vertical_.to(at::kFloat);
        horizontal_float_ = horizontal_.to(at::kFloat);
    } else {
        const at::Tensor one = double_tensor(taps.values, {1, 1, taps.height, taps.width}).to(device);
        kernel_ = one.repeat({image_shape.channels, 1, 1, 1});
        kernel_float_ = kernel_.to(at::kFloat);
    }
}

at::Tensor Blur::apply_forward(const at::Tensor& x) const {
    const bool is_float = x.scalar_type() == at::kFloat;
    if (is_separable()) {
        const at::Tensor& V = is_float ? vertical_float_ : vertical_;
        const at::Tensor& W = is_float ? horizontal_float_ : horizontal_;
        return at::matmul(at::matmul(V, x), W.t());
    }
    const at::Tensor& kernel = is_float ? kernel_float_ : kernel_;
    const std::int64_t rows = kernel.size(2) / 2;
    const std::int64_t columns = kernel.size(3) / 2;
    const at::Tensor mirrored = at::reflection_pad2d(x, {columns, columns, rows, rows});
    return at::conv2d(mirrored, kernel, {}, 1, at::IntArrayRef{0, 0}, 1, x_shape().channels);
}

at::Tensor Blur::apply_adjoint(const at::Tensor& y) const {
    const bool is_float = y.scalar_type() == at::kFloat;
    if (is_separable()) {
        const at::Tensor& V = is_float ? vertical_float_ : vertical_;
        const at::Tensor& W = is_float ? horizontal_float_ : horizontal_;
        return at::matmul(at::matmul(V.t(), y), W);
    }
    const at::Tensor& kernel = is_float ? kernel_float_ : kernel_;
    const at::Tensor padded = at::conv_transpose2d(y, kernel, {}, 1, 0, 0, x_shape().channels);
    return fold_mirror(fold_mirror(padded, 3, kernel.size(3) / 2), 2, kernel.size(2) / 2);
}

}  // namespace operators
