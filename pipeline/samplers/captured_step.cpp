#include "pipeline/samplers/captured_step.h"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>

#include <utility>

namespace pipeline {

at::Tensor finite_rows(const at::Tensor& x) {
    return at::isfinite(x).flatten(1).all(1);
}

CapturedStep::CapturedStep(std::unique_ptr<StepGraph> graph, const Sampler& sampler, const Level& level,
                           const SamplerState& state, std::shared_ptr<const void> owner)
    : owner_(std::move(owner)),
      tensors_(sampler.tensors()),
      x_t_(state.x_t.contiguous().clone()),
      step_(at::scalar_tensor(level.step, x_t_.options().dtype(at::kLong))),
      are_finite_(at::ones({x_t_.size(0)}, x_t_.options().dtype(at::kBool))),
      graph_(std::move(graph)) {
    Level anywhere = level;
    anywhere.place = step_;
    graph_->capture([&sampler, anywhere, this] {
        SamplerState inside{.x_t = x_t_, .tensors = {}};
        sampler.step(inside, anywhere, nullptr);
        x_t_.copy_(inside.x_t);
        are_finite_.logical_and_(finite_rows(x_t_));
        step_.sub_(1);
    });
}

CapturedStep::~CapturedStep() = default;

bool CapturedStep::take_over(const Sampler& sampler) {
    const std::vector<at::Tensor> others = sampler.tensors();
    if (others.size() != tensors_.size()) return false;
    for (std::size_t i = 0; i < others.size(); ++i) {
        if (others[i].sizes() != tensors_[i].sizes() || others[i].scalar_type() != tensors_[i].scalar_type()) {
            return false;
        }
    }
    for (std::size_t i = 0; i < others.size(); ++i) tensors_[i].copy_(others[i]);
    return true;
}

void CapturedStep::begin(const Level& level, const at::Tensor& x_t) {
    x_t_.copy_(x_t);
    step_.fill_(level.step);
    are_finite_.fill_(true);
}

void CapturedStep::replay() {
    graph_->replay();
}

StepShelf::StepShelf() = default;
StepShelf::~StepShelf() = default;
StepShelf::StepShelf(StepShelf&&) noexcept = default;
StepShelf& StepShelf::operator=(StepShelf&&) noexcept = default;

std::unique_ptr<CapturedStep> StepShelf::take(const std::string& name) {
    // One that is not wanted goes before another is made: it holds memory of the device.
    std::unique_ptr<CapturedStep> kept = std::move(step_);
    return name == name_ ? std::move(kept) : nullptr;
}

void StepShelf::keep(const std::string& name, std::unique_ptr<CapturedStep> step) {
    name_ = name;
    step_ = std::move(step);
}

}  // namespace pipeline
