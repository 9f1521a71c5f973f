#include "pipeline/samplers/run_sampler.h"

#include <ATen/ops/isfinite.h>
#include <c10/core/GradMode.h>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace pipeline {

namespace {

/// Reading the flags waits for the device, so it is not done after every level.
constexpr std::size_t levels_between_checks = 16;

/// Marks the rows of x [N, C, H, W] that hold a value that is not finite.
void mark_diverged(const at::Tensor& x, std::vector<bool>& diverged) {
    const at::Tensor is_finite = at::isfinite(x).flatten(1).all(1).cpu();
    const bool* finite = is_finite.const_data_ptr<bool>();
    diverged.resize(static_cast<std::size_t>(x.size(0)), false);
    for (std::size_t row = 0; row < diverged.size(); ++row) {
        if (!finite[row]) diverged[row] = true;
    }
}

}  // namespace

SamplingResult run_sampler(const Sampler& sampler, const SamplingProgress& progress) {
    const c10::NoGradGuard no_gradient;
    SamplingResult result;
    const std::vector<Level> levels = sampler.levels();
    SamplerState state = sampler.start();
    for (std::size_t done = 0; done < levels.size();) {
        const Level& level = levels[done];
        sampler.step(state, level, nullptr);
        result.network_calls += level.network_calls;
        ++done;
        if (done % levels_between_checks == 0) mark_diverged(state.x_t, result.diverged);
        if (progress) progress(static_cast<int>(done), static_cast<int>(levels.size()));
    }
    result.x0_hat = sampler.finish(state);
    mark_diverged(result.x0_hat, result.diverged);

    // A row that diverged gives no image, also where later levels made its numbers finite again
    for (std::size_t row = 0; row < result.diverged.size(); ++row) {
        if (result.diverged[row]) {
            result.x0_hat.select(0, static_cast<std::int64_t>(row)).fill_(std::numeric_limits<float>::quiet_NaN());
        }
    }
    return result;
}

}  // namespace pipeline
