#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <vector>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/kernels/frozen_convolution.h"
#include "pipeline/networks/kernels/group_norm_planes.h"
#include "pipeline/networks/kernels/group_norm_silu.h"
#include "pipeline/networks/kernels/resampling.h"
#include "pipeline/networks/kernels/winograd_convolution.h"
#include "pipeline/networks/kernels/winograd_rows.h"

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

TEST(FrozenConvolution, EqualsConvolutionBitByBitWhereLibTorchConvolves) {
    for (const auto& [size, stride] : {std::pair(3, 1), std::pair(3, 2), std::pair(1, 1)}) {
        const at::Tensor x = at::randn({2, 8, 14, 12});
        const at::Tensor weight = at::randn({16, 8, size, size});
        const at::Tensor bias = at::randn({16});
        const std::vector<std::int64_t> strides(2, stride), padding(2, size / 2);
        const auto plain = [&](const at::Tensor& v) { return at::conv2d(v, weight, bias, strides, padding); };
        const pipeline::FrozenConvolution layer(weight, bias, stride, size / 2);
        const auto frozen = [&](const at::Tensor& v) { return layer.forward(v); };
        const at::Tensor g = at::randn(plain(x).sizes());
        const auto [y, dx] = output_and_vjp(frozen, x, g);
        const auto [y_plain, dx_plain] = output_and_vjp(plain, x, g);
        EXPECT_EQ(largest_difference(y, y_plain), 0.0);
        EXPECT_EQ(largest_difference(dx, dx_plain), 0.0);
        EXPECT_EQ(largest_difference(frozen(x), y_plain), 0.0) << "without a graph";
    }
}

// Winograd's filtering has other products than a plain convolution has. What is exact is known in float64. The
// roundings of a sum of n products wander off by 6e-8 √n: ours stays below that for the 9 C products that it saves half
// of.
TEST(FrozenConvolution, ByWinogradIsAsExactAsAPlainSum) {
    struct Case {
        std::int64_t images, in, out, height, width;
    };
    for (const auto& [images, in, out, height, width] :
         {Case{2, 32, 32, 64, 64}, Case{1, 3, 32, 16, 16}, Case{3, 24, 13, 17, 19}, Case{2, 8, 8, 1, 300},
          Case{1, 16, 24, 300, 1}, Case{1, 192, 64, 32, 32}, Case{1, 8, 16, 18, 257}, Case{2, 64, 3, 16, 16}}) {
        const at::Tensor x = at::randn({images, in, height, width});
        const at::Tensor weight = at::randn({out, in, 3, 3}) / std::sqrt(9.0 * static_cast<double>(in));
        const at::Tensor bias = at::randn({out}), addend = at::randn({images, out, height, width});
        const at::Tensor g = at::randn(addend.sizes());
        const pipeline::FrozenConvolution layer(weight, bias, 1, 1);
        const auto ours = [&](const at::Tensor& v) { return layer.forward(v, addend); };
        const auto exact = [&](const at::Tensor& v) {
            return at::conv2d(v, weight.to(at::kDouble), bias.to(at::kDouble), {1, 1}, {1, 1}) + addend;
        };
        const auto [y, dx] = output_and_vjp(ours, x, g);
        const auto [y_exact, dx_exact] = output_and_vjp(exact, x.to(at::kDouble), g.to(at::kDouble));
        const auto far = [](const at::Tensor& a, const at::Tensor& b) {
            return (a - b).norm().item<double>() / b.norm().item<double>();
        };
        const auto wandered = [](std::int64_t channels) {
            return 6e-8 * std::sqrt(9.0 * static_cast<double>(channels));
        };
        EXPECT_LT(far(y, y_exact), wandered(in)) << x.sizes() << " to " << out;
        EXPECT_LT(far(dx, dx_exact), wandered(out)) << x.sizes() << " to " << out;
        EXPECT_TRUE(ours(x).equal(y)) << "without a graph";
    }
}

