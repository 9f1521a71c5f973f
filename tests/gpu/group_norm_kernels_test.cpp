// The kernels of the group norm, run by the emulator, against autograd of the unfused form in double.

#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>

#include "pipeline/networks/kernels/bfloat16.h"
#include "pipeline/networks/kernels/group_norm_launch.h"
#include "pipeline/networks/kernels/group_norm_operations.h"
#include "tests/gpu/host_tensors.h"

namespace {

using pipeline::GroupNormResult;
using pipeline::ImageType;

struct NormCase {
    std::int64_t images, channels, groups, height, width;
    bool has_own_weights, has_silu;
};

// Enough values in every group that float32 can hold the mean well beside the deviation. Channels a multiple of 4 and
// of 8; 1, 3, 4, 6, 8, 32 in a group; one pixel, sides that are no multiple of anything, images that several blocks
// share; more channels than a block's threads take at once.
const std::vector<NormCase> norm_cases = {
    {1, 8, 8, 3, 5, false, true},     {5, 24, 8, 7, 5, true, true},    {1, 128, 32, 17, 19, false, true},
    {2, 48, 8, 9, 4, true, false},    {5, 64, 8, 6, 6, false, true},   {1, 64, 2, 33, 31, true, true},
    {1, 2304, 32, 3, 3, false, true}, {2, 96, 12, 1, 1, false, false}, {3, 320, 32, 5, 5, true, true},
};

ImageType image_type(const at::Tensor& x) {
    return x.scalar_type() == at::kFloat ? ImageType::float32 : ImageType::bfloat16;
}

pipeline::GroupNormShape norm_shape(const at::Tensor& x, const at::Tensor& weight, std::int64_t groups) {
    return {static_cast<int>(x.size(0)), static_cast<int>(x.size(2) * x.size(3)), static_cast<int>(x.size(1)),
            static_cast<int>(groups), weight.dim() == 2};
}

at::Tensor partial_sums(const at::Tensor& x, const pipeline::GroupNormShape& shape) {
    return at::empty({pipeline::GroupNormLayout::partial_count(shape, pipeline::channels_in_16_bytes(image_type(x)))},
                     at::kFloat);
}

GroupNormResult emulated_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                              std::int64_t groups, bool has_silu) {
    const at::Tensor dense = x.contiguous(at::MemoryFormat::ChannelsLast);
    const pipeline::GroupNormShape shape = norm_shape(x, weight, groups);
    at::Tensor y = at::empty_like(dense);
    at::Tensor mean = at::empty({x.size(0), groups}, at::kFloat);
    at::Tensor rstd = at::empty_like(mean);
    at::Tensor partial = partial_sums(x, shape);
    EXPECT_EQ(
        pipeline::launch_group_norm_silu(
            {dense.const_data_ptr(), weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), y.mutable_data_ptr(),
             mean.mutable_data_ptr<float>(), rstd.mutable_data_ptr<float>(), partial.mutable_data_ptr<float>()},
            image_type(x), shape, 1e-5f, has_silu, nullptr),
        cudaSuccess);
    return {y, mean, rstd};
}

at::Tensor emulated_vjp(const at::Tensor& gradient, const at::Tensor& x, const GroupNormResult& norm,
                        const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups, bool has_silu) {
    const at::Tensor dense = x.contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor dense_gradient = gradient.contiguous(at::MemoryFormat::ChannelsLast);
    const pipeline::GroupNormShape shape = norm_shape(x, weight, groups);
    at::Tensor dx = at::empty_like(dense);
    at::Tensor partial = partial_sums(x, shape);
    EXPECT_EQ(pipeline::launch_group_norm_silu_vjp(
                  {dense_gradient.const_data_ptr(), dense.const_data_ptr(), norm.mean.const_data_ptr<float>(),
                   norm.rstd.const_data_ptr<float>(), weight.const_data_ptr<float>(), bias.const_data_ptr<float>(),
                   dx.mutable_data_ptr(), partial.mutable_data_ptr<float>()},
                  image_type(x), shape, has_silu, nullptr),
              cudaSuccess);
    return dx;
}

/// y and dx of the unfused form in double.
std::pair<at::Tensor, at::Tensor> norm_in_double(const at::Tensor& x, const at::Tensor& gradient,
                                                 const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                                                 bool has_silu) {
    const at::Tensor leaf = x.detach().to(at::kDouble).contiguous().requires_grad_(true);
    const auto broadcast = [](const at::Tensor& w) {
        return w.to(at::kDouble).reshape({w.dim() == 2 ? w.size(0) : 1, -1, 1, 1});
    };
    at::Tensor y = at::group_norm(leaf, groups, {}, {}, 1e-5) * broadcast(weight) + broadcast(bias);
    if (has_silu) y = at::silu(y);
    return {y.detach(), torch::autograd::grad({y}, {leaf}, {gradient.to(at::kDouble)}).at(0)};
}

double relative_gap(const at::Tensor& value, const at::Tensor& expected) {
    return ((value.to(at::kDouble) - expected).abs().max() / expected.abs().max()).item<double>();
}

struct NormInputs {
    at::Tensor x, gradient, weight, bias;
};

NormInputs norm_inputs(const NormCase& one, at::ScalarType type) {
    at::manual_seed(static_cast<std::uint64_t>(one.channels));
    const std::vector<std::int64_t> weights =
        one.has_own_weights ? std::vector{one.images, one.channels} : std::vector{one.channels};
    const at::Tensor x = at::randn({one.images, one.channels, one.height, one.width}) * 3 + 2;
    return {x.to(type), at::randn(x.sizes()).to(type), at::randn(weights), at::randn(weights)};
}

