#include "pipeline/networks/kernels/group_norm_operations.h"

#include <algorithm>
#include <tuple>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/native_group_norm_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <c10/util/accumulate.h>
#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>
#include <torch/library.h>

#include "pipeline/networks/kernels/dense_images.h"
#include "pipeline/networks/kernels/group_norm_planes.h"

namespace pipeline {
namespace {

using GroupNormTuple = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

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

/// The fastest that this processor can execute.
const GroupNormKernels& kernels_of_this_processor() {
    static const GroupNormKernels& fastest = []() -> const GroupNormKernels& {
        const auto kernels = group_norm_kernels();
        const auto usable = [](const GroupNormKernels& one) { return one.is_usable; };
        return *std::find_if(kernels.rbegin(), kernels.rend(), usable);
    }();
    return fastest;
}

GroupNormPlanes planes_of(const at::Tensor& x, const at::Tensor& weight, std::int64_t groups, bool has_silu,
                          double epsilon) {
    return {x.size(0), x.size(1), c10::multiply_integers(x.sizes().slice(2)), groups, weight.dim() == 2, has_silu,
            epsilon,   0};
}

void check_planes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups) {
    TORCH_CHECK(x.dim() >= 2 && groups > 0 && x.size(1) % groups == 0, "group_norm_silu: x has shape ", x.sizes(),
                ", expected [N, C, …] with C a multiple of ", groups);
    const bool fits = (weight.dim() == 1 || (weight.dim() == 2 && weight.size(0) == x.size(0))) &&
                      weight.size(-1) == x.size(1) && bias.sizes() == weight.sizes();
    TORCH_CHECK(fits, "group_norm_silu: weight ", weight.sizes(), " and bias ", bias.sizes(), " do not fit x ",
                x.sizes());
    for (const at::Tensor* one : {&x, &weight, &bias}) {
        TORCH_CHECK(one->is_cpu() && one->scalar_type() == at::kFloat, "group_norm_silu: ", one->scalar_type(), " on ",
                    one->device(), " among float32 on the CPU");
    }
}

/// In float32: a group is read from memory once.
GroupNormTuple group_norm_silu_planes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                      std::int64_t groups, double epsilon, bool has_silu) {
    check_planes(x, weight, bias, groups);
    const at::Tensor dense = x.contiguous(), w = weight.contiguous(), b = bias.contiguous();
    const at::Tensor y = at::empty_like(dense);
    const at::Tensor mean = at::empty({x.size(0), groups}, x.options()), rstd = at::empty_like(mean);
    const GroupNormPlanes planes = planes_of(dense, w, groups, has_silu, epsilon);
    const GroupNormForward places{dense.const_data_ptr<float>(),  w.const_data_ptr<float>(),
                                  b.const_data_ptr<float>(),      y.mutable_data_ptr<float>(),
                                  mean.mutable_data_ptr<float>(), rstd.mutable_data_ptr<float>()};
    at::parallel_for(0, planes.images * groups, 1, [&](std::int64_t first, std::int64_t last) {
        kernels_of_this_processor().forward(planes, places, first, last);
    });
    return {y, mean, rstd};
}

at::Tensor group_norm_silu_vjp_planes(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& mean,
                                      const at::Tensor& rstd, const at::Tensor& weight, const at::Tensor& bias,
                                      std::int64_t groups, bool has_silu) {
    check_planes(x, weight, bias, groups);
    TORCH_CHECK(gradient.sizes() == x.sizes() && gradient.is_cpu() && gradient.scalar_type() == at::kFloat,
                "group_norm_silu: the gradient of shape ", gradient.sizes(), " does not fit x ", x.sizes());
    for (const at::Tensor* one : {&mean, &rstd}) {
        TORCH_CHECK(one->is_cpu() && one->scalar_type() == at::kFloat && one->is_contiguous() &&
                        one->numel() == x.size(0) * groups,
                    "group_norm_silu: mean or rstd has shape ", one->sizes(), ", expected [", x.size(0), ", ", groups,
                    "]");
    }
    const at::Tensor g = with_dense_images(gradient), dense = x.contiguous();
    const at::Tensor w = weight.contiguous(), b = bias.contiguous();
    const at::Tensor dx = at::empty_like(dense);
    GroupNormPlanes planes = planes_of(dense, w, groups, has_silu, /*epsilon=*/0);
    planes.gradient_stride = g.stride(0);
    const GroupNormBackward places{g.const_data_ptr<float>(),    dense.const_data_ptr<float>(),
                                   mean.const_data_ptr<float>(), rstd.const_data_ptr<float>(),
                                   w.const_data_ptr<float>(),    b.const_data_ptr<float>(),
                                   dx.mutable_data_ptr<float>()};
    at::parallel_for(0, planes.images * groups, 1, [&](std::int64_t first, std::int64_t last) {
        kernels_of_this_processor().backward(planes, places, first, last);
    });
    return dx;
}