// Whichever kernels are ours here; where there are none, nothing is promised.
TEST(Kernels, BitsDependOnNeitherBatchNorThreads) {
    const at::Tensor x = at::randn({7, 16, 20, 24}), g = at::randn({7, 16, 20, 24}),
                     half = g.narrow(2, 0, 10).narrow(3, 0, 12);
    const at::Tensor twice = at::randn({7, 16, 40, 48}), weight = at::randn({16, 16, 3, 3}), bias = at::randn({16});
    const pipeline::FrozenConvolution layer(weight, bias, 1, 1);
    using Function = std::function<at::Tensor(const at::Tensor&)>;
    std::vector<std::pair<Function, at::Tensor>> functions = {
        {[&](const at::Tensor& v) { return pipeline::group_norm_silu(v, bias, bias, 4, 1e-5); }, g},
        {[&](const at::Tensor& v) { return pipeline::halved(v); }, half},
        {[&](const at::Tensor& v) { return pipeline::doubled(v); }, twice}};
    if (pipeline::can_convolve_by_winograd(x, weight, 1, 1, 16)) {
        functions.emplace_back([&](const at::Tensor& v) { return layer.forward(v, v); }, g);
    }
    for (const auto& [f, v] : functions) {
        const auto [y, dx] = output_and_vjp(f, x, v);
        for (std::int64_t i = 0; i < x.size(0); ++i) {
            const auto [y_alone, dx_alone] = output_and_vjp(f, x.narrow(0, i, 1), v.narrow(0, i, 1));
            EXPECT_TRUE(y_alone.equal(y.narrow(0, i, 1)));
            EXPECT_TRUE(dx_alone.equal(dx.narrow(0, i, 1)));
        }
        for (const int threads : {2, 3}) {
            at::set_num_threads(threads);
            const auto [y_again, dx_again] = output_and_vjp(f, x, v);
            at::set_num_threads(1);
            EXPECT_TRUE(y_again.equal(y)) << threads << " threads";
            EXPECT_TRUE(dx_again.equal(dx)) << threads << " threads";
        }
    }
}

TEST(FrozenConvolution, AnAddendIsAddedAndHasTheGradient) {
    for (const std::int64_t side : {6, 16}) {  // by LibTorch, by Winograd
        const at::Tensor x = at::randn({2, 8, side, side}), addend = at::randn({2, 16, side, side});
        const at::Tensor g = at::randn(addend.sizes());
        const pipeline::FrozenConvolution layer(at::randn({16, 8, 3, 3}), at::randn({16}), 1, 1);
        const auto of_addend = [&](const at::Tensor& v) { return layer.forward(x, v); };
        const auto [y, d_addend] = output_and_vjp(of_addend, addend, g);
        EXPECT_LT(largest_difference(y, layer.forward(x) + addend), 1e-5);
        EXPECT_TRUE(d_addend.equal(g));
        EXPECT_ANY_THROW(layer.forward(x.narrow(1, 0, 4)));
    }
    const pipeline::FrozenConvolution layer(at::randn({16, 8, 3, 3}), at::randn({16}), 1, 1);
    EXPECT_ANY_THROW(layer.forward(at::randn({1, 8, 16, 16}), at::randn({1, 16, 1, 1})));
}

