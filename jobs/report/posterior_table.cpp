#include "jobs/report/posterior_table.h"

#include <ATen/TensorOperators.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "jobs/report/aligned_table.h"
#include "jobs/report/result_points.h"
#include "pipeline/data/hdf5.h"

namespace jobs {

namespace {

std::vector<double> posterior_column(const pipeline::Hdf5File& file, const std::string& name) {
    const at::Tensor values = file.read("posterior/" + name).to(at::kDouble).contiguous();
    return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

/// Mean over the entries of a point that have a number, with so many digits; "-" where none has.
std::string mean_of_entries(const ResultPoint& point, const std::vector<double>& values, int digits) {
    double sum = 0;
    int count = 0;
    for (const std::int64_t entry : point.rows) {
        const double value = values[static_cast<std::size_t>(entry)];
        if (std::isnan(value)) continue;
        sum += value;
        ++count;
    }
    if (count == 0) return "-";
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", digits, sum / count);
    return text;
}

}  // namespace

std::string posterior_table(const std::filesystem::path& results) {
    const pipeline::Hdf5File file = pipeline::Hdf5File::open(results);
    if (!file.has("posterior")) return {};
    const ResultRows entries = read_result_rows(results, "posterior/");
    std::vector<TableCells> lines = {{"mean of samples", "operator", "sigma_y (on [0, 1])", "samples", "PSNR dB",
                                      "SSIM", "LPIPS", "spread", "in 50 %", "in 90 %", "in 95 %", "images"}};
    const std::vector<double> samples = posterior_column(file, "samples"), spread = posterior_column(file, "spread");
    const std::vector<double> inside[] = {posterior_column(file, "coverage_50"), posterior_column(file, "coverage_90"),
                                          posterior_column(file, "coverage_95")};
    for (ResultPoint point : result_points(entries)) {
        // One sample says nothing together.
        std::erase_if(point.rows, [&](std::int64_t entry) { return samples[static_cast<std::size_t>(entry)] < 2; });
        if (point.rows.empty()) continue;
        lines.push_back({point.label(), point.measured.label(), point.measured.sigma_label(),
                         mean_of_entries(point, samples, 0), mean_of_entries(point, entries.psnr, 2),
                         mean_of_entries(point, entries.ssim, 3), mean_of_entries(point, entries.lpips, 3),
                         mean_of_entries(point, spread, 3), mean_of_entries(point, inside[0], 2),
                         mean_of_entries(point, inside[1], 2), mean_of_entries(point, inside[2], 2),
                         std::to_string(point.rows.size())});
    }
    return aligned(lines);
}

}  // namespace jobs
