// Blur on images small enough to check by hand.

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "operators/blur.h"
#include "operators/gaussian_blur.h"
#include "operators/kernels/tap_sum.h"
#include "tests/operators/operator_list.h"

namespace {

using operators::Blur;

// 1 2 3 / 4 5 6 / 7 8 9, plus 1 in the corner so that it is no product.
at::Tensor counting_kernel() {
    at::Tensor kernel = at::arange(1, 10, at::kDouble).reshape({3, 3});
    kernel[0][0] = 2;
    return kernel;
}

at::Tensor delta(std::int64_t row, std::int64_t column) {
    at::Tensor x = at::zeros({1, 1, 5, 5}, at::kDouble);
    x[0][0][row][column] = 1;
    return x;
}

at::Tensor rows(const std::vector<double>& values) {
    return at::tensor(values, at::kDouble).reshape({1, 1, 5, 5});
}

TEST(Blur, OfADeltaIsTheKernelTurnedRound) {
    // Cross-correlation: (A δ)[i, j] = k[c − i, …], so the kernel appears point-mirrored.
    const Blur A("kernel", counting_kernel(), {1, 5, 5});
    EXPECT_FALSE(A.is_separable());
    EXPECT_TRUE(A.forward(delta(2, 2)).equal(rows({0, 0, 0, 0, 0,  //
                                                   0, 9, 8, 7, 0,  //
                                                   0, 6, 5, 4, 0,  //
                                                   0, 3, 2, 2, 0,  //
                                                   0, 0, 0, 0, 0})));
}

TEST(Blur, MirrorsWithoutRepeatingTheBorder) {
    // Pixel (0, 1) is seen from row 1 through k's first row, from row 0 only through its middle row (row −1 mirrors row
    // 1), and from (0, 0) through columns 1 to the right and, mirrored, 1 to the left.
    const Blur A("kernel", counting_kernel(), {1, 5, 5});
    EXPECT_TRUE(A.forward(delta(0, 1)).equal(rows({4 + 6, 5, 4, 0, 0,  //
                                                   2 + 3, 2, 2, 0, 0,  //
                                                   0,     0, 0, 0, 0,  //
                                                   0,     0, 0, 0, 0,  //
                                                   0,     0, 0, 0, 0})));
}

TEST(Blur, AdjointOfADeltaIsTheKernelFoldedAtTheBorder) {
    // y[0, 0] looks at the kernel's nine taps around (0, 0), three of them and one corner folded back twice.
    const Blur A("kernel", counting_kernel(), {1, 5, 5});
    EXPECT_TRUE(A.adjoint(delta(0, 0)).equal(rows({5,     4 + 6,
                                                   0,     0,
                                                   0,  //
                                                   2 + 8, 2 + 3 + 7 + 9,
                                                   0,     0,
                                                   0,  //
                                                   0,     0,
                                                   0,     0,
                                                   0,  //
                                                   0,     0,
                                                   0,     0,
                                                   0,  //
                                                   0,     0,
                                                   0,     0,
                                                   0})));
}

TEST(Blur, ProductKernelGivesWhatTheGeneralPathGives) {
    // The same operator once as a product and once with a tap that is not: the difference is that tap alone.
    const at::Tensor product = at::tensor({1.0, -2.0, 0.5, 3.0, 1.5}, at::kDouble).reshape({5, 1}) *
                               at::tensor({2.0, 0.25, -1.0}, at::kDouble).reshape({1, 3});
    at::Tensor bent = product.clone();
    bent[4][0] += 1;
    at::Tensor tap = at::zeros({5, 3}, at::kDouble);
    tap[4][0] = 1;
    const operators::Shape image{2, 11, 8};
    const Blur separable("kernel", product, image);
    const Blur general("kernel", bent, image);
    const Blur single("kernel", tap, image);
    EXPECT_TRUE(separable.is_separable());
    EXPECT_FALSE(general.is_separable());

    const at::Tensor x = test_operators::values(image, 6);
    EXPECT_LE((general.forward(x) - separable.forward(x) - single.forward(x)).abs().max().item<double>(), 1e-13);
    EXPECT_LE((general.adjoint(x) - separable.adjoint(x) - single.adjoint(x)).abs().max().item<double>(), 1e-13);
}

// A kernel with few taps is applied tap by tap, unless a graph is asked for: then LibTorch convolves.
TEST(Blur, SparseKernelGivesWhatAConvolutionGives) {
    const operators::Shape image{3, 21, 37};
    at::Tensor kernels = at::zeros({2, 1, 13, 9}, at::kDouble);
    for (const auto& [i, a, b] :
         {std::tuple{0, 0, 0}, {0, 12, 8}, {0, 4, 7}, {0, 6, 4}, {1, 0, 8}, {1, 5, 5}, {1, 11, 1}}) {
        kernels[i][0][a][b] = 0.3 + 0.1 * a - 0.05 * b;
    }
    for (const at::Tensor& kernel : {kernels, kernels[0][0]}) {
        const Blur A("kernel", kernel, image);
        ASSERT_FALSE(A.is_separable());
        for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
            const at::Tensor x = at::randn({2, 3, 21, 37}, type);
            const at::Tensor leaf = x.clone().requires_grad_(true);
            const double rounding = type == at::kFloat ? 3e-6 : 1e-14;
            EXPECT_FALSE(A.forward(x).requires_grad());
            EXPECT_TRUE(A.forward(leaf).requires_grad());
            EXPECT_LE((A.forward(x) - A.forward(leaf)).abs().max().item<double>(), rounding);
            EXPECT_LE((A.adjoint(x) - A.adjoint(leaf)).abs().max().item<double>(), rounding);
        }
    }
}

