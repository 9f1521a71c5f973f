#include "operators/poisson.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "operators/identity.h"
#include "operators/make_operator.h"

namespace {

std::shared_ptr<const operators::MeasurementOperator> made(const std::string& name, const operators::Shape& shape,
                                                           const operators::Parameters& parameters = {}) {
    return operators::find_operator(name).make({}, shape, parameters);
}

std::vector<std::uint64_t> images_from(std::uint64_t first, std::size_t count) {
    std::vector<std::uint64_t> images;
    for (std::size_t i = 0; i < count; ++i) images.push_back(first + i);
    return images;
}

}  // namespace

TEST(Poisson, CountsHaveTheDistributionToTheLetter) {
    // u just below and at each step of the distribution function, computed by the logarithm of each probability
    for (const double mean : {0.3, 4.0, 61.5, 255.0, 499.0}) {
        double below = 0;
        for (int n = 0; n < static_cast<int>(mean + 5 * std::sqrt(mean)); ++n) {
            const double probability = std::exp(n * std::log(mean) - mean - std::lgamma(n + 1.0));
            const double middle = below + probability / 2;
            if (probability > 1e-12) {
                EXPECT_EQ(operators::poisson_count(mean, std::vector<double>{middle}), n) << mean;
            }
            below += probability;
        }
    }
    EXPECT_EQ(operators::poisson_count(0, std::vector<double>{0.999}), 0);
    EXPECT_LT(operators::poisson_count(255, std::vector<double>{1 - 0x1p-53}), 500);
}

TEST(Poisson, MomentsAreThoseOfPhotons) {
    const operators::Shape shape{3, 64, 64};
    const auto A = made("identity", shape);
    for (const double rate : {0.2, 1.0, 3.0}) {
        const std::vector<std::uint64_t> images = images_from(0, 12);
        for (const double v : {0.05, 0.5}) {
            const at::Tensor x = at::full({12, 3, 64, 64}, 2 * v - 1);
            const auto measured = operators::measure_poisson(A, x, rate, operators::NoiseStream(5), images, true);
            EXPECT_EQ(measured.sigma_y, 0);
            EXPECT_EQ(measured.poisson_rate, rate);
            const at::Tensor counts = (measured.y.to(at::kDouble) + 1) / 2 * 255 * rate;
            EXPECT_LT((counts - counts.round()).abs().max().item<double>(), 1e-3) << "whole photons";
            const double mean = 255 * rate * v, n = 12.0 * 3 * 64 * 64;
            EXPECT_NEAR(counts.mean().item<double>(), mean, 4 * std::sqrt(mean / n)) << rate << " " << v;
            // Var of the sample variance of a Poisson distribution: (μ + 2 μ²)/n
            EXPECT_NEAR(counts.var().item<double>(), mean, 4 * std::sqrt((mean + 2 * mean * mean) / n)) << rate << v;
        }
    }
}

TEST(Poisson, ChiSquareOverTheCounts) {
    const operators::Shape shape{3, 64, 64};
    const double mean = 10;  // v = 10/255 at rate 1
    const std::vector<std::uint64_t> images = images_from(100, 40);
    const at::Tensor x = at::full({40, 3, 64, 64}, 2 * mean / 255 - 1, at::kDouble);
    const auto measured =
        operators::measure_poisson(made("identity", shape), x, 1, operators::NoiseStream(6), images, true);
    const at::Tensor counts = ((measured.y.to(at::kDouble) + 1) / 2 * 255).round();
    const auto n = static_cast<double>(counts.numel());
    double chi_square = 0;
    int cells = 0;
    for (int k = 1; k <= 22; ++k) {
        const double expected = n * std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
        const double found = (counts == k).sum().item<double>();
        chi_square += (found - expected) * (found - expected) / expected;
        ++cells;
    }
    EXPECT_NEAR(chi_square, cells, 4 * std::sqrt(2.0 * cells));
}

TEST(Poisson, ImageAloneDecides) {
    const operators::Shape shape{1, 8, 8};
    const auto A = made("identity", shape);
    const operators::NoiseStream noise(3);
    const at::Tensor x = at::full({3, 1, 8, 8}, 0.2);
    const at::Tensor all = operators::measure_poisson(A, x, 1, noise, std::vector<std::uint64_t>{4, 9, 2}, true).y;
    const at::Tensor one =
        operators::measure_poisson(A, x.narrow(0, 0, 1), 1, noise, std::vector<std::uint64_t>{9}, true).y;
    EXPECT_TRUE(all.narrow(0, 1, 1).equal(one));
    EXPECT_FALSE(all[0].equal(all[1]));
}

TEST(Poisson, UnobservedEntriesStayWhereAsked) {
    const operators::Shape shape{1, 8, 8};
    at::Tensor mask = at::ones({1, 1, 8, 8});
    mask[0][0][2][3] = 0;
    const auto A = made("mask", shape, {{"mask", mask}});
    const at::Tensor x = at::full({1, 1, 8, 8}, 0.2);
    const operators::NoiseStream noise(3);
    const std::vector<std::uint64_t> image{1};
    EXPECT_EQ(operators::measure_poisson(A, x, 1, noise, image, false).y[0][0][2][3].item<float>(), 0.0F);
    EXPECT_NE(operators::measure_poisson(A, x, 1, noise, image, true).y[0][0][2][3].item<float>(), 0.0F);
    EXPECT_THROW(operators::measure_poisson(A, x, 0, noise, image, true), std::invalid_argument);
}