GroupNormTuple group_norm_silu_cpu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                   std::int64_t groups, double epsilon, bool has_silu) {
    if (x.scalar_type() == at::kBFloat16) {
        // Computed in float32, as on a GPU, and rounded at the end.
        const auto [y, mean, rstd] = group_norm_silu_cpu(x.to(at::kFloat), weight, bias, groups, epsilon, has_silu);
        return {y.to(at::kBFloat16), mean, rstd};
    }
    if (x.scalar_type() == at::kFloat) return group_norm_silu_planes(x, weight, bias, groups, epsilon, has_silu);
    const at::Tensor dense = x.contiguous();
    const NormSizes sizes(dense, weight, groups);
    auto [y, mean, rstd] = at::native_group_norm(sizes.flat(dense), weight.reshape(-1), bias.reshape(-1), sizes.images,
                                                 sizes.channels, sizes.pixels, sizes.groups, epsilon);
    if (has_silu) at::silu_(y);
    return {y.view(x.sizes()), mean.view({x.size(0), groups}), rstd.view({x.size(0), groups})};
}

at::Tensor group_norm_silu_vjp_cpu(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& mean,
                                   const at::Tensor& rstd, const at::Tensor& weight, const at::Tensor& bias,
                                   std::int64_t groups, bool has_silu) {
    if (x.scalar_type() == at::kBFloat16) {
        return group_norm_silu_vjp_cpu(gradient.to(at::kFloat), x.to(at::kFloat), mean, rstd, weight, bias, groups,
                                       has_silu)
            .to(at::kBFloat16);
    }
    if (x.scalar_type() == at::kFloat) {
        return group_norm_silu_vjp_planes(gradient, x, mean, rstd, weight, bias, groups, has_silu);
    }
    const at::Tensor dense = x.contiguous();
    const NormSizes sizes(dense, weight, groups);
    const at::Tensor flat_x = sizes.flat(dense);
    at::Tensor gradient_z = sizes.flat(gradient.contiguous());
    if (has_silu) {
        // z = a x + b per channel, with a = w/√(σ² + ε) and b = bias − a μ
        const std::int64_t in_group = sizes.channels / sizes.groups;
        const at::Tensor w = weight.reshape({-1, sizes.groups, in_group});
        const at::Tensor a = w * rstd.reshape({sizes.images, sizes.groups, 1});
        const at::Tensor b =
            bias.reshape({-1, sizes.groups, in_group}) - a * mean.reshape({sizes.images, sizes.groups, 1});
        const at::Tensor z =
            at::addcmul(b.view({sizes.images, sizes.channels, 1}), flat_x, a.view({sizes.images, sizes.channels, 1}));
        gradient_z = at::silu_backward(gradient_z, z);
    }
    const at::Tensor dx =
        std::get<0>(at::native_group_norm_backward(gradient_z, flat_x, mean, rstd, weight.reshape(-1), sizes.images,
                                                   sizes.channels, sizes.pixels, sizes.groups, {true, false, false}));
    return dx.view(x.sizes());
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(diffinv, library) {
    library.def(
        "group_norm_silu(Tensor x, Tensor weight, Tensor bias, int groups, float epsilon, bool has_silu) -> (Tensor y, "
        "Tensor mean, Tensor rstd)");
    library.def(
        "group_norm_silu_vjp(Tensor gradient, Tensor x, Tensor mean, Tensor rstd, Tensor weight, Tensor bias, int "
        "groups, bool has_silu) -> Tensor");
}

TORCH_LIBRARY_IMPL(diffinv, CPU, library) {
    library.impl("group_norm_silu", &group_norm_silu_cpu);
    library.impl("group_norm_silu_vjp", &group_norm_silu_vjp_cpu);
}

// The graph is made by group_norm_silu.cpp above these; who calls them by name and differentiates is told.
TORCH_LIBRARY_IMPL(diffinv, Autograd, library) {
    library.impl("group_norm_silu", torch::autograd::autogradNotImplementedFallback());
    library.impl("group_norm_silu_vjp", torch::autograd::autogradNotImplementedFallback());
}

GroupNormResult group_norm_operation(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                     std::int64_t groups, double epsilon, bool has_silu) {
    static const auto operation = c10::Dispatcher::singleton()
                                      .findSchemaOrThrow("diffinv::group_norm_silu", "")
                                      .typed<GroupNormTuple(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                                            std::int64_t, double, bool)>();
    auto [y, mean, rstd] = operation.call(x, weight, bias, groups, epsilon, has_silu);
    return {y, mean, rstd};
}

at::Tensor group_norm_vjp_operation(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& mean,
                                    const at::Tensor& rstd, const at::Tensor& weight, const at::Tensor& bias,
                                    std::int64_t groups, bool has_silu) {
    static const auto operation =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("diffinv::group_norm_silu_vjp", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                              const at::Tensor&, const at::Tensor&, std::int64_t, bool)>();
    return operation.call(gradient, x, mean, rstd, weight, bias, groups, has_silu);
}

}  // namespace pipeline
