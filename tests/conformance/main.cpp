// Compares this program with stored outputs of the field's reference implementations: conformance FOLDER

#include <ATen/Parallel.h>

#include <cstdio>
#include <filesystem>

#include "tests/conformance/report.h"
#include "tests/conformance/topics.h"

namespace {

struct Topic {
    const char* name;
    void (*check)(const std::filesystem::path& folder, conformance::Report& report);
};

constexpr Topic all_topics[] = {
    {"networks", conformance::check_networks}, {"loader", conformance::check_loader},
    {"schedule", conformance::check_schedule}, {"operators", conformance::check_operators},
    {"samplers", conformance::check_samplers}, {"metrics", conformance::check_metrics},
};

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 2) {
        std::fprintf(stderr, "usage: conformance FOLDER\n");
        return 2;
    }
    const std::filesystem::path folder = arguments[1];
    if (!std::filesystem::is_directory(folder)) {
        std::fprintf(stderr, "conformance: %s is not a folder\n", arguments[1]);
        return 2;
    }
    at::set_num_threads(1);
    conformance::Report report;
    for (const Topic& topic : all_topics) {
        // A case reports its own problems; what comes through here concerns the topic's file as a whole
        report.within(topic.name, [&] { topic.check(folder, report); });
    }
    return report.finish();
}
