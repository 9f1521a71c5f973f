// How far each method is from the exact posterior where that is known: x₀ ~ N(μ, s²) in every pixel, half of the pixels
// observed with noise σ_y. docs/samplers.md holds the table that this prints, and a number there that is no longer
// measured fails.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include "operators/make_operator.h"
#include "tests/pipeline/samplers/oracle_chain.h"
#include "tests/support/paths.h"

namespace {

using gaussian_oracle::Chain;
using gaussian_oracle::Prior;

constexpr double table_sigma_y = 0.1;

struct TableRow {
    std::string label, method;
    std::vector<std::pair<std::string, operators::Value>> changes;
};

/// What a method makes of the observed and of the removed half, against the posterior there.
struct Distance {
    double mean_observed = 0;  ///< RMS over images of (mean − posterior mean)/posterior std
    double std_observed = 0;   ///< std/posterior std
    double mean_removed = 0;
    double std_removed = 0;
};

std::vector<TableRow> table_rows() {
    const auto preset = [](const char* name) {
        return std::pair<std::string, operators::Value>("preset", std::string(name));
    };
    return {{"sdedit t-start=200", "sdedit", {{"t-start", std::int64_t{200}}}},
            {"sdedit t-start=500", "sdedit", {{"t-start", std::int64_t{500}}}},
            {"sdedit t-start=800", "sdedit", {{"t-start", std::int64_t{800}}}},
            {"score_ald preset=jalal", "score_ald", {preset("jalal")}},
            {"score_ald preset=poster", "score_ald", {preset("poster")}},
            {"dps preset=code", "dps", {preset("code"), {"zeta", 0.5}}},
            {"dps preset=paper", "dps", {preset("paper"), {"zeta", 1.0}}}};
}

/// One method over 1000 steps; image i has y = μ + s (−1.75 + i/2) in its observed pixels.
Distance measured(const TableRow& row) {
    const Prior prior;
    Chain chain("1000");
    at::Tensor mask = at::ones({1, 1, Chain::shape.height, Chain::shape.width});
    mask.narrow(3, 0, Chain::shape.width / 2).zero_();
    pipeline::SamplingProblem problem = chain.problem();
    const std::shared_ptr<const operators::MeasurementOperator> A =
        operators::find_operator("mask").make({}, Chain::shape, {{"mask", mask}});
    at::Tensor y = at::full({Chain::batch, 3, Chain::shape.height, Chain::shape.width}, 0.0F);
    std::vector<double> seen;
    for (std::int64_t i = 0; i < Chain::batch; ++i) {
        seen.push_back(prior.mean + prior.std * (-1.75 + 0.5 * static_cast<double>(i)));
        y[i].copy_(mask[0].expand({3, -1, -1}) * seen.back());
    }
    problem.measurement = {y, A, table_sigma_y};
    const at::Tensor x =
        gaussian_oracle::run(row.method, gaussian_oracle::settings_of(row.method, row.changes), problem)
            .to(at::kDouble);

    const double precision = 1 / (prior.std * prior.std) + 1 / (table_sigma_y * table_sigma_y);
    const double posterior_std = 1 / std::sqrt(precision);
    Distance distance;
    const std::int64_t half = Chain::shape.width / 2;
    for (std::int64_t i = 0; i < Chain::batch; ++i) {
        const at::Tensor observed = x[i].narrow(2, half, half), removed = x[i].narrow(2, 0, half);
        const double posterior_mean = (prior.mean / (prior.std * prior.std) +
                                       seen[static_cast<std::size_t>(i)] / (table_sigma_y * table_sigma_y)) /
                                      precision;
        distance.mean_observed += std::pow((observed.mean().item<double>() - posterior_mean) / posterior_std, 2);
        distance.mean_removed += std::pow((removed.mean().item<double>() - prior.mean) / prior.std, 2);
        distance.std_observed += observed.std().item<double>() / posterior_std / Chain::batch;
        distance.std_removed += removed.std().item<double>() / prior.std / Chain::batch;
    }
    distance.mean_observed = std::sqrt(distance.mean_observed / Chain::batch);
    distance.mean_removed = std::sqrt(distance.mean_removed / Chain::batch);
    return distance;
}

std::string line_of(const TableRow& row, const Distance& distance) {
    char text[160];
    std::snprintf(text, sizeof text, "| %s | %.2f | %.2f | %.2f | %.2f |", row.label.c_str(), distance.mean_observed,
                  distance.std_observed, distance.mean_removed, distance.std_removed);
    return text;
}

/// The numbers of this method's line on the page; empty where it has none.
std::vector<double> numbers_on_page(const std::string& label) {
    std::ifstream page(test_support::source_folder() / "docs" / "samplers.md");
    std::vector<double> numbers;
    for (std::string line; std::getline(page, line);) {
        if (!line.starts_with("| " + label + " | ")) continue;
        for (std::size_t at = line.find('|', 1); at + 1 < line.size(); at = line.find('|', at + 1)) {
            numbers.push_back(std::stod(line.substr(at + 1)));
        }
    }
    return numbers;
}

}  // namespace

TEST(PosteriorTable, ThePagesNumbersAreMeasured) {
    for (const TableRow& row : table_rows()) {
        const Distance distance = measured(row);
        const std::string line = line_of(row, distance);
        std::printf("%s\n", line.c_str());
        const std::vector<double> page = numbers_on_page(row.label);
        if (page.size() != 4) {
            ADD_FAILURE() << "docs/samplers.md wants: " << line;
            continue;
        }
        const double values[] = {distance.mean_observed, distance.std_observed, distance.mean_removed,
                                 distance.std_removed};
        for (std::size_t i = 0; i < page.size(); ++i) EXPECT_NEAR(page[i], values[i], 0.011 + 0.01 * page[i]) << line;
    }
}
