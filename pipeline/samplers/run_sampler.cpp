#include "pipeline/samplers/run_sampler.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>

namespace pipeline {

namespace {

/// Reading the flags waits for the device, so it is not done after every level.
constexpr std::size_t levels_between_checks = 16;
/// Levels that run as they are before one is captured.
constexpr std::size_t warm_up_levels = 3;

using ReplayClock = std::chrono::steady_clock;
/// So long between two checks of replays, and each is waited for.
constexpr std::chrono::seconds slow_levels{8};

/// Which rows of x [N, C, H, W] hold nothing but finite values, [N], on the device.
at::Tensor finite_rows(const at::Tensor& x) {
    return at::isfinite(x).flatten(1).all(1);
}

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

/// A captured step and the tensors that it reads and writes.
class Recorded {
  public:
    /// @param state  where the replays begin; its x_t is written by them
    Recorded(const Sampler& sampler, const Level& level, SamplerState& state, StepGraph& graph)
        : graph_(graph),
          x_t_(state.x_t.contiguous().clone()),
          step_(at::scalar_tensor(level.step, x_t_.options().dtype(at::kLong))),
          are_finite_(at::ones({x_t_.size(0)}, x_t_.options().dtype(at::kBool))) {
        Level anywhere = level;
        anywhere.place = step_;
        graph_.capture([&sampler, anywhere, this] {
            SamplerState inside{.x_t = x_t_, .tensors = {}};
            sampler.step(inside, anywhere, nullptr);
            x_t_.copy_(inside.x_t);
            are_finite_.logical_and_(finite_rows(x_t_));
            step_.sub_(1);
        });
        state.x_t = x_t_;
    }

    void replay() { graph_.replay(); }
    const at::Tensor& are_finite() const { return are_finite_; }

  private:
    StepGraph& graph_;
    at::Tensor x_t_, step_, are_finite_;
};

/// One run through the levels.
class Descent {
  public:
    Descent(const Sampler& sampler, const SamplingProgress& progress, const StepCapture& capture)
        : sampler_(sampler), progress_(progress), capture_(capture), levels_(sampler.levels()) {}

    SamplingResult run() {
        state_ = sampler_.start();
        // Of a finished run the record goes before its tensors do.
        std::unique_ptr<StepGraph> graph;
        if (capture_.make && sampler_.is_capturable() && levels_.size() > warm_up_levels + 1 && are_alike(levels_, 0)) {
            graph = capture_.make();
            graph->warm_up([&] {
                while (done_ < warm_up_levels) step();
            });
            replay_rest(*graph);
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

    void replay_rest(StepGraph& graph) {
        try {
            Recorded recorded(sampler_, levels_[done_], state_, graph);
            bool is_slow = false;
            ReplayClock::time_point checked = ReplayClock::now();
            while (done_ < levels_.size()) {
                const Level& level = levels_[done_];
                if (capture_.on_replay) capture_.on_replay(level.network_calls);
                recorded.replay();
                count(level);
                if (!is_slow && done_ % levels_between_checks != 0) continue;
                mark_diverged(recorded.are_finite(), result_.diverged);
                // Slow steps are waited for one by one, or the heart would not beat for as many
                const ReplayClock::time_point now = ReplayClock::now();
                is_slow = is_slow || now - checked > slow_levels;
                checked = now;
            }
            mark_diverged(recorded.are_finite(), result_.diverged);
        } catch (const std::exception& error) {
            // One that was replayed is no matter of capturing any more.
            if (done_ > warm_up_levels) throw;
            if (capture_.on_refusal) capture_.on_refusal(error.what());
        }
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
