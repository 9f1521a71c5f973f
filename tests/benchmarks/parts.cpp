#include <malloc.h>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <benchmark/benchmark.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "operators/make_operator.h"
#include "operators/noise_stream.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/metrics/lpips.h"
#include "pipeline/metrics/psnr.h"
#include "pipeline/metrics/ssim.h"
#include "pipeline/networks/kernels/frozen_convolution.h"
#include "pipeline/networks/kernels/group_norm_operations.h"
#include "pipeline/networks/kernels/group_norm_silu.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/residual_block.h"
#include "pipeline/networks/unet_plan.h"
#include "tests/support/paths.h"
#include "workers/work_queue.h"

// What one thread of this machine does at most (a matrix product, a copy), and what the parts of a run do beside it:
//
//     build/release/tests/bench_parts [--benchmark_filter=REGEX] [--model=CHECKPOINT] [--sides=64,256] [--batches=1,4]
//     …
//
// "FLOP/s" and "bytes_per_second" are of what the formula asks for, not of what an algorithm spends: a Winograd
// convolution may be above the matrix rate.

namespace {

using benchmark::State;
using benchmark::internal::Benchmark;

void count_flop(State& state, double flop) {
    state.counters["FLOP/s"] = benchmark::Counter(flop * static_cast<double>(state.iterations()),
                                                  benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

void count_bytes(State& state, double bytes) {
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes * static_cast<double>(state.iterations())));
}

// The roof.

void matrix_product(State& state) {
    const std::int64_t n = state.range(0);
    const at::Tensor a = at::randn({n, n}), b = at::randn({n, n});
    for (auto _ : state) benchmark::DoNotOptimize(at::mm(a, b));
    count_flop(state, 2.0 * static_cast<double>(n * n * n));
}
BENCHMARK(matrix_product)->Arg(512)->Arg(2048)->Unit(benchmark::kMillisecond);

/// Bytes read and written of 64 MiB, more than a core's caches.
void copy(State& state) {
    const at::Tensor from = at::ones({16 << 20});
    at::Tensor to = at::zeros_like(from);
    for (auto _ : state) benchmark::DoNotOptimize(to.copy_(from));
    count_bytes(state, 2.0 * static_cast<double>(from.nbytes()));
}
BENCHMARK(copy)->Unit(benchmark::kMillisecond);

// The network's layers: images, channels, side.

void layer_shapes(Benchmark* benchmark) {
    benchmark->ArgNames({"N", "C", "side"})->Unit(benchmark::kMillisecond);
    for (const std::int64_t images : {1, 8}) {
        for (const auto& [channels, side] :
             {std::pair<std::int64_t, std::int64_t>{32, 64}, {64, 64}, {128, 32}, {256, 16}, {256, 8}, {128, 256}}) {
            if (images * channels * side * side <= 8 * 128 * 64 * 64) benchmark->Args({images, channels, side});
        }
    }
}

at::Tensor layer_input(const State& state) {
    return at::randn({state.range(0), state.range(1), state.range(2), state.range(2)});
}

void convolution(State& state) {
    const at::Tensor x = layer_input(state);
    const std::int64_t channels = x.size(1);
    const at::Tensor weight = at::randn({channels, channels, 3, 3}), bias = at::randn({channels});
    const pipeline::FrozenConvolution layer(weight, bias, 1, 1);
    for (auto _ : state) benchmark::DoNotOptimize(layer.forward(x));
    count_flop(state, 18.0 * static_cast<double>(x.numel() * channels));
}
BENCHMARK(convolution)->Apply(layer_shapes);

/// The gradient alone: the graph is made once.
void convolution_vjp(State& state) {
    const at::AutoGradMode grad(true);
    const at::Tensor x = layer_input(state).requires_grad_();
    const std::int64_t channels = x.size(1);
    const at::Tensor weight = at::randn({channels, channels, 3, 3}), bias = at::randn({channels});
    const at::Tensor y = pipeline::FrozenConvolution(weight, bias, 1, 1).forward(x), v = at::randn_like(y);
    for (auto _ : state) benchmark::DoNotOptimize(torch::autograd::grad({y}, {x}, {v}, /*retain_graph=*/true));
    count_flop(state, 18.0 * static_cast<double>(x.numel() * channels));
}
BENCHMARK(convolution_vjp)->Apply(layer_shapes);

/// x read and y written once, whatever the kernel does.
void norm_silu(State& state) {
    const at::Tensor x = layer_input(state), one = at::ones({x.size(1)});
    for (auto _ : state) benchmark::DoNotOptimize(pipeline::group_norm_silu(x, one, one, 32, 1e-5));
    count_bytes(state, 2.0 * static_cast<double>(x.nbytes()));
}
BENCHMARK(norm_silu)->Apply(layer_shapes);

/// x and v read and the gradient written once.
void norm_silu_vjp(State& state) {
    const at::Tensor x = layer_input(state), one = at::ones({x.size(1)}), v = at::randn_like(x);
    const pipeline::GroupNormResult norm = pipeline::group_norm_operation(x, one, one, 32, 1e-5, true);
    for (auto _ : state) {
        benchmark::DoNotOptimize(pipeline::group_norm_vjp_operation(v, x, norm.mean, norm.rstd, one, one, 32, true));
    }
    count_bytes(state, 3.0 * static_cast<double>(x.nbytes()));
}
BENCHMARK(norm_silu_vjp)->Apply(layer_shapes);

/// A residual block of as many channels in as out, with its norms, convolutions, embedding and sum.
pipeline::ResidualBlock residual_block_of(std::int64_t channels) {
    pipeline::UNetSettings settings;
    settings.has_scale_shift_norm = true;
    const auto c = static_cast<int>(channels);
    pipeline::LayerPlan plan{pipeline::LayerKind::residual, "", c, c, 1};
    pipeline::TensorMap weights;
    for (const char* norm : {"in_layers.0", "out_layers.0"}) {
        weights[norm + std::string(".weight")] = at::ones({channels});
        weights[norm + std::string(".bias")] = at::randn({channels});
    }
    for (const char* convolution : {"in_layers.2", "out_layers.3"}) {
        weights[convolution + std::string(".weight")] = at::randn({channels, channels, 3, 3}) * 0.05;
        weights[convolution + std::string(".bias")] = at::randn({channels});
    }
    weights["emb_layers.1.weight"] = at::randn({2 * channels, 128}) * 0.1;
    weights["emb_layers.1.bias"] = at::randn({2 * channels});
    return pipeline::ResidualBlock(plan, settings, weights);
}

void residual_block(State& state) {
    const at::Tensor x = layer_input(state), embedding = at::randn({x.size(0), 128});
    const pipeline::ResidualBlock block = residual_block_of(x.size(1));
    for (auto _ : state) benchmark::DoNotOptimize(block.forward(x, embedding));
    count_flop(state, 36.0 * static_cast<double>(x.numel() * x.size(1)));
}
BENCHMARK(residual_block)->Apply(layer_shapes);

/// The gradient alone, as of a convolution.
void residual_block_vjp(State& state) {
    const at::AutoGradMode grad(true);
    const at::Tensor x = layer_input(state).requires_grad_(), embedding = at::randn({x.size(0), 128});
    const at::Tensor y = residual_block_of(x.size(1)).forward(x, embedding), v = at::randn_like(y);
    for (auto _ : state) benchmark::DoNotOptimize(torch::autograd::grad({y}, {x}, {v}, /*retain_graph=*/true));
    count_flop(state, 36.0 * static_cast<double>(x.numel() * x.size(1)));
}
BENCHMARK(residual_block_vjp)->Apply(layer_shapes);

// The whole network: --model, --sides and --batches; by default the one that travels with the program, on its own
// images.

/// Bytes of one image that have to be moved if every layer reads what it is given once and writes its result once, and
/// weights are read once a call.
double least_bytes(const pipeline::UNetSettings& network, double pixels, double images, bool has_gradient) {
    const pipeline::UNetPlan plan = pipeline::plan_unet(network);
    double numbers = 0, weights = 0;
    const auto add = [&](double in, double out, double at, double of_weights, double extra_reads_of_gradient) {
        numbers += (in + out) * at * (has_gradient ? 2 : 1) + (has_gradient ? extra_reads_of_gradient * at : 0);
        weights += of_weights * (has_gradient ? 2 : 1);
    };
    const auto add_layer = [&](const pipeline::LayerPlan& layer) {
        const double at = pixels / (static_cast<double>(layer.factor) * layer.factor);
        const double in = layer.in_channels, out = layer.out_channels;
        switch (layer.kind) {
            case pipeline::LayerKind::convolution:
            case pipeline::LayerKind::convolution_down:
            case pipeline::LayerKind::convolution_up:
                add(in, out, at, 9 * in * out, 0);
                return;
            case pipeline::LayerKind::attention:
                add(in, in, at, 0, in);               // norm
                add(in, 3 * in, at, 3 * in * in, 0);  // q, k, v
                add(3 * in, in, at, 0, 3 * in);       // attention
                add(2 * in, in, at, in * in, 0);      // projection and sum
                return;
            case pipeline::LayerKind::residual:
            case pipeline::LayerKind::residual_down:
            case pipeline::LayerKind::residual_up:
                break;
        }
        add(in, in, at, 0, in);                   // norm
        add(in, out, at, 9 * in * out, 0);        // convolution
        add(out, out, at, 0, out);                // norm
        add(2 * out, out, at, 9 * out * out, 0);  // convolution and sum
        if (in != out) add(in, out, at, in * out, 0);
    };
    for (const auto* blocks : {&plan.input_blocks, &plan.output_blocks}) {
        for (const auto& block : *blocks) {
            for (const auto& layer : block) add_layer(layer);
        }
    }
    for (const auto& layer : plan.middle) add_layer(layer);
    add(plan.final_channels, plan.final_channels, pixels, 0, plan.final_channels);
    add(plan.final_channels, network.out_channels, pixels, 9.0 * plan.final_channels * network.out_channels, 0);
    return 4 * (numbers * images + weights);
}

void network(State& state, pipeline::Model& model, std::int64_t side, std::int64_t images, bool has_gradient) {
    const pipeline::UNetSettings& settings = model.description().network;
    if (settings.classes > 0) model.condition_on(at::zeros({images}, at::kLong));
    const at::Tensor x = at::randn({images, settings.in_channels, side, side});
    for (auto _ : state) {
        if (has_gradient) {
            benchmark::DoNotOptimize(model.predict_differentiably(x, 500).vjp(x));
        } else {
            benchmark::DoNotOptimize(model.predict(x, 500).epsilon);
        }
    }
    const auto pixels = static_cast<double>(side * side), count = static_cast<double>(images);
    const auto length = static_cast<int>(side);
    count_flop(state, pipeline::forward_flop(settings, length, length) * count * (has_gradient ? 2 : 1));
    count_bytes(state, least_bytes(settings, pixels, count, has_gradient));
}

std::vector<std::int64_t> numbers_of(const std::string& text) {
    std::vector<std::int64_t> numbers;
    std::istringstream words(text);
    for (std::string word; std::getline(words, word, ',');) numbers.push_back(std::stoll(word));
    return numbers;
}

/// Takes --NAME=VALUE from the arguments.
std::string taken(int& count, char** arguments, const std::string& name, const std::string& standard) {
    const std::string begin = "--" + name + "=";
    for (int i = 1; i < count; ++i) {
        const std::string argument = arguments[i];
        if (!argument.starts_with(begin)) continue;
        std::copy(arguments + i + 1, arguments + count + 1, arguments + i);
        --count;
        return argument.substr(begin.size());
    }
    return standard;
}

void register_networks(int& count, char** arguments) {
    const auto embedded = test_support::source_folder() / "jobs" / "quickstart" / "model";
    static pipeline::Model model(pipeline::describe_model(taken(count, arguments, "model", embedded.string())));
    const std::string own_side = std::to_string(model.description().image_size);
    const auto batches = numbers_of(taken(count, arguments, "batches", "1,4,8,16"));
    for (const std::int64_t side : numbers_of(taken(count, arguments, "sides", own_side))) {
        for (const bool has_gradient : {false, true}) {
            for (const std::int64_t images : batches) {
                const std::string name = (has_gradient ? "network_and_vjp/N:" : "network/N:") + std::to_string(images) +
                                         "/side:" + std::to_string(side);
                benchmark::RegisterBenchmark(name.c_str(), [=](State& state) {
                    network(state, model, side, images, has_gradient);
                })->Unit(benchmark::kMillisecond);
            }
        }
    }
}

// Beside the network, for 8 images of 64² and 1 of 256².

void image_shapes(Benchmark* benchmark) {
    benchmark->ArgNames({"N", "side"})->Args({8, 64})->Args({1, 256})->Unit(benchmark::kMillisecond);
}

at::Tensor images_of(const State& state) {
    return at::randn({state.range(0), 3, state.range(1), state.range(1)}).clamp(-1, 1);
}

void forward_and_adjoint(State& state, const char* name) {
    const at::Tensor x = images_of(state);
    const operators::Shape shape{3, static_cast<int>(x.size(2)), static_cast<int>(x.size(3))};
    const operators::OperatorEntry& entry = operators::find_operator(name);
    operators::Settings settings = operators::Settings::defaults(entry.options);
    if (entry.resolve != nullptr) entry.resolve(settings, shape);
    std::vector<std::uint64_t> numbers;
    for (std::int64_t image = 0; image < x.size(0); ++image) numbers.push_back(static_cast<std::uint64_t>(image));
    const operators::Parameters parameters = entry.draw == nullptr
                                                 ? operators::Parameters{}
                                                 : entry.draw(settings, shape, operators::NoiseStream(1), numbers);
    const auto A = entry.make(settings, shape, parameters);
    for (auto _ : state) benchmark::DoNotOptimize(A->vjp(x, A->forward(x)));
}
BENCHMARK_CAPTURE(forward_and_adjoint, box, "box")->Apply(image_shapes);
BENCHMARK_CAPTURE(forward_and_adjoint, random, "random")->Apply(image_shapes);
BENCHMARK_CAPTURE(forward_and_adjoint, gaussian_blur, "gaussian_blur")->Apply(image_shapes);
BENCHMARK_CAPTURE(forward_and_adjoint, motion_blur, "motion_blur")->Apply(image_shapes);
BENCHMARK_CAPTURE(forward_and_adjoint, super_resolution, "super_resolution")->Apply(image_shapes);

void keyed_noise(State& state) {
    std::vector<float> out(static_cast<std::size_t>(state.range(0) * 3 * state.range(1) * state.range(1)));
    for (auto _ : state) operators::NoiseStream(1).normal({.purpose = operators::Purpose::start}, out);
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(keyed_noise)->Apply(image_shapes);

void psnr(State& state) {
    const at::Tensor x = images_of(state), y = images_of(state);
    for (auto _ : state) benchmark::DoNotOptimize(pipeline::psnr(x, y));
}
BENCHMARK(psnr)->Apply(image_shapes);

void ssim(State& state) {
    const at::Tensor x = images_of(state), y = images_of(state);
    for (auto _ : state) benchmark::DoNotOptimize(pipeline::ssim(x, y));
}
BENCHMARK(ssim)->Apply(image_shapes);

void lpips(State& state) {
    const pipeline::Lpips net = pipeline::Lpips::embedded();
    const at::Tensor x = images_of(state), y = images_of(state);
    for (auto _ : state) benchmark::DoNotOptimize(net(x, y));
}
BENCHMARK(lpips)->Apply(image_shapes);

/// A unit dealt and committed by the coordinator's queue, of so many units; without messages and journal (bench_scale).
void dispatch(State& state) {
    const std::int64_t count = state.range(0);
    const auto all = [&] {
        std::vector<workers::PendingUnit> units;
        for (std::int64_t number = 0; number < count; ++number) units.push_back({number, 1.0 + number % 7});
        return units;
    };
    auto queue = std::make_unique<workers::WorkQueue>(all());
    for (auto _ : state) {
        std::optional<std::int64_t> unit = queue->assign(1, false);
        if (!unit) {
            state.PauseTiming();
            queue = std::make_unique<workers::WorkQueue>(all());
            state.ResumeTiming();
            unit = queue->assign(1, false);
        }
        queue->commit(*unit);
    }
}
BENCHMARK(dispatch)->Arg(1000)->Arg(1000000);

/// Compressed, written, synced, renamed: the time is the disk's.
void unit_file_commit(State& state) {
    const test_support::TemporaryFolder folder;
    const auto count = static_cast<std::size_t>(state.range(0));
    const std::vector<double> nothing(count, 0);
    pipeline::UnitFile file{.unit = 0, .plan_digest = "digest", .configuration = "{}", .rows = {}};
    pipeline::UnitRows& rows = file.rows;
    rows.restored = images_of(state);
    rows.image_index.assign(count, 0);
    rows.image_name.resize(count);
    rows.image_hash.resize(count);
    rows.image_error.resize(count);
    rows.sample.assign(count, 0);
    rows.class_label.assign(count, -1);
    rows.status.assign(count, pipeline::RowStatus::done);
    rows.psnr = rows.ssim = rows.lpips = rows.psnr_measurement = rows.psnr_unobserved = rows.residual = nothing;
    for (auto _ : state) {
        pipeline::commit_unit_file(folder.path(), file);
        ++file.unit;
    }
}
BENCHMARK(unit_file_commit)->Apply(image_shapes)->UseRealTime();

}  // namespace

int main(int argument_count, char** arguments) {
    // As the program runs: see workers/diffinv.cpp.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
    at::set_num_threads(1);
    const at::NoGradGuard no_grad;
    register_networks(argument_count, arguments);
    benchmark::Initialize(&argument_count, arguments);
    if (benchmark::ReportUnrecognizedArguments(argument_count, arguments)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
