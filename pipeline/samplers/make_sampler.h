#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "operators/option.h"
#include "pipeline/samplers/sampler.h"

namespace pipeline {

/// What a method needs of its surroundings to replace `auto` by a number while a job is planned.
struct MethodContext {
    std::string_view operator_name;  ///< "none" where images are generated.
    int steps = 0;                   ///< Levels of the respaced chain.
    int original_steps = 0;          ///< T of the checkpoint.
};

/// Where a method starts from and what it needs: decides which jobs are accepted and what rows look like.
enum class MethodInput {
    nothing,      ///< Generates: takes no measurement, no dataset; rows have operator `none`.
    measurement,  ///< Restores from y.
    truth,        ///< Starts from the clean image itself (`forward_reverse`).
};

/// One line of the table of methods: all that the program knows about a method.
struct MethodEntry {
    std::string_view name;     ///< As in a job file and as its section: `score_ald`.
    std::string_view summary;  ///< One sentence with the update's formula.
    std::string_view paper;
    std::span<const operators::Option> options;
    MethodInput input = MethodInput::measurement;
    /// Cost of a network call in units of a forward pass: 1, or about 2.4 with the gradient to the input.
    double cost_per_call = 1.0;
    /// `operator` and `sigma-y` where the method has defaults of its own; empty where the job's count.
    std::string_view default_operator = {};
    std::string_view default_sigma_y = {};

    /// False where the method's likelihood is Gaussian alone.
    bool takes_poisson = true;

    /// Replaces `auto` by numbers. May be null.
    void (*resolve)(operators::Settings& settings, const MethodContext& context);
    /// Network calls of one image on this chain, without making the sampler: for plans.
    int (*network_calls)(const operators::Settings& settings, const NoiseSchedule& schedule);
    std::unique_ptr<Sampler> (*make)(const operators::Settings& settings, const SamplingProblem& problem);
};

/// The table. To add a method: its file pair, one line here, its oracle and golden tests, an example job.
std::span<const MethodEntry> method_table();

/// @throws std::invalid_argument  naming the methods there are.
const MethodEntry& find_method(std::string_view name);

}  // namespace pipeline
