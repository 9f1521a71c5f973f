#include "operators/blur.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/repeat_interleave.h>
#include <c10/core/GradMode.h>

#include "operators/full_precision.h"
#include "operators/kernels/mirrored_blur.h"
#include "operators/kernels/tap_sum.h"
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

/// Kernels of each image's own, [N, 1, K_h, K_w], in double.
at::Tensor checked_kernels(const std::string& name, const at::Tensor& kernels, const Shape& image) {
    if (kernels.size(0) < 1 || kernels.size(1) != 1 || kernels.size(2) % 2 == 0 || kernels.size(3) % 2 == 0) {
        throw std::invalid_argument(name + ": the kernels have shape " + shape_of(kernels) +
                                    ", expected [N, 1, odd height, odd width]");
    }
    const std::int64_t tall = 2 * image.height - 1, wide = 2 * image.width - 1;
    if (kernels.size(2) > tall || kernels.size(3) > wide) {
        // Zeros around all of them, up to a larger kernel of another image, reach nowhere.
        const std::int64_t rows = std::max<std::int64_t>(0, (kernels.size(2) - tall) / 2);
        const std::int64_t columns = std::max<std::int64_t>(0, (kernels.size(3) - wide) / 2);
        const at::Tensor inner =
            kernels.narrow(2, rows, kernels.size(2) - 2 * rows).narrow(3, columns, kernels.size(3) - 2 * columns);
        if (inner.ne(0).sum().item<std::int64_t>() == kernels.ne(0).sum().item<std::int64_t>()) {
            return checked_kernels(name, inner.contiguous(), image);
        }
        throw std::invalid_argument(name + ": kernels of shape " + shape_of(kernels) + " are too large for images of " +
                                    std::to_string(image.height) + " x " + std::to_string(image.width));
    }
    const at::Tensor values = kernels.to(at::kDouble);
    for (std::int64_t i = 0; i < values.size(0); ++i) read_taps(name, values.select(0, i).select(0, 0));
    return values;
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
    has_own_kernels_ = kernel.defined() && kernel.dim() == 4;
    if (has_own_kernels_) {
        set_kernel(checked_kernels(this->name(), kernel, image_shape));
        return;
    }
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
        column_ = double_tensor(factors->column, {taps.height}).to(device, at::kFloat);
        row_ = double_tensor(factors->row, {taps.width}).to(device, at::kFloat);
    } else {
        set_kernel(double_tensor(taps.values, {1, 1, taps.height, taps.width}).to(device));
    }
}

void Blur::set_kernel(const at::Tensor& kernels) {
    kernel_ = at::repeat_interleave(kernels, x_shape().channels, 0);
    kernel_float_ = kernel_.to(at::kFloat);
    // LibTorch's convolution spends less on a tap, but spends it on zeros too. Each kernel by itself: an image's bits
    // do not depend on its neighbours.
    for (std::int64_t i = 0; i < kernel_.size(0); ++i) {
        const std::int64_t taps = kernel_.select(0, i).ne(0).sum().item<std::int64_t>();
        is_sparse_.push_back(8 * taps < kernel_.size(2) * kernel_.size(3));
    }
}

template <class ByTaps, class ByConvolution>
at::Tensor Blur::by_kernel(const at::Tensor& x, const at::Tensor& kernel, const ByTaps& by_taps,
                           const ByConvolution& by_convolution) const {
    const bool has_graph = c10::GradMode::is_enabled() && x.requires_grad();
    const bool is_known = x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble;
    if (!x.is_cpu() || !kernel.is_cpu() || has_graph || !is_known) return by_convolution(x, kernel);
    if (std::ranges::count(is_sparse_, false) == 0) return by_taps(x, kernel);
    if (!has_own_kernels_) return by_convolution(x, kernel);
    // Image by image: LibTorch may convolve another way where there are more planes.
    const std::int64_t channels = x_shape().channels;
    std::vector<at::Tensor> images;
    for (std::int64_t first = 0; first < kernel.size(0); first += channels) {
        const at::Tensor planes = x.narrow(1, first, channels), own = kernel.narrow(0, first, channels);
        const bool is_sparse = is_sparse_[static_cast<std::size_t>(first)];
        images.push_back(is_sparse ? by_taps(planes, own) : by_convolution(planes.contiguous(), own));
    }
    return at::cat(images, 1);
}

