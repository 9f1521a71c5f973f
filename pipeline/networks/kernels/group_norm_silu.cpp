#include "pipeline/networks/kernels/group_norm_silu.h"

#include <tuple>

#include <torch/csrc/autograd/custom_function.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/native_group_norm_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <c10/core/GradMode.h>

namespace pipeline {
namespace {

/// The sizes with which the norm is computed. Where each image has its own weights, the batch is taken for one image of
/// N·C channels in N·groups groups: statistics are the same, and the weights are one per channel.
struct NormSizes {
    std::int64_t images;
    std::int64_t channels;
    std::int64_t pixels;
    std::int64_t groups;

    NormSizes(const at::Tensor& x, const at::Tensor& weight, std::int64_t group_count)
        : images(x.size(0)), channels(x.size(1)), pixels(x.numel() / (x.size(0) * x.size(1))), groups(group_count) {
        if (weight.dim() == 1) return;
        channels *= images;
        groups *= images;
        images = 1;
    }

    at::Tensor flat(const at::Tensor& x) const { return x.view({images, channels, pixels}); }
};

struct NormResult {
    at::Tensor y, mean, rstd;
};

NormResult normalised(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const NormSizes& sizes,
                      double epsilon) {
    auto [y, mean, rstd] = at::native_group_norm(sizes.flat(x), weight.view(-1), bias.view(-1), sizes.images,
                                                 sizes.channels, sizes.pixels, sizes.groups, epsilon);
    return {y, mean, rstd};
}

struct GroupNormSilu : torch::autograd::Function<GroupNormSilu> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const at::Tensor& bias, std::int64_t groups, double epsilon) {
        const at::Tensor dense = x.contiguous();
        const NormSizes sizes(dense, weight, groups);
        NormResult norm = normalised(dense, weight, bias, sizes, epsilon);
        context->save_for_backward({dense, weight, bias, norm.mean, norm.rstd});
        context->saved_data["groups"] = groups;
        return at::silu_(norm.y).view(x.sizes());
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &mean = saved[3], &rstd = saved[4];
        const NormSizes sizes(x, weight, context->saved_data["groups"].toInt());
        const at::Tensor flat_x = sizes.flat(x);

        // z = a x + b per channel, with a = w/√(σ² + ε) and b = bias − a μ
        const std::int64_t in_group = sizes.channels / sizes.groups;
        const at::Tensor w = weight.view({-1, sizes.groups, in_group});
        const at::Tensor a = w * rstd.view({sizes.images, sizes.groups, 1});
        const at::Tensor b = bias.view({-1, sizes.groups, in_group}) - a * mean.view({sizes.images, sizes.groups, 1});
        const at::Tensor z =
            at::addcmul(b.view({sizes.images, sizes.channels, 1}), flat_x, a.view({sizes.images, sizes.channels, 1}));

        const at::Tensor gradient_z = at::silu_backward(sizes.flat(gradients[0].contiguous()), z);
        const at::Tensor gradient_x = std::get<0>(
            at::native_group_norm_backward(gradient_z, flat_x, mean, rstd, weight.view(-1), sizes.images,
                                           sizes.channels, sizes.pixels, sizes.groups, {true, false, false}));
        return {gradient_x.view(x.sizes()), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

at::Tensor group_norm_silu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                           double epsilon) {
    if (c10::GradMode::is_enabled() && x.requires_grad()) return GroupNormSilu::apply(x, weight, bias, groups, epsilon);
    const at::Tensor dense = x.contiguous();
    NormResult norm = normalised(dense, weight, bias, NormSizes(dense, weight, groups), epsilon);
    return at::silu_(norm.y).view(x.sizes());
}

}  // namespace pipeline
