#include "pipeline/samplers/run_sampler.h"

#include <c10/core/GradMode.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <utility>

#include "pipeline/samplers/captured_step.h"

namespace pipeline {

namespace {

/// Reading the flags waits for the device, so it is not done after every level.
constexpr std::size_t levels_between_checks = 16;
/// Levels that run as they are before one is captured.
constexpr std::size_t warm_up_levels = 3;

using ReplayClock = std::chrono::steady_clock;
/// So long between two checks of replays, and each is waited for.
constexpr std::chrono::seconds slow_levels{8};

/// Marks the rows that are not finite. Waits for the device.
void mark_diverged(const at::Tensor& finite_rows, std::vector<bool>& diverged) {
    const at::Tensor is_finite = finite_rows.cpu();
    const bool* finite = is_finite.const_data_ptr<bool>();
    diverged.resize(static_cast<std::size_t>(is_finite.size(0)), false);
    for (std::size_t row = 0; row < diverged.size(); ++row) {
        if (!finite[row]) diverged[row] = true;
    }
}

/// True where levels from `first` on differ in nothing but their step, which falls by one: one record does for all.
bool are_alike(const std::vector<Level>& levels, std::size_t first) {
    for (std::size_t i = first + 1; i < levels.size(); ++i) {
        const Level &before = levels[i - 1], &level = levels[i];
        if (level.step != before.step - 1 || level.repeat != before.repeat ||
            level.network_calls != before.network_calls) {
            return false;
        }
    }
    return true;
}

/// One run through the levels.
class Descent {
  public:
    Descent(const Sampler& sampler, const SamplingProgress& progress, const StepCapture& capture)
        : sampler_(sampler), progress_(progress), capture_(capture), levels_(sampler.levels()) {}

    SamplingResult run() {
        state_ = sampler_.start();
        if (capture_.make && sampler_.is_capturable() && levels_.size() > warm_up_levels + 1 && are_alike(levels_, 0)) {
            if (std::unique_ptr<CapturedStep> captured = captured_step()) {
                replay_rest(*captured);
                if (capture_.shelf != nullptr) capture_.shelf->keep(capture_.name, std::move(captured));
            }
        }
        while (done_ < levels_.size()) step();
        result_.x0_hat = sampler_.finish(state_).clone();
        mark_diverged(finite_rows(result_.x0_hat), result_.diverged);
        return std::move(result_);
    }

  private:
    void step() {
        sampler_.step(state_, levels_[done_], nullptr);
        count(levels_[done_]);
        if (done_ % levels_between_checks == 0) mark_diverged(finite_rows(state_.x_t), result_.diverged);
    }

    /// That of a unit before, or one that is captured after a warm-up; nothing where the device refuses.
    std::unique_ptr<CapturedStep> captured_step() {
        if (capture_.shelf != nullptr) {
            std::unique_ptr<CapturedStep> kept = capture_.shelf->take(capture_.name);
            if (kept && kept->x_t().sizes() == state_.x_t.sizes() && kept->take_over(sampler_)) return kept;
        }
        std::unique_ptr<StepGraph> graph = capture_.make();
        graph->warm_up([&] {
            while (done_ < warm_up_levels) step();
        });
        try {
            return std::make_unique<CapturedStep>(std::move(graph), sampler_, levels_[done_], state_, capture_.owner);
        } catch (const std::exception& error) {
            if (capture_.on_refusal) capture_.on_refusal(error.what());
            return nullptr;
        }
    }

    void replay_rest(CapturedStep& captured) {
        captured.begin(levels_[done_], state_.x_t);
        state_.x_t = captured.x_t();
        bool is_slow = false;
        ReplayClock::time_point checked = ReplayClock::now();
        while (done_ < levels_.size()) {
            const Level& level = levels_[done_];
            if (capture_.on_replay) capture_.on_replay(level.network_calls);
            captured.replay();
            count(level);
            if (!is_slow && done_ % levels_between_checks != 0) continue;
            mark_diverged(captured.are_finite(), result_.diverged);
            // Slow steps are waited for one by one, or the heart would not beat for as many
            const ReplayClock::time_point now = ReplayClock::now();
            is_slow = is_slow || now - checked > slow_levels;
            checked = now;
        }
        mark_diverged(captured.are_finite(), result_.diverged);
    }

    void count(const Level& level) {
        result_.network_calls += level.network_calls;
        ++done_;
        if (progress_) progress_(static_cast<int>(done_), static_cast<int>(levels_.size()));
    }

    const Sampler& sampler_;
    const SamplingProgress& progress_;
    const StepCapture& capture_;
    const std::vector<Level> levels_;
    SamplerState state_;
    SamplingResult result_;
    std::size_t done_ = 0;
};

}  // namespace

SamplingResult run_sampler(const Sampler& sampler, const SamplingProgress& progress, const StepCapture& capture) {
    const c10::NoGradGuard no_gradient;
    SamplingResult result = Descent(sampler, progress, capture).run();

    // A row that diverged gives no image, also where later levels made its numbers finite again
    for (std::size_t row = 0; row < result.diverged.size(); ++row) {
        if (result.diverged[row]) {
            result.x0_hat.select(0, static_cast<std::int64_t>(row)).fill_(std::numeric_limits<float>::quiet_NaN());
        }
    }
    return result;
}

}  // namespace pipeline
