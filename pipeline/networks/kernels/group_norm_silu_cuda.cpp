#include <cstdint>
#include <tuple>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "pipeline/networks/kernels/group_norm_launch.h"

namespace pipeline {
namespace {

/// Channels last, from an address that is a multiple of 16.
at::Tensor channels_last(const at::Tensor& images) {
    const at::Tensor dense = images.contiguous(at::MemoryFormat::ChannelsLast);
    return reinterpret_cast<std::uintptr_t>(dense.const_data_ptr()) % 16 == 0 ? dense : dense.clone();
}

/// A call's images in channels-last memory, its weights and sizes, checked.
struct CheckedNorm {
    at::Tensor x, weight, bias;
    ImageType type;
    GroupNormShape shape;

    CheckedNorm(const at::Tensor& images, const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                std::int64_t groups) {
        TORCH_CHECK(images.dim() == 4, "group norm: x has shape ", images.sizes(), ", expected [N, C, H, W]");
        TORCH_CHECK(images.scalar_type() == at::kFloat || images.scalar_type() == at::kBFloat16, "group norm: x is ",
                    images.scalar_type(), ", a GPU takes float32 and bfloat16");
        type = images.scalar_type() == at::kFloat ? ImageType::float32 : ImageType::bfloat16;
        const std::int64_t channels = images.size(1);
        const std::int64_t pixels = images.size(2) * images.size(3);
        const int width = channels_in_16_bytes(type);
        TORCH_CHECK(channels * pixels <= 0x7FFFFFFF && images.size(0) <= 65535 && groups > 0 && groups <= channels,
                    "group norm: x has shape ", images.sizes(), " and ", groups,
                    " groups, a GPU takes at most 65535 images of less than 2^31 values, and 1 to C groups");
        shape = {static_cast<int>(images.size(0)), static_cast<int>(pixels), static_cast<int>(channels),
                 static_cast<int>(groups), norm_weight.dim() == 2};
        TORCH_CHECK(is_supported(shape, width), "group norm: x has shape ", images.sizes(), " and ", groups,
                    " groups, a GPU takes C up to 3072, a multiple of the groups and of ", width, " for ",
                    images.scalar_type(), ", and no empty x");
        for (const at::Tensor* one : {&norm_weight, &norm_bias}) {
            const bool fits = one->scalar_type() == at::kFloat && one->device() == images.device() &&
                              one->sizes() == norm_weight.sizes() && one->size(-1) == channels &&
                              (one->dim() == 1 || (one->dim() == 2 && one->size(0) == images.size(0)));
            TORCH_CHECK(fits, "group norm: weight or bias is ", one->scalar_type(), " of shape ", one->sizes(), " on ",
                        one->device(), ", expected float32 [C] or [N, C] on ", images.device(), " for x of shape ",
                        images.sizes());
        }
        x = channels_last(images);
        weight = norm_weight.contiguous();
        bias = norm_bias.contiguous();
    }

    at::Tensor partial() const {
        return at::empty({GroupNormLayout::partial_count(shape, channels_in_16_bytes(type))}, weight.options());
    }
};

std::tuple<at::Tensor, at::Tensor, at::Tensor> group_norm_silu_cuda(const at::Tensor& x, const at::Tensor& weight,
                                                                    const at::Tensor& bias, std::int64_t groups,
                                                                    double epsilon, bool has_silu) {
    const c10::cuda::CUDAGuard guard(x.device());
    const CheckedNorm norm(x, weight, bias, groups);
    at::Tensor y = at::empty_like(norm.x);
    at::Tensor mean = at::empty({x.size(0), groups}, norm.weight.options());
    at::Tensor rstd = at::empty_like(mean);
    at::Tensor partial = norm.partial();
    C10_CUDA_CHECK(launch_group_norm_silu(
        {norm.x.const_data_ptr(), norm.weight.const_data_ptr<float>(), norm.bias.const_data_ptr<float>(),
         y.mutable_data_ptr(), mean.mutable_data_ptr<float>(), rstd.mutable_data_ptr<float>(),
         partial.mutable_data_ptr<float>()},
        norm.type, norm.shape, static_cast<float>(epsilon), has_silu, c10::cuda::getCurrentCUDAStream()));
    return {y, mean, rstd};
}

at::Tensor group_norm_silu_vjp_cuda(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& mean,
                                    const at::Tensor& rstd, const at::Tensor& weight, const at::Tensor& bias,
                                    std::int64_t groups, bool has_silu) {
    const c10::cuda::CUDAGuard guard(x.device());
    const CheckedNorm norm(x, weight, bias, groups);
    TORCH_CHECK(gradient.sizes() == x.sizes() && gradient.scalar_type() == x.scalar_type(),
                "group norm: the gradient is ", gradient.scalar_type(), " of shape ", gradient.sizes(),
                ", expected that of x, ", x.scalar_type(), " ", x.sizes());
    for (const at::Tensor* one : {&mean, &rstd}) {
        TORCH_CHECK(one->scalar_type() == at::kFloat && one->numel() == x.size(0) * groups && one->is_contiguous(),
                    "group norm: mean or rstd is ", one->scalar_type(), " of shape ", one->sizes(),
                    ", expected float32 [N, groups]");
    }
    const at::Tensor dense_gradient = channels_last(gradient);
    at::Tensor dx = at::empty_like(norm.x);
    at::Tensor partial = norm.partial();
    C10_CUDA_CHECK(launch_group_norm_silu_vjp(
        {dense_gradient.const_data_ptr(), norm.x.const_data_ptr(), mean.const_data_ptr<float>(),
         rstd.const_data_ptr<float>(), norm.weight.const_data_ptr<float>(), norm.bias.const_data_ptr<float>(),
         dx.mutable_data_ptr(), partial.mutable_data_ptr<float>()},
        norm.type, norm.shape, has_silu, c10::cuda::getCurrentCUDAStream()));
    return dx;
}

}  // namespace

TORCH_LIBRARY_IMPL(diffinv, CUDA, library) {
    library.impl("group_norm_silu", &group_norm_silu_cuda);
    library.impl("group_norm_silu_vjp", &group_norm_silu_vjp_cuda);
}

}  // namespace pipeline
