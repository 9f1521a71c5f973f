#include <ATen/TensorOperators.h>

#include <optional>
#include <string>

#include "tests/conformance/chain_cases.h"
#include "tests/conformance/errors.h"
#include "tests/conformance/golden_file.h"
#include "tests/conformance/network_files.h"
#include "tests/conformance/stored_operator.h"
#include "tests/conformance/topics.h"

namespace conformance {

namespace {

constexpr double measurement_tolerance = 1e-5;  // absolute, as for A x

/// The stored clean images that a measurement of this shape was made of.
std::optional<at::Tensor> clean_images(const GoldenFile& file, const at::Tensor& y) {
    if (!file.has("noise")) return std::nullopt;
    for (const std::string& name : file.datasets("noise")) {
        if (!name.starts_with("x0")) continue;
        const at::Tensor x_0 = file.read(inside("noise", name));
        if (x_0.sizes().slice(1) == y.sizes().slice(1) && x_0.size(0) >= y.size(0)) return x_0.narrow(0, 0, y.size(0));
    }
    return std::nullopt;
}

}  // namespace

void check_measurement(const GoldenFile& file, const std::string& name, Report& report) {
    const std::string group = "samplers/" + name;
    report.check(group, "y", measurement_tolerance, [&] {
        const at::Tensor y = file.read(inside(name, "y"));
        const auto x_0 = clean_images(file, y);
        if (!x_0) throw NotBuilt("no clean images of this shape are stored");
        const auto A = stored_operator(file, name, image_shape(*x_0), 0, y.size(0));
        const at::Tensor noise = file.read(inside(name, "noise"));
        return largest_difference(A->forward(*x_0) + file.number(name, "sigma") * noise, y);
    });
}

void check_samplers(const std::filesystem::path& folder, Report& report) {
    const std::filesystem::path path = folder / "samplers.h5";
    if (!std::filesystem::exists(path)) return;
    const GoldenFile file(path);
    NetworkShelf networks(folder);
    for (const std::string& family : file.groups("/")) {
        for (const std::string& child : file.groups(family)) {
            const std::string name = inside(family, child);
            report.within("samplers/" + name, [&] {
                if (family == "measurements") {
                    check_measurement(file, name, report);
                } else if (family == "dps_fixed_small") {
                    check_fixed_small(file, name, networks, report);
                } else if (file.has(inside(name, "x")) && file.has(inside(name, "timesteps"))) {
                    check_stored_chain(file, family, name, networks, report);
                } else {
                    throw NotBuilt("what this group holds is not known");
                }
            });
        }
    }
}

}  // namespace conformance
