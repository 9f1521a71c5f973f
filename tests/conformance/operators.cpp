#include <ATen/TensorOperators.h>

#include <array>
#include <cmath>
#include <future>
#include <string>

#include "operators/gaussian_blur.h"
#include "tests/conformance/errors.h"
#include "tests/conformance/golden_file.h"
#include "tests/conformance/stored_operator.h"
#include "tests/conformance/topics.h"

namespace conformance {

namespace {

// Absolute.
constexpr double operator_forward_tolerance = 1e-5;
constexpr double operator_vjp_tolerance = 5e-5;
constexpr double kernel_tolerance = 1e-8;  // half a unit in the last place of a float32 tap of 0.13, its largest
// Relative to ‖A x‖ ‖v‖, in float64.
constexpr double dot_tolerance = 1e-12;
// The reference's own ⟨A x, v⟩ in float64; a kernel given in float32 is the product of its factors to that precision.
constexpr double stored_dot_tolerance = 1e-6;

/// The tensor that a case's attribute names ("shared/x"), or its own dataset.
at::Tensor input(const GoldenFile& file, const std::string& name, const std::string& what) {
    const std::string stated = file.text_if_any(name, what).value_or("own");
    return file.read(stated == "own" ? inside(name, what) : stated);
}

double inner_product(const at::Tensor& a, const at::Tensor& b) {
    return (a * b).sum().item<double>();
}

void check_operator(const GoldenFile& file, const std::string& name, Report& report) {
    const std::string group = "operators/" + name;
    struct Case {
        at::Tensor x, v;
        std::shared_ptr<const operators::MeasurementOperator> A;
    };
    const auto prepared = std::async(std::launch::deferred, [&] {
                              const at::Tensor x = input(file, name, "x");
                              const auto A = stored_operator(file, name, image_shape(x), 0, x.size(0));
                              return Case{x, input(file, name, "v"), A};
                          }).share();

    report.check(group, "Ax", operator_forward_tolerance, [&] {
        const Case& c = prepared.get();
        return largest_difference(c.A->forward(c.x), file.read(inside(name, "Ax")));
    });
    for (const char* quantity : {"ATv", "VJPv"}) {
        if (!file.has(inside(name, quantity))) continue;
        report.check(group, quantity, operator_vjp_tolerance, [&] {
            const Case& c = prepared.get();
            return largest_difference(c.A->vjp(c.x, c.v), file.read(inside(name, quantity)));
        });
    }

    // ⟨A x, v⟩ = ⟨x, A* v⟩
    if (file.has(inside(name, "ATv"))) {
        const auto products = std::async(std::launch::deferred, [&] {
                                  const Case& c = prepared.get();
                                  const at::Tensor x = c.x.to(at::kDouble), v = c.v.to(at::kDouble);
                                  const at::Tensor Ax = c.A->forward(x);
                                  const double scale = Ax.norm().item<double>() * v.norm().item<double>();
                                  return std::array{inner_product(Ax, v), inner_product(x, c.A->vjp(x, v)), scale};
                              }).share();
        report.check(group, "dot test, float64", dot_tolerance, [&] {
            const auto& [left, right, scale] = products.get();
            return std::abs(left - right) / scale;
        });
        if (file.has_attribute(name, "dot_Ax_v_f64")) {
            report.check(group, "dot_Ax_v_f64", stored_dot_tolerance, [&] {
                const auto& [left, right, scale] = products.get();
                return std::abs(left - file.number(name, "dot_Ax_v_f64")) / scale;
            });
        }
    }

    // A Gaussian blur states what its kernel is made from
    if (file.has(inside(name, "kernel")) && file.has_attribute(name, "std") &&
        file.has_attribute(name, "kernel_size")) {
        report.check(group, "kernel", kernel_tolerance, [&] {
            const at::Tensor kernel =
                operators::gaussian_kernel(file.integer(name, "kernel_size"), file.number(name, "std"));
            return largest_difference(kernel, file.read(inside(name, "kernel")));
        });
    }
}

}  // namespace

void check_operators(const std::filesystem::path& folder, Report& report) {
    const std::filesystem::path path = folder / "operators.h5";
    if (!std::filesystem::exists(path)) return;
    const GoldenFile file(path);
    for (const std::string& name : file.groups("/")) {
        // A group without A x only lends its tensors to others
        if (!file.has(inside(name, "Ax"))) continue;
        report.within("operators/" + name, [&] { check_operator(file, name, report); });
    }
}

}  // namespace conformance
