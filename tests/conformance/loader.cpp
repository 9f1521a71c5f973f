#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/unet.h"
#include "tests/conformance/network_files.h"
#include "tests/conformance/topics.h"

namespace conformance {

namespace {

std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> entries;
    if (!std::filesystem::is_directory(folder)) return entries;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) entries.push_back(entry.path());
    std::sort(entries.begin(), entries.end());
    return entries;
}

/// A safetensors file by itself: named bad_* it must be refused, otherwise read.
bool is_read_as_it_should(const std::filesystem::path& path) {
    const bool is_bad = path.filename().string().starts_with("bad_");
    try {
        pipeline::read_safetensors(path);
        return !is_bad;
    } catch (const pipeline::CheckpointError&) {
        if (is_bad) return true;
        throw;
    }
}

}  // namespace

void check_loader(const std::filesystem::path& folder, Report& report) {
    for (const auto& path : sorted_entries(folder / "loader")) {
        const std::string group = "loader/" + path.filename().string();
        if (path.extension() == ".safetensors") {
            const bool is_bad = path.filename().string().starts_with("bad_");
            report.check(group, is_bad ? "refused" : "read", [&] { return is_read_as_it_should(path); });
        } else {
            report.skip(group, "read", "the reader of " + path.extension().string() + " files is not built");
        }
    }

    // Checkpoints: every name and shape that the settings ask for, and no other
    for (const auto& path : sorted_entries(folder / "weights")) {
        if (path.extension() == ".json") continue;
        const std::string group = "weights/" + path.filename().string();
        if (std::filesystem::is_directory(path)) {
            report.skip(group, "read", "the reader of diffusers folders is not built");
        } else if (path.extension() != ".safetensors") {
            report.skip(group, "read", "the reader of " + path.extension().string() + " files is not built");
        } else {
            report.check(group, "read", [&] { return !pipeline::describe_model(path).weights_file.empty(); });
        }
    }
}

}  // namespace conformance
