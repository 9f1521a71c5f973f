#include <stdexcept>
#include <string>
#include <string_view>

#include "pipeline/samplers/dps.h"

namespace pipeline {

namespace {

/// The reference code's ζ at 1000 steps, by operator.
struct PublishedZeta {
    std::string_view operator_name;
    double zeta;
};
constexpr PublishedZeta published_zetas[] = {
    {"gaussian_blur", 0.3}, {"kernel", 0.3},
    {"motion_blur", 0.3},   {"super_resolution", 0.3},
    {"colourisation", 0.3},  // Not published: taken from super-resolution, a linear operator without noise on x too.
    {"box", 0.5},           {"random", 0.5},
    {"mask", 0.5},          {"identity", 0.5},  // Not published: inpainting with a mask that removes nothing.
};

/// The paper's ζ' for faces, one value for all linear operators with Gaussian noise, in the code's unit.
constexpr double paper_zeta_in_code_unit = 2.0 * 1.0;

double zeta_at_full_length(bool is_paper, std::string_view operator_name) {
    std::string known;
    for (const PublishedZeta& entry : published_zetas) {
        if (entry.operator_name == operator_name) return is_paper ? paper_zeta_in_code_unit : entry.zeta;
        known += (known.empty() ? "" : ", ") + std::string(entry.operator_name);
    }
    throw std::invalid_argument("dps.zeta: auto is not known for operator " + std::string(operator_name) +
                                ", only for " + known + "; give a number");
}

}  // namespace

void resolve_dps(operators::Settings& settings, const MethodContext& context) {
    const bool is_paper = settings.is_word("preset", "paper");
    const bool is_gradient = settings.is_word("normalise", "gradient");
    // A unit gradient has no ‖r‖ whose square the paper could have written.
    if (is_gradient && settings.is_word("zeta-unit", "paper")) {
        throw std::invalid_argument(
            "dps.zeta-unit: paper has no meaning with normalise = gradient, allowed are auto, code");
    }
    if (settings.is_word("zeta-unit", "auto")) {
        settings.set("zeta-unit", std::string(is_paper && !is_gradient ? "paper" : "code"));
    }
    if (!settings.is_word("zeta", "auto")) return;
    if (is_gradient) {
        throw std::invalid_argument("dps.zeta: auto is known for normalise = residual only; give a number");
    }
    if (context.steps < 1) throw std::invalid_argument("dps.zeta: auto needs the number of steps");
    const double fewer_steps = static_cast<double>(context.original_steps) / context.steps;
    const double unit = settings.is_word("zeta-unit", "paper") ? 0.5 : 1.0;
    settings.set("zeta", unit * zeta_at_full_length(is_paper, context.operator_name) * fewer_steps);
}

}  // namespace pipeline