TEST(Blur, AnImagesBitsDoNotDependOnItsNeighboursKernel) {
    const operators::Shape image{2, 20, 23};
    const at::Tensor sparse = at::zeros({1, 1, 9, 9}, at::kFloat), dense = at::rand({1, 1, 9, 9});
    sparse[0][0][1][2] = 0.5;
    sparse[0][0][7][3] = 0.25;
    sparse[0][0][4][8] = 0.25;
    const at::Tensor x = at::randn({3, 2, 20, 23});
    const Blur A("kernel", at::cat({sparse, dense, sparse}), image);
    const Blur of_sparse("kernel", sparse, image), of_dense("kernel", dense, image);
    for (std::int64_t i = 0; i < 3; ++i) {
        const Blur& alone = i == 1 ? of_dense : of_sparse;
        EXPECT_TRUE(A.forward(x).narrow(0, i, 1).equal(alone.forward(x.narrow(0, i, 1)))) << i;
        EXPECT_TRUE(A.adjoint(x).narrow(0, i, 1).equal(alone.adjoint(x.narrow(0, i, 1)))) << i;
    }
}

TEST(SumOfTaps, IsAConvolutionOfEveryWidth) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
        for (const std::int64_t width : {1, 2, 7, 8, 15, 16, 31, 32, 33, 100}) {
            const at::Tensor kernels = at::randn({2, 1, 5, 3}, type);
            kernels.masked_fill_(kernels.abs().lt(0.8), 0);
            at::Tensor x = at::randn({4, 3 + 4, width + 2}, type);  // two planes a kernel
            const at::Tensor wanted =
                at::conv2d(x.unsqueeze(0), kernels.repeat_interleave(2, 0), {}, 1, at::IntArrayRef{0, 0}, 1, 4)[0];
            const at::Tensor found = operators::sum_of_taps(x, kernels);
            ASSERT_EQ(found.sizes(), wanted.sizes());
            EXPECT_LE((found - wanted).abs().max().item<double>(), type == at::kFloat ? 1e-5 : 1e-13) << width;
            // Margins of zeros that are known of change nothing.
            const at::Tensor padded = at::constant_pad_nd(x, {4, 4, 6, 6});
            EXPECT_TRUE(operators::sum_of_taps(padded, kernels, 6, 4).equal(operators::sum_of_taps(padded, kernels)));
        }
    }
}

