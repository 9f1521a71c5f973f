#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "cluster/cuda_devices.h"
#include "jobs/plan_summary.h"
#include "workers/commands.h"
#include "workers/costs_file.h"
#include "workers/planning.h"
#include "workers/point_table.h"
#include "workers/status.h"
#include "workers/terminal.h"

namespace workers {

namespace {

/// What one core reaches on a network's convolutions, for an estimate only.
constexpr double flop_per_second_of_a_core = 1e11;

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

/// Seconds for each unit of predicted cost, and how they are known.
struct PlannedRates {
    std::function<double(const jobs::PlannedConfiguration&)> of;
    std::string words;
};

PlannedRates rates_of(const PlannedJob& planned, const jobs::PlanSummary& summary) {
    const std::string device =
        planned.device.is_cuda ? "cuda " + cluster::find_cuda_devices().devices.at(0).name : "cpu " + processor_name();
    const std::vector<MeasuredCost> costs =
        read_costs([](const std::string& line) { std::fprintf(stderr, "diffinv: %s\n", line.c_str()); });
    const jobs::SweepPlan& plan = planned.plan;
    if (!plan.configurations().empty() && measured_rate(costs, plan, plan.configurations().front(), device) > 0) {
        return {[costs, &plan, device](const jobs::PlannedConfiguration& point) {
                    return measured_rate(costs, plan, point, device);
                },
                "as measured on this machine"};
    }
    if (planned.device.is_cuda)
        return {[](const auto&) { return 0.0; }, "not known: `diffinv calibrate MODEL` measures it"};
    const double seconds = summary.flop_per_pass / flop_per_second_of_a_core;
    return {[seconds](const auto&) { return seconds; },
            "a guess, by 100 GFLOP/s a core; `diffinv calibrate MODEL` measures it"};
}

double cost_of(const jobs::SweepPlan& plan, const jobs::PlannedConfiguration& point) {
    double cost = 0;
    for (std::int64_t unit = point.first_unit; unit < point.first_unit + point.units; ++unit) cost += plan.cost(unit);
    return cost;
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
    const PlannedRates rates = rates_of(planned, summary);
    std::vector<const jobs::PlannedConfiguration*> points;
    for (const jobs::PlannedConfiguration& point : plan.configurations()) points.push_back(&point);
    double all_seconds = 0;
    const Terminal terminal = terminal_of(stdout);
    const std::vector<std::string> table =
        point_table(points, {"units", "images", "one worker"}, [&](std::size_t place) -> std::vector<std::string> {
            const jobs::PlannedConfiguration& point = *points[place];
            const double seconds = cost_of(plan, point) * rates.of(point);
            all_seconds += seconds;
            const std::int64_t images =
                point.samples * (point.is_generation ? 1 : static_cast<std::int64_t>(plan.images().size()));
            return {std::to_string(point.units), std::to_string(images), seconds > 0 ? duration_words(seconds) : "-"};
        });
    std::cout << "\n";
    for (const std::string& line : table) std::cout << fitted(terminal, line) << "\n";
    std::cout << "\n";
    char totals[256];
    std::snprintf(totals, sizeof totals, "%.4g network calls, as costly as %.4g forward passes of %.3g GFLOP",
                  summary.network_calls, summary.forward_passes, summary.flop_per_pass / 1e9);
    std::cout << totals << (all_seconds > 0 ? ": about " + duration_words(all_seconds) + " for one worker" : "") << " ("
              << rates.words << ")\n";
    std::cout << "restored images: " << bytes_words(summary.result_bytes)
              << ", truth and measurements: " << bytes_words(summary.measurement_bytes) << ", before compression\n"
              << "device: " << planned.device.words << "\n"
              << "plan digest " << plan.digest() << "\n";
    return 0;
}

}  // namespace workers
