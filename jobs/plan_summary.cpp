#include "jobs/plan_summary.h"

#include <algorithm>
#include <set>
#include <string>

namespace jobs {

PlanSummary summarise(const SweepPlan& plan, const pipeline::ModelDescription& model) {
    const operators::Shape& shape = plan.image_shape();
    const auto images = static_cast<double>(plan.images().size());
    const auto values = static_cast<double>(shape.count());
    PlanSummary summary;
    summary.configurations = static_cast<std::int64_t>(plan.configurations().size());
    summary.units = plan.unit_count();
    summary.rows = plan.rows();
    summary.flop_per_pass =
        pipeline::forward_flop(model.network, static_cast<int>(shape.height), static_cast<int>(shape.width));
    summary.result_bytes = static_cast<double>(plan.rows()) * values * (plan.store() == pipeline::Store::uint8 ? 1 : 4);

    std::set<std::string> measurements;
    for (const PlannedConfiguration& planned : plan.configurations()) {
        const double rows = static_cast<double>(planned.samples) * (planned.is_generation ? 1.0 : images);
        summary.network_calls += rows * planned.nfe;
        summary.forward_passes += rows * planned.cost_per_image;
        if (!planned.is_generation) measurements.insert(planned.configuration.measurement_label());
    }
    // Truth and y, both float32; y counted as large as the image, which no operator exceeds.
    summary.measurement_bytes = static_cast<double>(measurements.size()) * images * values * 2 * 4;
    if (plan.is_measured()) {
        // No truth, and images of all sizes.
        double all = 0, costs = 0;
        for (const ImageGroup& group : plan.groups()) {
            all += static_cast<double>(group.height * group.width * shape.channels) *
                   static_cast<double>(group.images.size());
        }
        for (std::int64_t unit = 0; unit < plan.unit_count(); ++unit) costs += plan.cost(unit);
        summary.forward_passes = costs;
        summary.measurement_bytes = static_cast<double>(measurements.size()) * all * 4;
        summary.result_bytes *= all / std::max(1.0, images * values);
    }
    return summary;
}

}  // namespace jobs