TEST(FrozenConvolution, OfEveryKindOfProcessorIsTheSameConvolution) {
    for (const std::int64_t side : {1, 7, 16, 65}) {
        // Five of eight channels: images lie further apart than they are long.
        const at::Tensor whole = at::randn({2, 8, side, side}), x = whole.narrow(1, 2, 5), bias = at::randn({11});
        const pipeline::WinogradShape shape{2, 5, 11, side, side, x.stride(0)};
        const at::Tensor weight = at::randn({11, 5, 3, 3}), weights = pipeline::transformed_weights(weight, false);
        const at::Tensor exact = at::conv2d(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble), 1, 1);
        std::vector<at::Tensor> y;
        for (const pipeline::WinogradKernel& kernel : pipeline::winograd_kernels()) {
            if (!kernel.is_usable) continue;
            y.push_back(at::empty({2, 11, side, side}));
            kernel.convolve(shape,
                            {x.const_data_ptr<float>(), weights.const_data_ptr<float>(), bias.const_data_ptr<float>(),
                             nullptr, y.back().mutable_data_ptr<float>()},
                            0, 2 * shape.bands());
            EXPECT_LT(largest_difference(y.back(), exact), 2e-5) << kernel.processor;
            EXPECT_TRUE(y.back().equal(y.front())) << kernel.processor;
        }
    }
}

// Half of the channels of a larger tensor, as the gradient of a concatenation is.
TEST(Kernels, ReadAPartOfATensorAsIfItWereDense) {
    const at::Tensor whole = at::randn({3, 32, 16, 18});
    const at::Tensor part = whole.narrow(1, 8, 16), x = at::randn({3, 16, 16, 18});
    const pipeline::FrozenConvolution layer(at::randn({16, 16, 3, 3}), at::randn({16}), 1, 1);
    EXPECT_TRUE(layer.forward(part).equal(layer.forward(part.contiguous())));
    const at::Tensor weight = at::randn({16}), bias = at::randn({16});
    const auto norm = [&](const at::Tensor& v) { return pipeline::group_norm_silu(v, weight, bias, 4, 1e-5); };
    EXPECT_TRUE(norm(part).equal(norm(part.contiguous())));
    for (const auto& f :
         {std::function<at::Tensor(const at::Tensor&)>(norm),
          std::function<at::Tensor(const at::Tensor&)>([&](const at::Tensor& v) { return layer.forward(v); })}) {
        EXPECT_TRUE(output_and_vjp(f, x, part).second.equal(output_and_vjp(f, x, part.contiguous()).second));
    }
}

TEST(Resampling, HalvesAndDoublesAsLibTorchDoes) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
        const at::Tensor whole = at::randn({3, 6, 8, 14}, type), x = whole.narrow(1, 2, 3);
        const auto halved = [](const at::Tensor& v) { return pipeline::halved(v); };
        const auto pooled = [](const at::Tensor& v) { return at::avg_pool2d(v, {2, 2}); };
        const auto doubled = [](const at::Tensor& v) { return pipeline::doubled(v); };
        const auto upsampled = [](const at::Tensor& v) { return at::upsample_nearest2d(v, {16, 28}); };
        const double rounding = type == at::kFloat ? 1e-6 : 1e-15;
        const at::Tensor g_small = at::randn({3, 3, 4, 7}, type), g_large = at::randn({3, 3, 16, 28}, type);
        const auto [small, dx_small] = output_and_vjp(halved, x, g_small);
        const auto [pool, dx_pool] = output_and_vjp(pooled, x, g_small);
        EXPECT_LT(largest_difference(small, pool), rounding);
        EXPECT_LT(largest_difference(dx_small, dx_pool), rounding);
        EXPECT_TRUE(halved(x).equal(small));
        const auto [large, dx_large] = output_and_vjp(doubled, x, g_large);
        const auto [up, dx_up] = output_and_vjp(upsampled, x, g_large);
        EXPECT_TRUE(large.equal(up));
        EXPECT_LT(largest_difference(dx_large, dx_up), 4 * rounding);
        EXPECT_TRUE(doubled(x).equal(large));
    }
}