TEST(GroupNormKernels, AgreeWithAutogradInDouble) {
    for (const NormCase& one : norm_cases) {
        const auto [x, g, weight, bias] = norm_inputs(one, at::kFloat);
        const GroupNormResult norm = emulated_norm(x, weight, bias, one.groups, one.has_silu);
        const at::Tensor dx = emulated_vjp(g, x, norm, weight, bias, one.groups, one.has_silu);
        const auto [y_exact, dx_exact] = norm_in_double(x, g, weight, bias, one.groups, one.has_silu);
        EXPECT_LT(relative_gap(norm.y, y_exact), 1e-5) << one.channels << " channels in " << one.groups;
        EXPECT_LT(relative_gap(dx, dx_exact), 1e-5) << one.channels << " channels in " << one.groups;

        const GroupNormResult twin = pipeline::group_norm_operation(x, weight, bias, one.groups, 1e-5, one.has_silu);
        EXPECT_LT(relative_gap(norm.mean, twin.mean.to(at::kDouble)), 1e-5);
        EXPECT_LT(relative_gap(norm.rstd, twin.rstd.to(at::kDouble)), 1e-5);
    }
}

TEST(GroupNormKernels, RoundBfloat16AsTheCpuDoes) {
    for (const NormCase& one : norm_cases) {
        const auto [x, g, weight, bias] = norm_inputs(one, at::kBFloat16);
        const GroupNormResult norm = emulated_norm(x, weight, bias, one.groups, one.has_silu);
        const at::Tensor dx = emulated_vjp(g, x, norm, weight, bias, one.groups, one.has_silu);
        const GroupNormResult twin = pipeline::group_norm_operation(x, weight, bias, one.groups, 1e-5, one.has_silu);
        const at::Tensor dx_twin =
            pipeline::group_norm_vjp_operation(g, x, twin.mean, twin.rstd, weight, bias, one.groups, one.has_silu);
        // Both are float32 rounded at the end: equal but where that is a close call, and then neighbours.
        for (const auto& [ours, theirs] : {std::pair(norm.y, twin.y), std::pair(dx, dx_twin)}) {
            const at::Tensor gap = (ours.to(at::kFloat) - theirs.to(at::kFloat)).abs();
            EXPECT_TRUE((gap <= theirs.to(at::kFloat).abs() * 0x1p-7 + 1e-6).all().item<bool>());
            EXPECT_LT((gap > 0).to(at::kFloat).mean().item<float>(), 0.01f);
        }
    }
}

TEST(GroupNormKernels, StandMeansFarFromZero) {
    // Mean 1000, deviation 1: the sum of squares in float32 would leave nothing of the variance.
    const at::Tensor x = at::randn({1, 32, 24, 24}) + 1000;
    const at::Tensor weight = at::randn({32});
    const at::Tensor bias = at::randn({32});
    const GroupNormResult norm = emulated_norm(x, weight, bias, 8, true);
    const auto [y_exact, dx_exact] = norm_in_double(x, at::randn(x.sizes()), weight, bias, 8, true);
    const at::Tensor exact = x.to(at::kDouble).view({1, 8, -1});
    EXPECT_LT(relative_gap(norm.mean, exact.mean(2)), 1e-6);
    EXPECT_LT(relative_gap(norm.rstd, exact.var(2, false).add(1e-5).rsqrt()), 1e-5);
    // μ itself is rounded to 1000 · 2⁻²⁴ here.
    EXPECT_LT(relative_gap(norm.y, y_exact), 2e-4);
}

TEST(GroupNormKernels, RepeatTheirBits) {
    const auto [x, g, weight, bias] = norm_inputs({3, 64, 16, 15, 15, false, true}, at::kFloat);
    const GroupNormResult norm = emulated_norm(x, weight, bias, 16, true);
    const GroupNormResult again = emulated_norm(x, weight, bias, 16, true);
    EXPECT_TRUE(has_same_bits(norm.y, again.y));
    EXPECT_TRUE(has_same_bits(emulated_vjp(g, x, norm, weight, bias, 16, true),
                              emulated_vjp(g, x, again, weight, bias, 16, true)));
}

TEST(GroupNormKernels, RefuseWhatTheyCannotTake) {
    const auto refused = [](pipeline::GroupNormShape shape, ImageType type) {
        return pipeline::launch_group_norm_silu({}, type, shape, 1e-5f, true, nullptr) == cudaErrorInvalidValue &&
               pipeline::launch_group_norm_silu_vjp({}, type, shape, true, nullptr) == cudaErrorInvalidValue;
    };
    EXPECT_TRUE(refused({1, 4, 12, 3, false}, ImageType::bfloat16)) << "12 channels are not a multiple of 8";
    EXPECT_TRUE(refused({1, 4, 6, 3, false}, ImageType::float32));
    EXPECT_TRUE(refused({1, 4, 16, 3, false}, ImageType::float32)) << "3 groups do not divide 16 channels";
    EXPECT_TRUE(refused({1, 4, 3200, 32, false}, ImageType::float32));
    EXPECT_TRUE(refused({1, 1 << 30, 8, 8, false}, ImageType::float32));
}

TEST(Bfloat16, IsRoundedAsLibTorchRounds) {
    for (const float value : {0.0f, -0.0f, 1.0f, 1.00390625f, 1.01171875f, -3.14159f, 3.4e38f, 1e-40f, INFINITY}) {
        const float expected = static_cast<float>(c10::BFloat16(value));
        EXPECT_EQ(pipeline::from_bfloat16(pipeline::to_bfloat16(value)), expected) << value;
    }
    const float nan = pipeline::from_bfloat16(pipeline::to_bfloat16(NAN));
    EXPECT_NE(nan, nan);
}

}  // namespace
