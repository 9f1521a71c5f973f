#include "pipeline/networks/kernels/group_norm_silu.h"

#include <torch/csrc/autograd/custom_function.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/silu.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/kernels/group_norm_operations.h"
#include "pipeline/networks/kernels/kernel_choice.h"

namespace pipeline {
namespace {

/// x in the memory layout that its device's kernels read.
at::Tensor laid_out(const at::Tensor& x) {
    return x.is_cuda() ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

struct FrozenGroupNorm : torch::autograd::Function<FrozenGroupNorm> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const at::Tensor& bias, std::int64_t groups, double epsilon, bool has_silu) {
        const at::AutoDispatchBelowADInplaceOrView below;
        const at::Tensor dense = laid_out(x);
        const GroupNormResult norm = group_norm_operation(dense, weight, bias, groups, epsilon, has_silu);
        context->save_for_backward({dense, weight, bias, norm.mean, norm.rstd});
        context->saved_data["groups"] = groups;
        context->saved_data["has_silu"] = has_silu;
        return norm.y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::AutoDispatchBelowADInplaceOrView below;
        const auto saved = context->get_saved_variables();
        const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &mean = saved[3], &rstd = saved[4];
        const at::Tensor dx =
            group_norm_vjp_operation(gradients[0], x, mean, rstd, weight, bias, context->saved_data["groups"].toInt(),
                                     context->saved_data["has_silu"].toBool());
        return {dx, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

/// The same by LibTorch's own operations, one after the other, in the precision of x.
at::Tensor plain_group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                            double epsilon, bool has_silu) {
    const at::Tensor w = weight.to(x.scalar_type()).view({-1, x.size(1), 1, 1});
    const at::Tensor b = bias.to(x.scalar_type()).view({-1, x.size(1), 1, 1});
    const at::Tensor y = at::group_norm(x, groups, {}, {}, epsilon) * w + b;
    return has_silu ? at::silu(y) : y;
}

at::Tensor frozen_group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                             double epsilon, bool has_silu) {
    if (!kernel_choice().fused_norm) return plain_group_norm(x, weight, bias, groups, epsilon, has_silu);
    if (c10::GradMode::is_enabled() && x.requires_grad()) {
        return FrozenGroupNorm::apply(x, weight, bias, groups, epsilon, has_silu);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    return group_norm_operation(laid_out(x), weight, bias, groups, epsilon, has_silu).y;
}

}  // namespace

at::Tensor group_norm_silu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                           double epsilon) {
    return frozen_group_norm(x, weight, bias, groups, epsilon, /*has_silu=*/true);
}

at::Tensor group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                      double epsilon) {
    return frozen_group_norm(x, weight, bias, groups, epsilon, /*has_silu=*/false);
}

}  // namespace pipeline
