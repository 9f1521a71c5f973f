#include "pipeline/networks/kernels/winograd_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "pipeline/networks/kernels/dense_images.h"
#include "pipeline/networks/kernels/kernel_choice.h"
#include "pipeline/networks/kernels/winograd_rows.h"

namespace pipeline {
namespace {

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
    return kernel_choice().winograd && x.is_cpu() && x.scalar_type() == at::kFloat && weight.size(2) == 3 &&
           weight.size(3) == 3 && stride == 1 && padding == 1 && out_channels >= least_channels &&
           x.size(2) * x.size(3) >= least_pixels && kernel_of_this_processor() != nullptr;
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
    const at::Tensor dense = with_dense_images(x);
    const at::Tensor dense_addend = addend.defined() ? addend.contiguous() : addend;
    at::Tensor y = at::empty({x.size(0), out_channels, x.size(2), x.size(3)}, x.options());
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