TEST(Blur, KeepsAConstantImageWhereTheTapsSumToOne) {
    const Blur A("gaussian_blur", operators::gaussian_kernel(9, 1.5), {3, 12, 7});
    const at::Tensor x = at::full({2, 3, 12, 7}, 0.7, at::kDouble);
    EXPECT_LE((A.forward(x) - x).abs().max().item<double>(), 1e-7);
}

TEST(Blur, ZeroBorderOfAKernelNeedsNoMirror) {
    // 61 taps, 25 of them not 0, on a 16 × 16 image.
    const Blur A("gaussian_blur", operators::gaussian_kernel(61, 3.0), {3, 16, 16});
    EXPECT_TRUE(A.is_separable());
}

std::string kernel_refusal(const at::Tensor& kernel, const operators::Shape& image) {
    try {
        const Blur A("kernel", kernel, image);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing thrown";
}

TEST(Blur, BadKernelsAreRefused) {
    const operators::Shape image{3, 8, 8};
    EXPECT_EQ(kernel_refusal(at::ones({4, 3}), image),
              "kernel: the kernel has shape [4, 3], expected [odd height, odd width]");
    EXPECT_THAT(kernel_refusal(at::ones({1, 3, 3}), image), testing::HasSubstr("[1, 3, 3]"));
    EXPECT_EQ(kernel_refusal(at::zeros({3, 3}), image), "kernel: all values of the kernel are 0");
    EXPECT_EQ(kernel_refusal(at::full({3, 3}, std::nan("")), image),
              "kernel: the kernel holds values that are not finite");
    EXPECT_EQ(
        kernel_refusal(at::ones({17, 3}), image),
        "kernel: the kernel reaches 8 x 1 pixels over the border, images of 8 x 8 can be mirrored by 7 x 7 at most");
    EXPECT_EQ(kernel_refusal(at::ones({15, 15}), image), "nothing thrown");
}

TEST(GaussianKernel, IsCutAtFourStandardDeviations) {
    const at::Tensor kernel = operators::gaussian_kernel(61, 3.0).to(at::kDouble);
    const at::Tensor line = kernel.sum(0);
    EXPECT_NEAR(line[30].item<double>(), 0.132985, 5e-7);
    EXPECT_NEAR(line[18].item<double>(), 4.4611e-5, 5e-10);
    EXPECT_EQ(line[17].item<double>(), 0);
    EXPECT_NEAR(kernel.sum().item<double>(), 1, 1e-8);
}

TEST(GaussianKernel, FoldsItsEndsBackWhereTheFrameIsSmall) {
    // Radius 4 in a frame of 3: SciPy's 'reflect' repeats the border, so place p sees the middle at offsets 1 − p + 6 n
    // and 4 − p + 6 n; hence these sums of e^{−o²/2}/S.
    const auto weight = [](int offset) { return std::exp(-0.5 * offset * offset); };
    const double sum = weight(0) + 2 * (weight(1) + weight(2) + weight(3) + weight(4));
    const double middle = (weight(0) + 2 * weight(3)) / sum;
    const double side = (weight(1) + weight(2) + weight(4)) / sum;
    const at::Tensor kernel = operators::gaussian_kernel(3, 1.0).to(at::kDouble);
    EXPECT_NEAR(kernel[1][1].item<double>(), middle * middle, 1e-8);
    EXPECT_NEAR(kernel[0][1].item<double>(), side * middle, 1e-8);
    EXPECT_NEAR(kernel[2][0].item<double>(), side * side, 1e-8);
}

TEST(GaussianKernel, OfATinyWidthIsADelta) {
    EXPECT_TRUE(operators::gaussian_kernel(3, 1e-300).equal(
        at::tensor({0, 0, 0, 0, 1, 0, 0, 0, 0}).reshape({3, 3}).to(at::kFloat)));
}

}  // namespace