TEST(FrozenConvolution, FollowsWeightsThatAreWrittenLater) {
    const at::Tensor weight = at::randn({16, 8, 3, 3}), zero = at::zeros({16}), x = at::randn({1, 8, 16, 16});
    const at::Tensor g = at::randn({1, 16, 16, 16});
    const pipeline::FrozenConvolution layer(weight, zero, 1, 1);
    const auto forward = [&](const at::Tensor& v) { return layer.forward(v); };
    const auto [y, dx] = output_and_vjp(forward, x, g);
    weight.mul_(2);
    const auto [y_doubled, dx_doubled] = output_and_vjp(forward, x, g);
    EXPECT_TRUE(y_doubled.equal(2 * y));
    EXPECT_TRUE(dx_doubled.equal(2 * dx));
}

TEST(Kernels, CannotBeDifferentiatedTwice) {
    const at::Tensor x = at::randn({1, 8, 16, 16}).requires_grad_(true);
    const pipeline::FrozenConvolution layer(at::randn({8, 8, 3, 3}), at::randn({8}), 1, 1);
    for (const at::Tensor& y : {layer.forward(x), pipeline::halved(x), pipeline::doubled(x)}) {
        const at::Tensor g = at::ones_like(y).requires_grad_(true);
        EXPECT_ANY_THROW(torch::autograd::grad({y}, {x}, {g}, std::nullopt, /*create_graph=*/true));
    }
}

