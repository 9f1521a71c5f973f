#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/networks/model.h"
#include "pipeline/networks/unet.h"
#include "tests/conformance/errors.h"
#include "tests/conformance/golden_file.h"
#include "tests/conformance/network_files.h"
#include "tests/conformance/topics.h"

namespace conformance {

namespace {

// Relative L2 distance of the worst row.
constexpr double network_out_tolerance = 2e-5;
constexpr double network_vjp_tolerance = 3e-5;
constexpr double network_double_tolerance = 1e-9;  // a float64 build with the reference's float32 frequencies

/// What a network is asked.
struct Question {
    at::Tensor x, t, labels, g;

    /// Rows [first, first + count), in another precision where asked.
    Question rows(std::int64_t first, std::int64_t count, at::ScalarType type) const {
        const auto part = [&](const at::Tensor& tensor) {
            return tensor.defined() ? tensor.narrow(0, first, count) : tensor;
        };
        return {part(x).to(type), part(t), part(labels), g.defined() ? part(g).to(type) : g};
    }
};

struct Answer {
    at::Tensor out;
    at::Tensor vjp;  // undefined where the question has no g
};

Answer ask(const pipeline::UNet& network, const Question& question) {
    const c10::AutoGradMode with_gradient(true);
    const at::Tensor x = question.x.detach().requires_grad_(true);
    const at::Tensor out = network.forward(x, question.t, question.labels);
    if (!question.g.defined()) return {out.detach(), {}};
    return {out.detach(), torch::autograd::grad({out}, {x}, {question.g}).at(0)};
}

pipeline::UNet load(const pipeline::ModelDescription& description, at::ScalarType precision) {
    return {description.network, pipeline::read_model_weights(description), precision};
}

/// Every row asked alone.
Answer ask_row_by_row(const pipeline::UNet& network, const Question& question) {
    std::vector<at::Tensor> out, vjp;
    for (std::int64_t row = 0; row < question.x.size(0); ++row) {
        const Answer answer = ask(network, question.rows(row, 1, question.x.scalar_type()));
        out.push_back(answer.out);
        if (answer.vjp.defined()) vjp.push_back(answer.vjp);
    }
    return {at::cat(out), vjp.empty() ? at::Tensor() : at::cat(vjp)};
}

void check_network(const std::filesystem::path& folder, const GoldenFile& file, const std::string& name,
                   Report& report) {
    const std::string group = "networks/" + name;
    const auto stored = [&](const std::string& quantity) { return file.read(inside(name, quantity)); };
    const auto has = [&](const std::string& quantity) { return file.has(inside(name, quantity)); };

    // Each of these is computed once, when the first case asks for it
    const auto lazily = [](auto compute) { return std::async(std::launch::deferred, compute).share(); };
    const auto description = lazily([&] { return describe_network(folder, name); });
    const auto question = lazily([&] {
        return Question{stored("x"), stored("t"), has("y") ? stored("y") : at::Tensor(),
                        has("g") ? stored("g") : at::Tensor()};
    });
    const auto network = lazily([&] { return std::make_shared<pipeline::UNet>(load(description.get(), at::kFloat)); });
    const auto answer = lazily([&] { return ask(*network.get(), question.get()); });
    const auto alone = lazily([&] { return ask_row_by_row(*network.get(), question.get()); });
    const auto answer_in_double = [&](std::int64_t rows) {
        return ask(load(description.get(), at::kDouble), question.get().rows(0, rows, at::kDouble));
    };

    if (file.has_attribute(name, "parameters")) {
        report.check(group, "parameters", 0.0, [&] {
            double count = 0;
            for (const auto& [tensor, shape] : pipeline::parameter_shapes(description.get().network)) {
                double size = 1;
                for (const std::int64_t side : shape) size *= static_cast<double>(side);
                count += size;
            }
            return std::abs(count - file.number(name, "parameters"));
        });
    }
    report.check(group, "out", network_out_tolerance,
                 [&] { return worst_row_distance(answer.get().out, stored("out")); });
    if (has("vjp")) {
        report.check(group, "vjp", network_vjp_tolerance,
                     [&] { return worst_row_distance(answer.get().vjp, stored("vjp")); });
    }
    if (file.hdf5().shape(inside(name, "x")).at(0) > 1) {
        report.check(group, "out, rows alone", network_out_tolerance,
                     [&] { return worst_row_distance(alone.get().out, answer.get().out); });
        if (has("vjp")) {
            report.check(group, "vjp, rows alone", network_vjp_tolerance,
                         [&] { return worst_row_distance(alone.get().vjp, answer.get().vjp); });
        }
    }
    if (has("out_f64")) {
        report.check(group, "out_f64", network_double_tolerance, [&] {
            const at::Tensor expected = stored("out_f64");
            return worst_row_distance(answer_in_double(expected.size(0)).out, expected);
        });
    }
    if (has("vjp_f64")) {
        report.check(group, "vjp_f64", network_double_tolerance, [&] {
            const at::Tensor expected = stored("vjp_f64");
            return worst_row_distance(answer_in_double(expected.size(0)).vjp, expected);
        });
    }
}

/// guided_diffusion_WIDTH, or diffusers_WIDTH_shiftN, with _flip where the cosine comes first.
std::optional<pipeline::EmbeddingLayout> layout_of(const std::string& dataset) {
    if (dataset.starts_with("guided_diffusion")) return pipeline::EmbeddingLayout{};
    const std::size_t shift = dataset.find("_shift");
    if (!dataset.starts_with("diffusers") || shift == std::string::npos || shift + 6 >= dataset.size()) return {};
    return pipeline::EmbeddingLayout{.is_sine_first = !dataset.ends_with("_flip"), .shift = dataset[shift + 6] - '0'};
}

/// The embeddings alone, each dataset one layout; the layout is in its name.
void check_embeddings(const GoldenFile& file, const std::string& name, Report& report) {
    const std::string group = "networks/" + name;
    for (const std::string& dataset : file.datasets(name)) {
        if (dataset == "t") continue;
        const std::optional<pipeline::EmbeddingLayout> layout = layout_of(dataset);
        if (!layout) {
            report.skip(group, dataset, "a layout of this name is not known");
            continue;
        }
        // The program takes the reference's float32 frequencies and products. Against everything in float64 the product
        // t f may be off by half a unit in the last place of t_max, and so may f: together t_max 2⁻²³.
        const bool is_double = dataset.ends_with("_f64");
        const at::Tensor t = file.read(inside(name, "t"));
        const double t_max = t.to(at::kDouble).abs().max().item<double>();
        report.check(group, dataset, is_double ? std::ldexp(t_max, -23) : 1e-6, [&] {
            const at::Tensor expected = file.read(inside(name, dataset));
            return largest_difference(
                pipeline::timestep_embedding(t, static_cast<int>(expected.size(1)), at::kFloat, *layout), expected);
        });
    }
}

}  // namespace

void check_networks(const std::filesystem::path& folder, Report& report) {
    const std::filesystem::path path = folder / "networks.h5";
    if (!std::filesystem::exists(path)) return;
    const GoldenFile file(path);
    for (const std::string& name : file.groups("/")) {
        report.within("networks/" + name, [&] {
            if (file.has(inside(name, "out"))) {
                check_network(folder, file, name, report);
            } else if (name == "timestep_embedding") {
                check_embeddings(file, name, report);
            } else {
                throw NotBuilt("what this group holds is not known");
            }
        });
    }
}

}  // namespace conformance
