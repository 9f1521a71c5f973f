#include <gtest/gtest.h>

#include <algorithm>

#include "tests/docs/pages.h"

// Every job of jobs/examples runs to its end, with few steps on one photo. jobs/quickstart/poster_table.ini is run by
// tests/end_to_end; poster_table_full.ini takes an hour and is only planned (tests/jobs/examples_test.cpp).

namespace {

namespace fs = std::filesystem;
using test_docs::Sandbox;
using test_support::CommandResult;

std::vector<std::string> example_names() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(test_support::source_folder() / "jobs" / "examples")) {
        if (entry.path().extension() == ".ini") names.push_back(entry.path().stem());
    }
    std::ranges::sort(names);
    return names;
}

bool has_word(const std::string& job, const std::string& word) {
    return job.find("\n" + word) != std::string::npos || job.starts_with(word);
}

/// What makes a job small.
std::string small_overrides(const std::string& job) {
    std::string overrides = " --batch 2";
    if (has_word(job, "dataset")) overrides += " --images 0-0";
    if (has_word(job, "samples")) overrides += " --samples 2";
    if (has_word(job, "respacing")) return overrides;
    // Langevin dynamics has levels of its own in place of steps.
    return overrides + (has_word(job, "levels") ? " --score_ald.levels 4" : " --steps 3");
}

std::vector<std::string> fields_of(const std::string& line) {
    std::vector<std::string> fields(1);
    for (const char character : line) {
        if (character == ',') {
            fields.emplace_back();
        } else if (character != '\r') {
            fields.back() += character;
        }
    }
    return fields;
}

class ExampleRun : public testing::TestWithParam<std::string> {};

}  // namespace

TEST_P(ExampleRun, RestoresEveryRow) {
    const Sandbox sandbox;
    const std::string file = "jobs/examples/" + GetParam() + ".ini";
    const std::string job = test_docs::page_text(file);
    // One process, without MPI.
    const CommandResult run = sandbox.run("diffinv run " + file + small_overrides(job) + " --shard 1/1 --output run");
    ASSERT_EQ(run.exit_code, 0) << run.errors;

    const std::vector<std::string> lines = test_docs::lines_of(test_support::read_text(sandbox / "run/results.csv"));
    ASSERT_GE(lines.size(), 2u);
    const std::vector<std::string> names = fields_of(lines.front());
    const auto place = [&](const std::string& name) { return std::ranges::find(names, name) - names.begin(); };
    for (std::size_t row = 1; row < lines.size(); ++row) {
        const std::vector<std::string> fields = fields_of(lines[row]);
        ASSERT_EQ(fields.size(), names.size());
        EXPECT_EQ(fields[static_cast<std::size_t>(place("status"))], "0") << lines[row];
        const bool is_generated = fields[static_cast<std::size_t>(place("operator"))] == "none";
        const std::string psnr = fields[static_cast<std::size_t>(place("psnr"))];
        // What somebody has measured is not scored, but x̂ is held to y.
        const bool is_measured = job.find("\nmeasurements") != std::string::npos;
        EXPECT_EQ(psnr == "nan" || psnr.empty(), is_generated || is_measured) << lines[row];
        const std::string residual = fields[static_cast<std::size_t>(place("residual"))];
        if (is_measured) EXPECT_GT(std::stod(residual), 0) << lines[row];
    }
}

INSTANTIATE_TEST_SUITE_P(Examples, ExampleRun, testing::ValuesIn(example_names()),
                         [](const auto& info) { return info.param; });
