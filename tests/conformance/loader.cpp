#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>

#include "pipeline/networks/model.h"
#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/torch_file.h"
#include "tests/conformance/golden_file.h"
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

/// A pickle that reaches for a foreign global must be refused by that global's name.
bool is_refused_by_name(const std::filesystem::path& path) {
    try {
        pipeline::read_torch_file(path);
        return false;
    } catch (const pipeline::CheckpointError& error) {
        return std::string(error.what()).find("it names the global ") != std::string::npos;
    }
}

/// The largest difference of any tensor of the file from the stored values; infinite where names or shapes differ.
double difference_from(const GoldenFile& golden, const pipeline::TensorMap& tensors) {
    constexpr double different = std::numeric_limits<double>::infinity();
    if (golden.datasets("/").size() != tensors.size()) return different;
    double largest = 0;
    for (const auto& [name, tensor] : tensors) {
        if (!golden.has(name)) return different;
        const at::Tensor wanted = golden.read(name);
        const std::vector<std::int64_t> shape = tensor.dim() == 0 ? std::vector<std::int64_t>{1} : tensor.sizes().vec();
        if (wanted.sizes() != at::IntArrayRef(shape)) return different;
        if (wanted.numel() == 0) continue;
        const at::Tensor found = tensor.reshape(shape).to(at::kDouble);
        largest = std::max(largest, (found - wanted.to(at::kDouble)).abs().max().item<double>());
    }
    return largest;
}

/// The largest difference between the tensors of two files; infinite where names or shapes differ.
double difference_between(const pipeline::TensorMap& one, const pipeline::TensorMap& other) {
    constexpr double different = std::numeric_limits<double>::infinity();
    if (one.size() != other.size()) return different;
    double largest = 0;
    for (const auto& [name, tensor] : one) {
        const auto found = other.find(name);
        if (found == other.end() || found->second.sizes() != tensor.sizes()) return different;
        if (tensor.numel() == 0) continue;
        const at::Tensor gap = found->second.to(at::kDouble) - tensor.to(at::kDouble);
        largest = std::max(largest, gap.abs().max().item<double>());
    }
    return largest;
}

/// The safetensors file of which NAME.pt or NAME_legacy.pt is another form.
std::filesystem::path original_of(const std::filesystem::path& path) {
    std::string stem = path.stem().string();
    if (stem.ends_with("_legacy")) stem.resize(stem.size() - 7);
    return path.parent_path() / (stem + ".safetensors");
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
        } else if (path.filename().string().starts_with("forbidden_")) {
            report.check(group, "refused by name", [&] { return is_refused_by_name(path); });
        } else {
            report.check(group, "values", 0, [&] {
                return difference_from(GoldenFile(folder / "loader.h5"), pipeline::read_torch_file(path));
            });
        }
    }

    // Checkpoints: every name and shape that the settings ask for, and no other
    for (const auto& path : sorted_entries(folder / "weights")) {
        if (path.extension() == ".json") continue;
        const std::string group = "weights/" + path.filename().string();
        if (std::filesystem::is_directory(path)) {
            report.check(group, "read", [&] { return pipeline::describe_model(path).parameters > 0; });
        } else if (path.extension() != ".safetensors") {
            if (!std::filesystem::exists(original_of(path))) {
                report.check(group, "read", [&] { return !pipeline::read_torch_file(path).empty(); });
                continue;
            }
            report.check(group, "values", 0, [&] {
                return difference_between(pipeline::read_torch_file(path),
                                          pipeline::read_safetensors(original_of(path)));
            });
        } else {
            report.check(group, "read", [&] { return !pipeline::describe_model(path).weights_file.empty(); });
        }
    }
}

}  // namespace conformance
