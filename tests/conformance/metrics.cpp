#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/metrics/lpips.h"
#include "pipeline/metrics/psnr.h"
#include "pipeline/metrics/ssim.h"
#include "pipeline/networks/safetensors.h"
#include "tests/conformance/errors.h"
#include "tests/conformance/golden_file.h"
#include "tests/conformance/hashed_weights.h"
#include "tests/conformance/topics.h"
#include "tests/support/paths.h"

namespace conformance {

namespace {

constexpr double psnr_tolerance = 1e-4;  // dB; infinite has to be met
constexpr double ssim_tolerance = 1e-5;
constexpr double lpips_tolerance = 1e-5;

/// LPIPS by the name of a pair's attribute: lpips_NET with published weights, lpips_NET_hashed with hashed ones. Behind
/// either may stand _f32 (the same in the reference's float32) or _layers (each tap's part of the sum).
class LpipsShelf {
  public:
    explicit LpipsShelf(const GoldenFile& file) : file_(file) {}

    /// One number, or one a tap where `by_layer`.
    at::Tensor score(const std::string& variant, bool by_layer, const at::Tensor& restored,
                     const at::Tensor& reference) {
        std::vector<double> scores;
        for (const pipeline::Lpips& lpips : nets(variant, by_layer)) scores.push_back(lpips(restored, reference).at(0));
        return at::tensor(scores, at::kDouble);
    }

  private:
    const std::vector<pipeline::Lpips>& nets(const std::string& variant, bool by_layer) {
        auto& nets = nets_[{variant, by_layer}];
        if (!nets.empty()) return nets;
        const pipeline::TensorMap weights = weights_of(variant);
        if (!by_layer) {
            nets.push_back(pipeline::Lpips::from_tensors(weights, variant));
            return nets;
        }
        // LPIPS is linear in its heads: a tap's part is what remains when the other heads are 0
        for (int tap = 0; weights.count(head_name(tap)) > 0; ++tap) {
            pipeline::TensorMap single = weights;
            for (int other = 0; weights.count(head_name(other)) > 0; ++other) {
                if (other != tap) single[head_name(other)] = at::zeros_like(weights.at(head_name(other)));
            }
            nets.push_back(pipeline::Lpips::from_tensors(single, variant));
        }
        return nets;
    }

    pipeline::TensorMap weights_of(const std::string& variant) const {
        if (const std::string hashed = "_hashed"; variant.ends_with(hashed)) {
            return hashed_lpips_weights(file_.hdf5(),
                                        "hashed_weights/" + variant.substr(0, variant.size() - hashed.size()));
        }
        const std::string name = "lpips_" + variant + "_v0.1_fp16.safetensors";
        for (const char* place : {"tests/data/lpips", "pipeline/metrics/weights"}) {
            const std::filesystem::path path = test_support::source_folder() / place / name;
            if (std::filesystem::exists(path)) return pipeline::read_safetensors(path);
        }
        throw NotBuilt("there are no weights of LPIPS net " + variant);
    }

    static std::string head_name(int tap) { return "lin" + std::to_string(tap) + ".model.1.weight"; }

    const GoldenFile& file_;
    std::map<std::pair<std::string, bool>, std::vector<pipeline::Lpips>> nets_;
};

/// Takes an ending off a name; false where the name does not have it.
bool take_ending(std::string& name, const std::string& ending) {
    if (!name.ends_with(ending)) return false;
    name.resize(name.size() - ending.size());
    return true;
}

void check_pair(const GoldenFile& file, const std::string& name, LpipsShelf& shelf, Report& report) {
    const std::string group = "metrics/" + name;
    const at::Tensor restored = file.read(inside(name, "restored")).unsqueeze(0);
    const at::Tensor reference = file.read(inside(name, "reference")).unsqueeze(0);
    const auto check = [&](const std::string& quantity, double tolerance, const auto& compute) {
        report.check(group, quantity, tolerance, [&] {
            return largest_difference(compute(), at::tensor(file.numbers(name, quantity), at::kDouble));
        });
    };

    for (const std::string& quantity : file.hdf5().attribute_names(name)) {
        if (quantity == "psnr") {
            check(quantity, psnr_tolerance,
                  [&] { return at::tensor(pipeline::psnr(restored, reference), at::kDouble); });
        } else if (quantity == "ssim") {
            check(quantity, ssim_tolerance,
                  [&] { return at::tensor(pipeline::ssim(restored, reference), at::kDouble); });
        } else if (quantity.starts_with("lpips_")) {
            std::string variant = quantity.substr(std::string("lpips_").size());
            const bool by_layer = take_ending(variant, "_layers");
            take_ending(variant, "_f32");
            check(quantity, lpips_tolerance, [&] { return shelf.score(variant, by_layer, restored, reference); });
        } else if (file.number_if_any(name, quantity)) {
            report.skip(group, quantity, "no metric of this name is built");
        }
    }
}

}  // namespace

void check_metrics(const std::filesystem::path& folder, Report& report) {
    const std::filesystem::path path = folder / "metrics.h5";
    if (!std::filesystem::exists(path)) return;
    const GoldenFile file(path);
    LpipsShelf shelf(file);
    if (!file.has("pairs")) return report.fail("metrics", "pairs", "metrics.h5 has no group pairs");
    for (const std::string& name : file.groups("pairs")) {
        report.within("metrics/pairs/" + name, [&] { check_pair(file, inside("pairs", name), shelf, report); });
    }
}

}  // namespace conformance
