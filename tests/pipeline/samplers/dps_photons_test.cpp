#include <gtest/gtest.h>

#include <memory>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include "pipeline/samplers/dps.h"
#include "tests/pipeline/samplers/oracle_chain.h"

// With photon noise the DPS reference takes mean(‖r‖/|y|) for the norm: the gradient of ‖r‖ times the mean of 1/|y|.
TEST(DpsPhotons, GradientIsWeighedByTheMeanOfOneOverY) {
    gaussian_oracle::Chain chain("10");
    pipeline::SamplingProblem problem = chain.problem();
    const auto shape = gaussian_oracle::Chain::shape;
    at::Tensor y = at::full({gaussian_oracle::Chain::batch, 3, shape.height, shape.width}, 0.5F);
    y[1].fill_(-0.25F);
    y[2].narrow(0, 0, 1).fill_(0.1F);  // a third of the entries
    y[3].narrow(0, 0, 1).zero_();      // entries of 0 do not count
    problem.measurement = {y, std::make_shared<gaussian_oracle::Scaling>(0.7, shape), 0.1};
    const at::Tensor x_t = at::randn(y.sizes());
    const auto gradient = [&] {
        const pipeline::Dps sampler(problem, {.zeta = 1});
        pipeline::SamplerState state{.x_t = x_t, .tensors = {}};
        pipeline::StepTrace trace;
        sampler.step(state, {.step = 4}, &trace);
        return trace.gradient.to(at::kDouble);
    };
    const at::Tensor gaussian = gradient();
    problem.measurement.sigma_y = 0;
    problem.measurement.poisson_rate = 1;
    const at::Tensor photons = gradient();
    const double weights[] = {2, 4, (2 * 2.0 + 10) / 3, 2};
    for (int image = 0; image < 4; ++image) {
        const double scale = gaussian[image].abs().max().item<double>();
        ASSERT_GT(scale, 0);
        EXPECT_LT((photons[image] - gaussian[image] * weights[image]).abs().max().item<double>(),
                  1e-5 * scale * weights[image])
            << image;
    }
}
