#include <gtest/gtest.h>

#include <tuple>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/kernels/frozen_convolution.h"
#include "pipeline/networks/kernels/group_norm_silu.h"

namespace {

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

/// Output and gradient of <g, f(x)> with respect to x.
template <class Function>
std::pair<at::Tensor, at::Tensor> output_and_vjp(const Function& f, const at::Tensor& x, const at::Tensor& g) {
    const at::Tensor leaf = x.detach().requires_grad_(true);
    const at::Tensor y = f(leaf);
    return {y.detach(), torch::autograd::grad({y}, {leaf}, {g}).at(0)};
}

}  // namespace

TEST(FrozenConvolution, EqualsConvolutionBitByBit) {
    for (const auto& [size, stride] : {std::pair(3, 1), std::pair(3, 2), std::pair(1, 1)}) {
        const at::Tensor x = at::randn({2, 8, 16, 12});
        const at::Tensor weight = at::randn({16, 8, size, size});
        const at::Tensor bias = at::randn({16});
        const std::vector<std::int64_t> strides(2, stride), padding(2, size / 2);
        const auto plain = [&](const at::Tensor& v) { return at::conv2d(v, weight, bias, strides, padding); };
        const auto frozen = [&, stride = stride, size = size](const at::Tensor& v) {
            return pipeline::frozen_convolution(v, weight, bias, stride, size / 2);
        };
        const at::Tensor g = at::randn(plain(x).sizes());
        const auto [y, dx] = output_and_vjp(frozen, x, g);
        const auto [y_plain, dx_plain] = output_and_vjp(plain, x, g);
        EXPECT_EQ(largest_difference(y, y_plain), 0.0);
        EXPECT_EQ(largest_difference(dx, dx_plain), 0.0);
        EXPECT_EQ(largest_difference(frozen(x), y_plain), 0.0) << "without a graph";
    }
}

TEST(GroupNormSilu, EqualsItsPartsInDouble) {
    const at::Tensor x = at::randn({3, 12, 5, 7}, at::kDouble) * 3 + 1;
    const at::Tensor g = at::randn(x.sizes(), at::kDouble);
    const at::Tensor weight = at::randn({12}, at::kDouble);
    const at::Tensor bias = at::randn({12}, at::kDouble);
    const auto parts = [&](const at::Tensor& v) { return at::silu(at::group_norm(v, 4, weight, bias, 1e-5)); };
    const auto fused = [&](const at::Tensor& v) { return pipeline::group_norm_silu(v, weight, bias, 4, 1e-5); };
    const auto [y, dx] = output_and_vjp(fused, x, g);
    const auto [y_parts, dx_parts] = output_and_vjp(parts, x, g);
    EXPECT_LT(largest_difference(y, y_parts), 1e-13);
    EXPECT_LT(largest_difference(dx, dx_parts), 1e-13);
    EXPECT_LT(largest_difference(fused(x), y_parts), 1e-13);
}

TEST(GroupNormSilu, TakesWeightsOfEachImage) {
    const at::Tensor x = at::randn({3, 12, 5, 7}, at::kDouble);
    const at::Tensor g = at::randn(x.sizes(), at::kDouble);
    const at::Tensor weight = at::randn({3, 12}, at::kDouble);
    const at::Tensor bias = at::randn({3, 12}, at::kDouble);
    const auto parts = [&](const at::Tensor& v) {
        const at::Tensor normalised = at::group_norm(v, 4, {}, {}, 1e-5);
        return at::silu(normalised * weight.view({3, 12, 1, 1}) + bias.view({3, 12, 1, 1}));
    };
    const auto fused = [&](const at::Tensor& v) { return pipeline::group_norm_silu(v, weight, bias, 4, 1e-5); };
    const auto [y, dx] = output_and_vjp(fused, x, g);
    const auto [y_parts, dx_parts] = output_and_vjp(parts, x, g);
    EXPECT_LT(largest_difference(y, y_parts), 1e-13);
    EXPECT_LT(largest_difference(dx, dx_parts), 1e-13);
}

TEST(GroupNormSilu, SmallMapsAndStridedInputsAreNormalisedAlike) {
    const at::Tensor weight = at::rand({8}, at::kDouble);
    const at::Tensor bias = at::rand({8}, at::kDouble);
    for (const at::Tensor& x :
         {at::randn({2, 8, 1, 1}, at::kDouble), at::randn({2, 6, 4, 8}, at::kDouble).permute({0, 3, 1, 2})}) {
        const at::Tensor expected = at::silu(at::group_norm(x.contiguous(), 2, weight, bias, 1e-5));
        EXPECT_LT(largest_difference(pipeline::group_norm_silu(x, weight, bias, 2, 1e-5), expected), 1e-14);
    }
}

TEST(GroupNorm, HasTheBitsOfItsPartsWithoutSilu) {
    const at::Tensor x = at::randn({3, 12, 5, 7}) * 3 + 1;
    const at::Tensor g = at::randn(x.sizes());
    const at::Tensor weight = at::randn({12});
    const at::Tensor bias = at::randn({12});
    const auto plain = [&](const at::Tensor& v) { return at::group_norm(v, 4, weight, bias, 1e-5); };
    const auto ours = [&](const at::Tensor& v) { return pipeline::group_norm(v, weight, bias, 4, 1e-5); };
    const auto [y, dx] = output_and_vjp(ours, x, g);
    const auto [y_plain, dx_plain] = output_and_vjp(plain, x, g);
    EXPECT_EQ(largest_difference(y, y_plain), 0.0);
    EXPECT_EQ(largest_difference(dx, dx_plain), 0.0);
    EXPECT_EQ(largest_difference(ours(x), y_plain), 0.0) << "without a graph";
}

TEST(GroupNormSilu, RoundsBfloat16OnceAtTheEnd) {
    const at::Tensor x = at::randn({2, 8, 5, 7}).to(at::kBFloat16);
    const at::Tensor g = at::randn(x.sizes()).to(at::kBFloat16);
    const at::Tensor weight = at::randn({8});
    const at::Tensor bias = at::randn({8});
    const auto fused = [&](const at::Tensor& v) { return pipeline::group_norm_silu(v, weight, bias, 2, 1e-5); };
    const auto [y, dx] = output_and_vjp(fused, x, g);
    const auto [y_float, dx_float] = output_and_vjp(fused, x.to(at::kFloat), g.to(at::kFloat));
    EXPECT_TRUE(y.equal(y_float.to(at::kBFloat16)));
    EXPECT_TRUE(dx.equal(dx_float.to(at::kBFloat16)));
}

TEST(Kernels, RecordNothingWithoutAGraph) {
    const at::Tensor weight = at::randn({8, 8, 3, 3});
    const at::Tensor bias = at::randn({8});
    const at::Tensor x = at::randn({1, 8, 4, 4}).requires_grad_(true);
    const c10::NoGradGuard no_gradient;
    EXPECT_FALSE(pipeline::frozen_convolution(x, weight, bias, 1, 1).requires_grad());
    EXPECT_FALSE(pipeline::group_norm_silu(x, bias, bias, 2, 1e-5).requires_grad());
}
