// The operations that have a kernel on the GPU, here on the CPU.

#include <cstdint>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include "operators/blur.h"
#include "operators/kernels/keyed_normals.h"
#include "operators/kernels/masked.h"
#include "operators/kernels/mirrored_blur.h"
#include "operators/noise_stream.h"
#include "operators/separable_kernel.h"

namespace {

at::Tensor one_level(std::int64_t level) {
    return at::full({}, level, at::kLong);
}

double largest_gap(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

TEST(KeyedNormals, AreTheNormalsOfTheStream) {
    const operators::NoiseStream noise(42);
    const operators::NoiseKey key{.purpose = operators::Purpose::step, .sample = 3, .level = 990, .inner = 5};
    const std::vector<std::uint64_t> images = {0, 7, operators::no_image};
    std::vector<std::int64_t> keys;
    for (const std::uint64_t image : images) {
        keys.push_back(operators::packed_key(
            operators::derive_key(42, static_cast<std::uint32_t>(key.purpose), image, key.sample)));
    }
    const operators::Shape shape{3, 5, 7};
    const at::Tensor expected = noise.normal(key, images, shape).view({3, -1});
    EXPECT_TRUE(operators::keyed_normals(at::tensor(keys), shape.count(), one_level(990), 5).equal(expected));
}

TEST(KeyedNormals, RefuseOtherArguments) {
    const at::Tensor keys = at::full({2}, 1, at::kLong);
    EXPECT_THROW(operators::keyed_normals(keys.to(at::kInt), 4, one_level(1), 0), std::invalid_argument);
    EXPECT_THROW(operators::keyed_normals(keys, 4, keys, 0), std::invalid_argument);
    EXPECT_THROW(operators::keyed_normals(keys, -1, one_level(1), 0), std::invalid_argument);
    EXPECT_THROW(operators::keyed_normals(keys, 4, one_level(1), -1), std::invalid_argument);
}

TEST(Masked, IsTheProductAndItsOwnVjp) {
    const at::Tensor x = at::randn({3, 2, 4, 5}).requires_grad_(true);
    const at::Tensor g = at::randn(x.sizes());
    for (const std::int64_t rows : {1, 3}) {
        const at::Tensor mask = (at::rand({rows, 1, 4, 5}) > 0.5).to(at::kFloat);
        const at::Tensor y = operators::masked(x, mask);
        EXPECT_TRUE(y.equal(mask * x));
        EXPECT_TRUE(torch::autograd::grad({y}, {x}, {g}).at(0).equal(mask * g));
    }
    EXPECT_THROW(operators::masked(x, at::rand({2, 1, 4, 5})), std::invalid_argument);
    EXPECT_THROW(operators::masked(x, at::rand({1, 1, 5, 4})), std::invalid_argument);
    EXPECT_THROW(operators::masked(x.to(at::kDouble), at::rand({1, 1, 4, 5})), std::invalid_argument);
}

/// V with V x = the correlation with the taps, [side, side].
at::Tensor band_matrix(const at::Tensor& taps, std::int64_t side) {
    const double* const first = taps.const_data_ptr<double>();
    return at::tensor(operators::mirrored_band({first, first + taps.numel()}, side), at::kDouble).view({side, side});
}

TEST(MirroredBlur, IsTheMatrixFormAndItsAdjoint) {
    // 21 taps on 11 rows: the farthest that can be mirrored, so that some pixels are reached from both borders.
    for (const auto& [down, across] : {std::pair(1, 1), std::pair(5, 3), std::pair(21, 25)}) {
        const at::Tensor column = at::randn({down}, at::kDouble);
        const at::Tensor row = at::randn({across}, at::kDouble);
        const at::Tensor V = band_matrix(column, 11);
        const at::Tensor W = band_matrix(row, 13);
        const at::Tensor x = at::randn({2, 3, 11, 13}, at::kDouble);
        const at::Tensor y = at::randn(x.sizes(), at::kDouble);
        const at::Tensor Ax = operators::mirrored_blur(x, column, row, false);
        const at::Tensor Aty = operators::mirrored_blur(y, column, row, true);
        EXPECT_LT(largest_gap(Ax, at::matmul(at::matmul(V, x), W.t())), 1e-11);
        EXPECT_LT(largest_gap(Aty, at::matmul(at::matmul(V.t(), y), W)), 1e-11);
        EXPECT_NEAR((Ax * y).sum().item<double>(), (x * Aty).sum().item<double>(), 1e-9);

        const at::Tensor leaf = x.detach().requires_grad_(true);
        const at::Tensor gradient =
            torch::autograd::grad({operators::mirrored_blur(leaf, column, row, false)}, {leaf}, {y}).at(0);
        EXPECT_TRUE(gradient.equal(Aty));
    }
}

TEST(MirroredBlur, IsTheBlurOfAGaussian) {
    const at::Tensor taps = (at::arange(-6, 7, at::kDouble).square() / -8.0).exp();
    const operators::Blur A("gaussian", taps.outer(taps), {3, 16, 12});
    ASSERT_TRUE(A.is_separable());
    for (const auto& [type, tolerance] : {std::pair(at::kDouble, 1e-12), std::pair(at::kFloat, 1e-4)}) {
        const at::Tensor x = at::randn({2, 3, 16, 12}, type);
        const at::Tensor of_type = taps.to(type);
        EXPECT_LT(largest_gap(operators::mirrored_blur(x, of_type, of_type, false), A.forward(x)), tolerance);
        EXPECT_LT(largest_gap(operators::mirrored_blur(x, of_type, of_type, true), A.adjoint(x)), tolerance);
    }
}

TEST(MirroredBlur, RefusesTapsThatReachTooFar) {
    const at::Tensor x = at::randn({1, 1, 4, 5});
    const at::Tensor one = at::full({1}, 1.0f);
    EXPECT_THROW(operators::mirrored_blur(x, at::randn({9}), one, false), std::invalid_argument);
    EXPECT_THROW(operators::mirrored_blur(x, at::randn({4}), one, false), std::invalid_argument);
    EXPECT_THROW(operators::mirrored_blur(x, one.to(at::kDouble), one, false), std::invalid_argument);
    EXPECT_NO_THROW(operators::mirrored_blur(x, at::randn({7}), at::randn({9}), true));
}

}  // namespace
