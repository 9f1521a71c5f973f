#include <cstdio>
#include <iostream>
#include <string>

#include "jobs/plan_summary.h"
#include "workers/commands.h"
#include "workers/planning.h"
#include "workers/status.h"

namespace workers {

namespace {

/// What one core reaches on a network's convolutions, for an estimate only.
constexpr double flop_per_second_of_a_core = 1e11;

std::string settings_words(const std::string& section, const operators::Settings& settings) {
    std::string words;
    for (const auto& [name, value] : settings) words += " " + section + "." + name + "=" + operators::to_string(value);
    return words;
}

std::string bytes_words(double bytes) {
    const char* unit = "bytes";
    for (const char* larger : {"KB", "MB", "GB", "TB"}) {
        if (bytes < 1000) break;
        bytes /= 1000;
        unit = larger;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.3g %s", bytes, unit);
    return text;
}

void print_configuration(const jobs::PlannedConfiguration& point) {
    const pipeline::Configuration& configuration = point.configuration;
    std::cout << "  units " << point.first_unit << " to " << point.first_unit + point.units - 1 << ": "
              << configuration.method << settings_words(configuration.method, configuration.method_settings);
    if (!point.is_generation) {
        std::cout << " | " << configuration.operator_name
                  << settings_words(configuration.operator_name, configuration.operator_settings)
                  << (configuration.poisson_rate > 0
                          ? " poisson-rate=" + operators::to_string(configuration.poisson_rate)
                          : " sigma-y=" + operators::to_string(configuration.sigma_y));
    }
    std::cout << " | " << point.nfe << " network calls an image\n";
}

}  // namespace

int plan_command(Arguments& arguments) {
    const std::string job_file = arguments.only_word("plan", "a job file");
    const PlannedJob planned = plan_job(job_file, arguments.options);
    const jobs::SweepPlan& plan = planned.plan;

    const jobs::PlanSummary summary = jobs::summarise(plan, planned.model);
    const operators::Shape& shape = plan.image_shape();
    std::cout << summary.configurations << " configurations, " << summary.units << " units of up to " << plan.batch()
              << " images, " << summary.rows << " images of " << shape.channels << "x" << shape.height << "x"
              << shape.width << "\n";
    for (const jobs::PlannedConfiguration& point : plan.configurations()) print_configuration(point);
    char totals[256];
    std::snprintf(totals, sizeof totals,
                  "%.4g network calls (as costly as %.4g forward passes of %.3g GFLOP): about %s on one core\n",
                  summary.network_calls, summary.forward_passes, summary.flop_per_pass / 1e9,
                  duration_words(summary.forward_passes * summary.flop_per_pass / flop_per_second_of_a_core).c_str());
    std::cout << totals << "restored images: " << bytes_words(summary.result_bytes)
              << ", truth and measurements: " << bytes_words(summary.measurement_bytes) << ", before compression\n"
              << "device: " << planned.device.words << "\n"
              << "plan digest " << plan.digest() << "\n";
    return 0;
}

}  // namespace workers