TEST(Kernels, WhatDoesNotFitIsRefused) {
    const at::Tensor x = at::randn({2, 8, 4, 4}), one = at::ones({8});
    EXPECT_ANY_THROW(pipeline::group_norm_silu(x, one, one, 3, 1e-5));
    EXPECT_ANY_THROW(pipeline::group_norm_silu(x, at::ones({4}), at::ones({4}), 4, 1e-5));
    EXPECT_ANY_THROW(pipeline::group_norm_silu(x, at::ones({3, 8}), at::ones({3, 8}), 4, 1e-5));
    EXPECT_ANY_THROW(pipeline::group_norm_silu(x, one, at::ones({2, 8}), 4, 1e-5));
    EXPECT_THROW(pipeline::halved(at::randn({1, 1, 3, 4})), std::invalid_argument);
    EXPECT_THROW(pipeline::doubled(at::randn({3, 4})), std::invalid_argument);
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

// In float32 the CPU has its own kernels. What is exact is known in float64: ours may be twice as far from it as
// LibTorch's parts are, since either may be lucky with the rounding of a mean.
TEST(GroupNorm, InFloat32IsWithinTwiceTheErrorOfLibTorchs) {
    struct Case {
        std::vector<std::int64_t> shape;
        double mean, deviation;
    };
    for (const auto& [shape, mean, deviation] :
         {Case{{3, 12, 5, 7}, 1, 3}, Case{{2, 32, 64, 64}, -0.5, 1}, Case{{2, 64, 8, 8}, 100, 0.1},
          Case{{1, 8, 2, 3}, 0, 40}, Case{{1, 12, 256, 256}, 3, 0.02}, Case{{5, 4, 3, 3}, 0, 1e-4}}) {
        const std::int64_t channels = shape[1];
        const at::Tensor x = at::randn(shape) * deviation + mean, g = at::randn(shape);
        for (const std::vector<std::int64_t>& of_weights : {std::vector{channels}, std::vector{shape[0], channels}}) {
            const at::Tensor weight = at::randn(of_weights), bias = at::randn(of_weights);
            for (const bool has_silu : {true, false}) {
                // [0] in float32 by parts, [1] in float64 by parts
                const auto parts = [&](const at::Tensor& v) {
                    const at::Tensor w = weight.to(v.scalar_type()).view({-1, channels, 1, 1});
                    const at::Tensor b = bias.to(v.scalar_type()).view({-1, channels, 1, 1});
                    const at::Tensor z = at::group_norm(v, 4, {}, {}, 1e-5) * w + b;
                    return has_silu ? at::silu(z) : z;
                };
                const auto ours = [&](const at::Tensor& v) {
                    return has_silu ? pipeline::group_norm_silu(v, weight, bias, 4, 1e-5)
                                    : pipeline::group_norm(v, weight, bias, 4, 1e-5);
                };
                const auto [y, dx] = output_and_vjp(ours, x, g);
                const auto [y_parts, dx_parts] = output_and_vjp(parts, x, g);
                const auto [y_exact, dx_exact] = output_and_vjp(parts, x.to(at::kDouble), g.to(at::kDouble));
                const auto far = [](const at::Tensor& a, const at::Tensor& exact) {
                    return (a.to(at::kDouble) - exact).norm().item<double>() / exact.norm().item<double>();
                };
                const auto name = c10::str(x.sizes(), ", weights ", weight.sizes(), has_silu ? ", SiLU" : "");
                // The gradient reads the mean in float32, in which it was saved.
                const double rounding = 2e-7 + 6e-8 * std::abs(mean) / deviation;
                EXPECT_LT(far(y, y_exact), 2 * far(y_parts, y_exact) + rounding) << name;
                EXPECT_LT(far(dx, dx_exact), 2 * far(dx_parts, dx_exact) + rounding) << name;
                EXPECT_TRUE(ours(x).equal(y)) << name << " without a graph";
            }
        }
    }
}

TEST(GroupNorm, EveryKindOfProcessorComputesTheSameBits) {
    for (const std::int64_t pixels : {1, 15, 16, 35, 1024, 4096, 4100}) {
        const at::Tensor x = at::randn({3, 8, pixels}) * 4 - 1, g = at::randn(x.sizes());
        const at::Tensor weight = at::randn({8}), bias = at::randn({8});
        for (const bool has_silu : {true, false}) {
            const pipeline::GroupNormPlanes planes{3, 8, pixels, 4, false, has_silu, 1e-6, 8 * pixels};
            std::vector<at::Tensor> y, dx;
            for (const pipeline::GroupNormKernels& kernels : pipeline::group_norm_kernels()) {
                if (!kernels.is_usable) continue;
                const at::Tensor mean = at::empty({12}), rstd = at::empty({12});
                y.push_back(at::empty_like(x));
                dx.push_back(at::empty_like(x));
                const auto at = [](const at::Tensor& t) { return t.mutable_data_ptr<float>(); };
                kernels.forward(planes, {at(x), at(weight), at(bias), at(y.back()), at(mean), at(rstd)}, 0, 12);
                kernels.backward(planes, {at(g), at(x), at(mean), at(rstd), at(weight), at(bias), at(dx.back())}, 0,
                                 12);
                EXPECT_TRUE(y.back().equal(y.front())) << kernels.processor << ", " << pixels << " pixels";
                EXPECT_TRUE(dx.back().equal(dx.front())) << kernels.processor << ", " << pixels << " pixels";
            }
        }
    }
}

TEST(GroupNormSilu, OverflowAndNanAreSeenAsTheyAre) {
    const at::Tensor one = at::ones({1}), zero = at::zeros({1});
    const auto silu_of = [&](double bias) {  // a constant image is normalised to 0
        return pipeline::group_norm_silu(at::ones({1, 1, 4, 4}), one, zero + bias, 1, 1e-5)[0][0][0][0].item<float>();
    };
    EXPECT_EQ(silu_of(200), 200.0F);
    for (const double far : {-88.0, -200.0, -3e38}) EXPECT_EQ(silu_of(far), 0.0F);
    EXPECT_NEAR(silu_of(-80), -80 * std::exp(-80.0), 1e-38);
    EXPECT_TRUE(std::isnan(silu_of(std::nan(""))));
    const at::Tensor x = at::ones({1, 1, 4, 4});
    x[0][0][1][2] = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(pipeline::group_norm_silu(x, one, zero, 1, 1e-5).isnan().any().item<bool>());
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
    EXPECT_FALSE(pipeline::FrozenConvolution(weight, bias, 1, 1).forward(x).requires_grad());
    EXPECT_FALSE(pipeline::group_norm_silu(x, bias, bias, 2, 1e-5).requires_grad());
}
