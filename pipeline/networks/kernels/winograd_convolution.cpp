#include "pipeline/networks/kernels/winograd_convolution.h"

#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "pipeline/networks/kernels/dense_images.h"
#include "pipeline/networks/kernels/kernel_choice.h"
#include "pipeline/networks/kernels/winograd_rows.h"

namespace pipeline {
namespace {

bool is_plain(const at::Tensor& x) {
    return x.is_cpu() && x.scalar_type() == at::kFloat;
}

/// The fastest that this processor can execute; null where there is none.
const WinogradKernel* kernel_of_this_processor() {
    static const WinogradKernel* const fastest = [] {
        const WinogradKernel* best = nullptr;
        for (const WinogradKernel& kernel : winograd_kernels()) {
            if (kernel.is_usable) best = &kernel;
        }
        return best;
    }();
    return fastest;
}

}  // namespace

bool can_convolve_by_winograd(const at::Tensor& x, const at::Tensor& weight, int stride, int padding,
                              std::int64_t out_channels) {
    constexpr std::int64_t least_pixels = 16 * 16, least_channels = 8;
    if (!kernel_choice().winograd || !is_plain(x) || !is_plain(weight) || x.dim() != 4) return false;
    const std::int64_t pixels = x.size(2) * x.size(3);
    return weight.size(2) == 3 && weight.size(3) == 3 && stride == 1 && padding == 1 &&
           out_channels >= least_channels && x.size(1) == weight.size(1) && pixels >= least_pixels &&
           256 * pixels >= weight.size(0) * weight.size(1) && kernel_of_this_processor() != nullptr;
}

at::Tensor transformed_weights(const at::Tensor& weight, bool is_adjoint) {
    const at::Tensor dense = weight.contiguous();
    const std::int64_t in_channels = dense.size(is_adjoint ? 0 : 1), out_channels = dense.size(is_adjoint ? 1 : 0);
    at::Tensor transformed = at::empty({winograd_weight_count(in_channels, out_channels)}, dense.options());
    transform_winograd_weights(dense.const_data_ptr<float>(), in_channels, out_channels, is_adjoint,
                               transformed.mutable_data_ptr<float>());
    return transformed;
}

at::Tensor winograd_convolution(const at::Tensor& x, const at::Tensor& transformed, std::int64_t out_channels,
                                const at::Tensor& bias, const at::Tensor& addend) {
    TORCH_CHECK(is_plain(x) && x.dim() == 4, "winograd_convolution: x is ", x.scalar_type(), " of shape ", x.sizes(),
                " on ", x.device(), ", expected float32 [N, C, H, W] on the CPU");
    TORCH_CHECK(is_plain(transformed) && transformed.numel() == winograd_weight_count(x.size(1), out_channels),
                "winograd_convolution: ", transformed.numel(), " transformed weights do not fit ", x.size(1), " to ",
                out_channels, " channels");
    TORCH_CHECK(!bias.defined() || (is_plain(bias) && bias.is_contiguous() && bias.numel() == out_channels),
                "winograd_convolution: the bias does not fit ", out_channels, " channels");
    const std::vector<std::int64_t> y_shape{x.size(0), out_channels, x.size(2), x.size(3)};
    TORCH_CHECK(!addend.defined() || (is_plain(addend) && addend.sizes() == y_shape),
                "winograd_convolution: the addend is not of shape ", y_shape);
    const at::Tensor dense = with_dense_images(x);
    const at::Tensor dense_addend = addend.defined() ? addend.contiguous() : addend;
    at::Tensor y = at::empty(y_shape, x.options());
    const WinogradShape shape{x.size(0), x.size(1), out_channels, x.size(2), x.size(3), dense.stride(0)};
    const WinogradPlaces places{dense.const_data_ptr<float>(), transformed.const_data_ptr<float>(),
                                bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                                dense_addend.defined() ? dense_addend.const_data_ptr<float>() : nullptr,
                                y.mutable_data_ptr<float>()};
    at::parallel_for(0, shape.images * shape.bands(), 1, [&](std::int64_t first, std::int64_t last) {
        kernel_of_this_processor()->convolve(shape, places, first, last);
    });
    return y;
}

}  // namespace pipeline
