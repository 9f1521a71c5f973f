// Everything that the program does on a GPU held to what it does on the CPU, which is held to the reference
// implementations: kernels, networks in three precisions, captured steps, whole chains, one-rank NCCL.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "cluster/nccl_collective.h"
#include "operators/kernels/keyed_normals.h"
#include "operators/kernels/masked.h"
#include "operators/kernels/mirrored_blur.h"
#include "operators/make_operator.h"
#include "operators/measurement_noise.h"
#include "pipeline/networks/kernels/group_norm_silu.h"
#include "pipeline/networks/safetensors.h"
#include "pipeline/samplers/kernels/sampler_updates.h"
#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/run_sampler.h"
#include "tests/gpu/check/gpu.h"
#include "tests/gpu/check/record.h"

namespace gpu_check {
namespace {

namespace fs = std::filesystem;

const operators::NoiseStream noise(3);

at::Tensor normals(std::uint32_t which, at::IntArrayRef sizes) {
    std::vector<std::uint64_t> images;
    for (std::int64_t i = 0; i < sizes[0]; ++i) images.push_back(static_cast<std::uint64_t>(i));
    std::int64_t rest = 1;
    for (const std::int64_t size : sizes.slice(1)) rest *= size;
    return noise.normal({.purpose = operators::Purpose::step, .level = which}, images, {1, 1, rest}).view(sizes);
}

void check_normals(Record& record) {
    // 10⁸ of them: four fields of 25 million.
    constexpr std::int64_t count = 25'000'003;
    const at::Tensor keys = at::full({4}, 11, at::kLong).mul_(at::full({4}, 77777, at::kLong)).contiguous();
    keys[1].fill_(-5), keys[2].fill_(1LL << 40), keys[3].fill_(0x7edcba9876543210);
    double differing = 0;
    for (const std::int64_t level : {0, 999}) {
        const at::Tensor place = at::full({}, level, at::kLong);
        const at::Tensor here = operators::keyed_normals(keys, level == 0 ? count : 1001, place, 2);
        const at::Tensor there = operators::keyed_normals(keys.cuda(), here.size(1), place.cuda(), 2);
        differing += differing_bits(there, here);
    }
    record.at_most("kernels", "keyed normals, 1e8 draws: differing bits", differing, 0);
}

void check_operator_kernels(Record& record) {
    const at::Tensor x = normals(1, {3, 3, 61, 83});
    const at::Tensor mask = normals(2, {3, 1, 61, 83}).gt(0).to(at::kFloat);
    record.at_most("kernels", "masks: differing bits",
                   differing_bits(operators::masked(x.cuda(), mask.cuda()), operators::masked(x, mask)), 0);
    const at::Tensor column = normals(3, {1, 31}).squeeze(0).abs(), row = normals(4, {1, 19}).squeeze(0).abs();
    for (const bool is_adjoint : {false, true}) {
        const at::Tensor here = operators::mirrored_blur(x, column, row, is_adjoint);
        const at::Tensor there = operators::mirrored_blur(x.cuda(), column.cuda(), row.cuda(), is_adjoint);
        record.at_most("kernels", is_adjoint ? "mirrored blur, adjoint" : "mirrored blur", relative_error(there, here),
                       1e-6);
    }
}

void check_group_norm(Record& record) {
    for (const auto& [images, channels, side] :
         {std::array<std::int64_t, 3>{1, 128, 64}, {3, 192, 17}, {2, 512, 8}, {5, 64, 1}}) {
        for (const bool is_own : {false, true}) {
            const std::int64_t rows = is_own ? images : 1;
            at::Tensor weight = normals(5, {rows, channels}).add_(1), bias = normals(6, {rows, channels});
            if (!is_own) weight = weight.squeeze(0), bias = bias.squeeze(0);
            for (const auto type : {at::kFloat, at::kBFloat16}) {
                const at::Tensor x = normals(7, {images, channels, side, side}).to(type).to(at::kFloat);
                const at::Tensor w = normals(8, x.sizes()).to(type).to(at::kFloat);
                const auto answer = [&](const at::Device& device, at::ScalarType as) {
                    const c10::AutoGradMode with_gradient(true);
                    at::Tensor input = x.to(device).to(as);
                    if (device.is_cuda()) input = input.contiguous(at::MemoryFormat::ChannelsLast);
                    input = input.detach().requires_grad_(true);
                    const at::Tensor y = pipeline::group_norm_silu(input, weight.to(device), bias.to(device), 32, 1e-5);
                    y.backward(w.to(device).to(as));
                    return std::pair(y.detach(), input.grad());
                };
                const auto [y, gradient] = answer(at::kCPU, at::kFloat);
                const auto [y_gpu, gradient_gpu] = answer(at::kCUDA, type);
                char name[96];
                std::snprintf(name, sizeof name, "norm+silu %s [%lld, %lld, %lld²]%s",
                              type == at::kFloat ? "float32" : "bfloat16", static_cast<long long>(images),
                              static_cast<long long>(channels), static_cast<long long>(side),
                              is_own ? " own weights" : "");
                const double limit = type == at::kFloat ? 2e-6 : 6e-3;
                record.at_most("kernels", name, relative_error(y_gpu, y), limit);
                // A group of one pixel and few channels has gradients near 0: rounding is all there is of them.
                if (side > 1)
                    record.at_most("kernels", std::string(name) + " vjp", relative_error(gradient_gpu, gradient),
                                   type == at::kFloat ? 2e-5 : 2e-2);
            }
        }
    }
}

void check_networks(Record& record, const fs::path& golden) {
    const pipeline::TensorMap stored = pipeline::read_safetensors(golden / "gpu" / "networks.safetensors");
    for (const std::string name : {"gd_a", "gd_b", "gd_e"}) {
        const auto description = pipeline::describe_model(golden / "weights" / (name + ".safetensors"));
        const at::Tensor t = stored.at(name + "/t").to(at::kCUDA);
        at::Tensor labels;
        if (stored.contains(name + "/y")) labels = stored.at(name + "/y").to(at::kLong).to(at::kCUDA);
        for (const auto precision :
             {pipeline::Precision::float32, pipeline::Precision::tf32, pipeline::Precision::bfloat16}) {
            pipeline::set_global_precision(precision);
            const pipeline::UNet network(description.network, pipeline::read_model_weights(description),
                                         precision == pipeline::Precision::bfloat16 ? at::kBFloat16 : at::kFloat,
                                         at::kCUDA);
            const c10::AutoGradMode with_gradient(true);
            const at::Tensor x = stored.at(name + "/x").to(at::kCUDA).detach().requires_grad_(true);
            const at::Tensor out = network.forward(x, t, labels);
            out.backward(stored.at(name + "/g").to(at::kCUDA));
            const bool is_exact = precision == pipeline::Precision::float32;
            const std::string words = name + " " + std::string(pipeline::to_string(precision));
            record.at_most("networks", words + " out", relative_error(out.detach(), stored.at(name + "/out")),
                           is_exact ? 2e-5 : 3e-2);
            record.at_most("networks", words + " vjp", relative_error(x.grad(), stored.at(name + "/vjp")),
                           is_exact ? 3e-5 : 1e-1);
        }
    }
    pipeline::set_global_precision(pipeline::Precision::float32);
}

/// One chain of a method on an operator, on a device, captured or not.
struct ChainRun {
    std::string method, operator_name;
    std::uint64_t first_image = 4;
    pipeline::StepShelf* shelf = nullptr;
    at::Tensor operator()(pipeline::Model& model, const at::Device& device, bool is_captured, int* replays) const {
        const operators::Shape shape{3, 32, 32};
        const std::vector<std::uint64_t> images = {first_image, first_image + 1, first_image + 5};
        const auto schedule = pipeline::NoiseSchedule::linear(1000).respaced(pipeline::space_timesteps(1000, "25"));
        const pipeline::KeyedNoise keyed(noise, images, {0, 0, 1}, shape, device);
        const at::Tensor truth =
            noise.normal({.purpose = operators::Purpose::guide}, images, shape).mul(0.4).clamp(-1, 1);
        const operators::OperatorEntry& entry = operators::find_operator(operator_name);
        operators::Settings settings = operators::Settings::defaults(entry.options);
        if (entry.resolve != nullptr) entry.resolve(settings, shape);
        operators::Parameters parameters;
        if (entry.draw != nullptr) parameters = entry.draw(settings, shape, noise, images);
        const std::shared_ptr<const operators::MeasurementOperator> A = entry.make(settings, shape, parameters);
        operators::Measurement measurement = operators::measure(A, truth, 0.05, noise, images, true);
        for (auto& [name, value] : parameters) value = value.to(device);
        measurement.y = measurement.y.to(device);
        measurement.A = entry.make(settings, shape, parameters);
        const pipeline::SamplingProblem problem{.schedule = schedule,
                                                .predictor = model,
                                                .noise = keyed,
                                                .variance = model.description().variance,
                                                .measurement = measurement,
                                                .truth = truth.to(device),
                                                .device = device};
        const pipeline::MethodEntry& entry_of_method = pipeline::find_method(method);
        operators::Settings own = operators::Settings::defaults(entry_of_method.options);
        if (entry_of_method.resolve != nullptr) {
            entry_of_method.resolve(own, {.operator_name = operator_name, .steps = 25, .original_steps = 1000});
        }
        const std::shared_ptr<const pipeline::Sampler> sampler = entry_of_method.make(own, problem);
        pipeline::StepCapture capture;
        capture.shelf = shelf;
        capture.name = method + " " + operator_name;
        capture.owner = sampler;
        if (is_captured) {
            capture.make = step_graph;
            capture.on_replay = [&](int) { ++*replays; };
            capture.on_refusal = [&](const std::string& reason) { std::printf("refused: %s\n", reason.c_str()); };
        }
        return pipeline::run_sampler(*sampler, {}, capture).x0_hat.cpu();
    }
};

void check_chains(Record& record, const fs::path& golden) {
    const auto description = pipeline::describe_model(golden / "weights" / "gd_a.safetensors");
    pipeline::Model here(description), there(description, {at::kCUDA, pipeline::Precision::float32});
    for (const auto& run : {ChainRun{"ddpm", "box"}, ChainRun{"sdedit", "box"}, ChainRun{"score_ald", "gaussian_blur"},
                            ChainRun{"dps", "random"}, ChainRun{"dps", "gaussian_blur"}, ChainRun{"dps", "motion_blur"},
                            ChainRun{"dps", "super_resolution"}}) {
        const std::string words = run.method + " " + run.operator_name;
        int replays = 0;
        const at::Tensor eager = run(there, at::kCUDA, false, nullptr);
        const at::Tensor captured = run(there, at::kCUDA, true, &replays);
        record.holds("graph", words + ": captured and replayed", replays > 0);
        const at::Tensor again = run(there, at::kCUDA, true, &replays);
        record.at_most("graph", words + ": captured against eager, differing values",
                       static_cast<double>((captured != eager).sum().item<std::int64_t>()), 0);
        record.at_most("graph", words + ": a second time, differing bits", differing_bits(again, captured), 0);
        record.at_most("chains", words + ": 25 steps, GPU against CPU",
                       largest_error(eager, run(here, at::kCPU, false, nullptr)), 5e-3);
    }
}

/// The step that one unit has left does for the next, with the next one's numbers.
void check_shared_steps(Record& record, const fs::path& golden) {
    const auto description = pipeline::describe_model(golden / "weights" / "gd_a.safetensors");
    pipeline::Model model(description, {at::kCUDA, pipeline::Precision::float32});
    for (const auto& run : {ChainRun{"ddpm", "box"}, ChainRun{"score_ald", "motion_blur"}, ChainRun{"dps", "random"},
                            ChainRun{"dps", "gaussian_blur"}, ChainRun{"dps", "super_resolution"}}) {
        const std::string words = run.method + " " + run.operator_name;
        pipeline::StepShelf shelf;
        ChainRun first = run, second = run;
        second.first_image = 40;
        const at::Tensor alone = second(model, at::kCUDA, false, nullptr);
        first.shelf = second.shelf = &shelf;
        int of_first = 0, of_second = 0;
        first(model, at::kCUDA, true, &of_first);
        const at::Tensor after = second(model, at::kCUDA, true, &of_second);
        record.holds("graph", words + ": the next unit needs no warm-up", of_second == of_first + 3);
        record.at_most("graph", words + ": the next unit against eager, differing values",
                       static_cast<double>((after != alone).sum().item<std::int64_t>()), 0);
    }
}

/// A captured step against the same step by step, in the precisions of GPUs.
void check_captured_precisions(Record& record, const fs::path& golden) {
    const auto description = pipeline::describe_model(golden / "weights" / "gd_a.safetensors");
    for (const auto precision : {pipeline::Precision::tf32, pipeline::Precision::bfloat16}) {
        pipeline::set_global_precision(precision);
        pipeline::Model model(description, {at::kCUDA, precision});
        for (const auto& run : {ChainRun{"ddpm", "box"}, ChainRun{"dps", "random"}}) {
            const std::string words = run.method + " " + std::string(pipeline::to_string(precision));
            int replays = 0;
            const at::Tensor eager = run(model, at::kCUDA, false, nullptr);
            const at::Tensor captured = run(model, at::kCUDA, true, &replays);
            record.at_most("graph", words + ": captured against eager, differing values",
                           static_cast<double>((captured != eager).sum().item<std::int64_t>()), 0);
        }
    }
    pipeline::set_global_precision(pipeline::Precision::float32);
}

void check_updates(Record& record) {
    const at::Tensor x = normals(21, {3, 3, 33, 35}), e = normals(22, x.sizes()), v = normals(23, x.sizes()),
                     z = normals(24, x.sizes());
    const at::Tensor table = normals(25, {4, 6}).to(at::kDouble).contiguous(), row = at::full({}, 2, at::kLong);
    const auto on = [](const at::Tensor& tensor) { return tensor.to(at::kCUDA); };
    const auto [here, x0_here] = pipeline::ancestral_update(x, e, {}, z, table, row, true);
    const auto [there, x0_there] = pipeline::ancestral_update(on(x), on(e), {}, on(z), on(table), on(row), true);
    record.at_most("kernels", "ancestral update: differing bits",
                   differing_bits(there, here) + differing_bits(x0_there, x0_here), 0);
    const at::Tensor learned_here = pipeline::ancestral_update(x, e, v, z, table, row, true).x_previous;
    const at::Tensor learned_there =
        pipeline::ancestral_update(on(x), on(e), on(v), on(z), on(table), on(row), true).x_previous;
    record.at_most("kernels", "ancestral update, learned variance", relative_error(learned_there, learned_here), 1e-6);
    record.at_most("kernels", "clamp's vjp: differing bits",
                   differing_bits(pipeline::clamp_vjp(on(z), on(x), on(e), on(table), on(row)),
                                  pipeline::clamp_vjp(z, x, e, table, row)),
                   0);
    record.at_most("kernels", "dps update: differing bits",
                   differing_bits(pipeline::dps_update(on(x), on(e), on(z), on(table), on(row), 0.7),
                                  pipeline::dps_update(x, e, z, table, row, 0.7)),
                   0);
}

/// A group of one rank: everything of NCCL but other machines.
void check_nccl(Record& record) {
    const auto make = reinterpret_cast<cluster::MakeNcclCollective>(cuda_symbol(cluster::nccl_collective_symbol));
    const auto host = cluster::lone_collective();
    const std::unique_ptr<cluster::Collective> group(make(*host, 0, 60));
    const at::Tensor weights = normals(31, {3, 1000}).to(at::kCUDA), kept = weights.clone();
    group->broadcast({weights, weights.to(at::kBFloat16)}, 0);
    record.at_most("nccl", "one rank, broadcast (the call alone): differing bits", differing_bits(weights, kept), 0);
    constexpr std::uint64_t value = 0xfedcba9876543210u;
    record.holds("nccl", "one rank, minimum and maximum",
                 group->all_reduce_minimum(value) == value && group->all_reduce_maximum(value) == value);
    record.holds("nccl", "checksum on the device is the CPU's",
                 cluster::checksum({weights, weights.to(at::kBFloat16)}) ==
                     cluster::checksum({weights.cpu(), weights.to(at::kBFloat16).cpu()}));
}

int run(const fs::path& golden, const fs::path& json) {
    open_cuda_side();
    at::set_num_threads(4);
    const std::string card = card_name();
    std::printf("%s\n", card.c_str());
    pipeline::set_global_precision(pipeline::Precision::float32);
    Record record;
    run_group(record, "kernels", [&] { check_normals(record); });
    run_group(record, "kernels", [&] { check_operator_kernels(record); });
    run_group(record, "kernels", [&] { check_updates(record); });
    run_group(record, "kernels", [&] { check_group_norm(record); });
    run_group(record, "networks", [&] { check_networks(record, golden); });
    run_group(record, "graph", [&] { check_chains(record, golden); });
    run_group(record, "graph", [&] { check_shared_steps(record, golden); });
    run_group(record, "graph", [&] { check_captured_precisions(record, golden); });
    run_group(record, "nccl", [&] { check_nccl(record); });
    record.write_json(json, card);
    return record.is_good() ? 0 : 1;
}

}  // namespace
}  // namespace gpu_check

int main(int count, char** words) {
    if (count != 3) {
        std::fprintf(stderr, "usage: gpu_check GOLDEN_FOLDER OUT.json\n");
        return 2;
    }
    const int exit_code = gpu_check::run(words[1], words[2]);
    std::fflush(nullptr);
    // LibTorch 2.11's destructors crash once CUDA is loaded.
    std::_Exit(exit_code);
}