std::vector<at::Tensor> Blur::tensors() const {
    if (!is_separable()) return {kernel_, kernel_float_};
    return {vertical_, horizontal_, vertical_float_, horizontal_float_, column_, row_};
}

at::Tensor Blur::side_by_side(const at::Tensor& x, std::string_view what) const {
    if (!has_own_kernels_) return x;
    const std::int64_t images = kernel_.size(0) / x_shape().channels;
    if (x.size(0) != images) {
        throw std::invalid_argument(name() + ": " + std::string(what) + " has shape " + shape_of(x) + ", expected " +
                                    std::to_string(images) + " rows, one for each kernel");
    }
    return x.reshape({1, -1, x.size(2), x.size(3)});
}

at::Tensor Blur::apply_forward(const at::Tensor& x) const {
    const FullPrecision full;
    const bool is_float = x.scalar_type() == at::kFloat;
    if (is_separable() && is_float && x.is_cuda()) return mirrored_blur(x, column_, row_, false);
    if (is_separable()) {
        const at::Tensor& V = is_float ? vertical_float_ : vertical_;
        const at::Tensor& W = is_float ? horizontal_float_ : horizontal_;
        return at::matmul(at::matmul(V, x), W.t());
    }
    const at::Tensor& kernel = is_float ? kernel_float_ : kernel_;
    const std::int64_t rows = kernel.size(2) / 2;
    const std::int64_t columns = kernel.size(3) / 2;
    const at::Tensor mirrored = at::reflection_pad2d(side_by_side(x, "x"), {columns, columns, rows, rows});
    const auto by_taps = [](const at::Tensor& planes, const at::Tensor& k) {
        const at::Tensor sums = sum_of_taps(planes.flatten(0, 1).contiguous(), k);
        return sums.view({planes.size(0), planes.size(1), sums.size(1), sums.size(2)});
    };
    const auto by_convolution = [](const at::Tensor& planes, const at::Tensor& k) {
        return at::conv2d(planes, k, {}, 1, at::IntArrayRef{0, 0}, 1, k.size(0));
    };
    return by_kernel(mirrored, kernel, by_taps, by_convolution).view(x.sizes());
}

at::Tensor Blur::apply_adjoint(const at::Tensor& y) const {
    const FullPrecision full;
    const bool is_float = y.scalar_type() == at::kFloat;
    if (is_separable() && is_float && y.is_cuda()) return mirrored_blur(y, column_, row_, true);
    if (is_separable()) {
        const at::Tensor& V = is_float ? vertical_float_ : vertical_;
        const at::Tensor& W = is_float ? horizontal_float_ : horizontal_;
        return at::matmul(at::matmul(V.t(), y), W);
    }
    const at::Tensor& kernel = is_float ? kernel_float_ : kernel_;
    const std::int64_t rows = kernel.size(2) / 2;
    const std::int64_t columns = kernel.size(3) / 2;
    const auto by_taps = [&](const at::Tensor& planes, const at::Tensor& k) {
        // Out to the mirrored border: the flipped kernel on y among zeros.
        const at::Tensor zeros = at::constant_pad_nd(planes, {2 * columns, 2 * columns, 2 * rows, 2 * rows});
        const at::Tensor flipped = k.flip({2, 3}).contiguous();
        const at::Tensor sums = sum_of_taps(zeros.flatten(0, 1).contiguous(), flipped, 2 * rows, 2 * columns);
        return sums.view({planes.size(0), planes.size(1), sums.size(1), sums.size(2)});
    };
    const auto by_convolution = [](const at::Tensor& planes, const at::Tensor& k) {
        return at::conv_transpose2d(planes, k, {}, 1, 0, 0, k.size(0));
    };
    const at::Tensor padded = by_kernel(side_by_side(y, "y"), kernel, by_taps, by_convolution);
    return fold_mirror(fold_mirror(padded, 3, columns), 2, rows).view(y.sizes());
}

}  // namespace operators
