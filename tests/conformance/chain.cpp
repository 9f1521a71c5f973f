#include "tests/conformance/chain.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <regex>
#include <stdexcept>
#include <utility>

#include "pipeline/samplers/ddim.h"
#include "pipeline/samplers/ddpm.h"
#include "pipeline/samplers/dps.h"
#include "pipeline/samplers/score_ald.h"
#include "pipeline/samplers/sdedit.h"
#include "tests/conformance/report.h"
#include "tests/conformance/stored_operator.h"
#include "tests/conformance/stored_schedule.h"

namespace conformance {

namespace {

using pipeline::SamplingProblem;

/// Normals of the executed steps, [K, N, C, H, W]; a shorter store is used cyclically.
at::Tensor stored_steps(const GoldenFile& file, const std::string& text, std::size_t count, std::int64_t first_row,
                        std::int64_t rows) {
    const StoredReference reference = StoredReference::parse(text);
    const at::Tensor all = file.read(reference.path).narrow(1, reference.first_row + first_row, rows);
    std::vector<std::int64_t> indices(count);
    for (std::size_t k = 0; k < count; ++k) indices[k] = static_cast<std::int64_t>(k) % all.size(0);
    return all.index_select(0, at::tensor(indices, at::kLong));
}

/// Variance and clamp: `variance` and `clip_denoised`, or ScoreALD's "learned_range, x0hat clipped".
void read_step(const GoldenFile& file, const std::string& group, const std::string& method, SamplingProblem& problem) {
    if (const auto step = file.text_if_any(group, "ddpm_step")) {
        static const std::regex form(R"((\w+)\s*,\s*x0hat\s+(clipped|not clipped|unclipped))");
        std::smatch words;
        if (!std::regex_match(*step, words, form)) throw NotBuilt("the step '" + *step + "' is not known");
        problem.variance = pipeline::parse_variance(words[1].str());
        problem.clip = words[2] == "clipped";
        return;
    }
    // DDIM has its own noise level and needs none
    if (method != "ddim") problem.variance = pipeline::parse_variance(file.text(group, "variance"));
    problem.clip = file.number_if_any(group, "clip_denoised").value_or(1) != 0;
}

void read_measurement(const GoldenFile& file, const std::string& group, std::int64_t first_row, std::int64_t rows,
                      SamplingProblem& problem) {
    const auto text = file.text_if_any(group, "measurement");
    if (!text) return;
    const StoredReference reference = StoredReference::parse(*text);
    const std::int64_t first = reference.first_row + first_row;
    problem.measurement.y = file.read(inside(reference.path, "y")).narrow(0, first, rows);
    problem.measurement.A = stored_operator(file, reference.path, image_shape(problem.measurement.y), first, rows);
    const std::string holder = file.has_attribute(group, "sigma_y") ? group : reference.path;
    problem.measurement.sigma_y = file.number(holder, holder == group ? "sigma_y" : "sigma");
}

pipeline::ScoreAldSettings read_score_ald(const GoldenFile& file, const std::string& group, int original_steps) {
    const std::string rule = file.text(group, "rule");
    static const std::regex linear_gamma(R"(gamma\s*=\s*([\d.]+)\s*\+\s*([\d.]+)\s*t\s*/\s*(\d+))");
    std::smatch numbers;
    if (std::regex_search(rule, numbers, linear_gamma)) {
        if (std::stoi(numbers[3]) != original_steps - 1)
            throw NotBuilt("gamma of the rule '" + rule + "' is not built");
        const double last = std::stod(numbers[1]);
        return {
            .rule = pipeline::ScoreAldRule::poster, .gamma_first = last + std::stod(numbers[2]), .gamma_last = last};
    }
    if (rule.find("sigma_y^2 + (1 - abar) / abar") != std::string::npos) return {.rule = pipeline::ScoreAldRule::jalal};
    throw NotBuilt("the rule '" + rule + "' is not built");
}

std::unique_ptr<pipeline::Sampler> make_sampler(const GoldenFile& file, const ChainSettings& settings,
                                                const SamplingProblem& problem, std::int64_t first_row,
                                                std::int64_t rows) {
    const std::string& group = settings.group;
    if (settings.method == "ddpm") return std::make_unique<pipeline::Ddpm>(problem);
    if (settings.method == "ddim") {
        return std::make_unique<pipeline::Ddim>(problem, pipeline::DdimSettings{.eta = file.number(group, "eta")});
    }
    if (settings.method == "sdedit") {
        const pipeline::SdeditSettings sdedit{.t_start = static_cast<int>(file.integer(group, "t_star"))};
        return std::make_unique<pipeline::Sdedit>(
            "sdedit", problem, stored_rows(file, file.text(group, "guide"), first_row, rows), sdedit);
    }
    if (settings.method == "dps") {
        const std::string conditioning = file.text_if_any(group, "conditioning").value_or("ps");
        const std::string sampler = file.text_if_any(group, "sampler").value_or("ddpm");
        if (conditioning != "ps" || sampler != "ddpm") {
            throw NotBuilt("DPS with conditioning " + conditioning + " and sampler " + sampler + " is not built");
        }
        return std::make_unique<pipeline::Dps>(problem, pipeline::DpsSettings{.zeta = file.number(group, "scale")});
    }
    if (settings.method == "score_ald") {
        return std::make_unique<pipeline::ScoreAld>(problem,
                                                    read_score_ald(file, group, problem.schedule.original_size()));
    }
    throw NotBuilt("the method " + settings.method + " is not built");
}

pipeline::NoiseSchedule read_schedule(const GoldenFile& file, const std::string& group) {
    const auto whole = named_schedule(file.text("/", "schedule"), file.integer("/", "T"));
    return respaced_schedule(whole, file.text(group, "respacing"));
}

}  // namespace

StoredReference StoredReference::parse(const std::string& text) {
    static const std::regex form(R"(^([^\s,]+)(?:\s+row\s+(\d+))?)");
    std::smatch parts;
    if (!std::regex_search(text, parts, form)) throw std::runtime_error("'" + text + "' names no dataset");
    return {parts[1], parts[2].matched ? std::stoll(parts[2]) : 0};
}

at::Tensor stored_rows(const GoldenFile& file, const std::string& reference, std::int64_t first_row,
                       std::int64_t rows) {
    const StoredReference stored = StoredReference::parse(reference);
    return file.read(stored.path).narrow(0, stored.first_row + first_row, rows);
}

Chain::Chain(const GoldenFile& file, const ChainSettings& settings, NetworkShelf& networks, std::int64_t first_row,
             std::int64_t rows)
    : schedule_(read_schedule(file, settings.group)) {
    const std::string& group = settings.group;

    // Where it starts from: normals, or noise for a guide. Chains from a stored state have neither.
    const auto start = file.text_if_any(group, "start");
    const auto guide_noise = file.text_if_any(group, "start_noise");
    noise_ = std::make_unique<StoredNoise>(
        start ? stored_rows(file, *start, first_row, rows) : at::Tensor(),
        guide_noise ? stored_rows(file, *guide_noise, first_row, rows) : at::Tensor(),
        stored_steps(file, file.text(group, "noise"), settings.timesteps.size(), first_row, rows), settings.timesteps);

    SamplingProblem problem{
        .schedule = schedule_, .predictor = networks.model(file.text(group, "net")), .noise = *noise_};
    read_step(file, group, settings.method, problem);
    read_measurement(file, group, first_row, rows, problem);
    sampler_ = make_sampler(file, settings, problem, first_row, rows);
    for (const pipeline::Level& level : sampler_->levels()) levels_[schedule_.timestep(level.step)] = level;
}

std::vector<int> Chain::timesteps() const {
    std::vector<int> timesteps;
    for (const pipeline::Level& level : sampler_->levels()) timesteps.push_back(schedule_.timestep(level.step));
    return timesteps;
}

at::Tensor Chain::step(const at::Tensor& x, int timestep, pipeline::StepTrace* trace) const {
    const c10::NoGradGuard no_gradient;
    const auto level = levels_.find(timestep);
    if (level == levels_.end()) {
        throw std::runtime_error("timestep " + std::to_string(timestep) + " is none of the sampler's");
    }
    pipeline::SamplerState state{.x_t = x, .tensors = {}};
    sampler_->step(state, level->second, trace);
    return state.x_t;
}

}  // namespace conformance
