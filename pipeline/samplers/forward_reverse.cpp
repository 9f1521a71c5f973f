#include "pipeline/samplers/forward_reverse.h"

#include <stdexcept>

#include "pipeline/samplers/sdedit.h"

namespace pipeline {

std::unique_ptr<Sampler> make_forward_reverse(const operators::Settings& settings, const SamplingProblem& problem) {
    if (!problem.truth.defined()) {
        throw std::invalid_argument("forward_reverse: there is no clean image to start from");
    }
    const SdeditSettings sdedit{.t_start = static_cast<int>(settings.integer("t-start")), .repeats = 1};
    return std::make_unique<Sdedit>("forward_reverse", problem, problem.truth, sdedit);
}

void resolve_forward_reverse(operators::Settings& settings, const MethodContext& context) {
    resolve_t_start("forward_reverse", settings, context);
}

int forward_reverse_calls(const operators::Settings& settings, const NoiseSchedule& schedule) {
    return steps_below("forward_reverse", static_cast<int>(settings.integer("t-start")), schedule);
}

}  // namespace pipeline
