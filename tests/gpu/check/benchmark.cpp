// What a step costs with the architecture of ffhq_10m (93.6 million parameters, random weights) at 256², and what each
// measure gains: see docs/gpu.md.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <c10/cuda/CUDACachingAllocator.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "operators/make_operator.h"
#include "operators/measurement_noise.h"
#include "pipeline/networks/kernels/group_norm_silu.h"
#include "pipeline/networks/kernels/kernel_choice.h"
#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/run_sampler.h"
#include "tests/gpu/check/gpu.h"
#include "tests/gpu/check/record.h"

namespace gpu_check {
namespace {

using pipeline::KernelChoice;
using pipeline::Precision;

constexpr int timed_steps = 20;
constexpr int untimed_steps = 4;
const operators::Shape ffhq_shape{3, 256, 256};
double begun = 0;

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// One way to run a step.
struct Variant {
    std::string name;
    Precision precision = Precision::float32;
    KernelChoice kernels = {};
    bool is_captured = false;
};

/// Seconds of one step of the method for the batch.
double step_seconds(pipeline::Model& model, const std::string& method, std::int64_t batch, bool is_captured) {
    std::vector<std::uint64_t> images;
    for (std::int64_t i = 0; i < batch; ++i) images.push_back(static_cast<std::uint64_t>(i));
    const auto schedule = pipeline::NoiseSchedule::linear(1000).respaced(
        pipeline::space_timesteps(1000, std::to_string(timed_steps + untimed_steps)));
    const operators::NoiseStream stream(1);
    const pipeline::KeyedNoise noise(stream, images, std::vector<std::uint32_t>(images.size(), 0), ffhq_shape,
                                     at::kCUDA);
    const operators::OperatorEntry& entry = operators::find_operator("random");
    operators::Settings settings = operators::Settings::defaults(entry.options);
    if (entry.resolve != nullptr) entry.resolve(settings, ffhq_shape);
    operators::Parameters parameters = entry.draw(settings, ffhq_shape, stream, images);
    for (auto& [name, value] : parameters) value = value.to(at::kCUDA);
    const at::Tensor y = noise.normal(operators::Purpose::measurement, 0, 0);
    const pipeline::SamplingProblem problem{.schedule = schedule,
                                            .predictor = model,
                                            .noise = noise,
                                            .variance = pipeline::VarianceKind::learned_range,
                                            .measurement = {y, entry.make(settings, ffhq_shape, parameters), 0.05},
                                            .device = at::kCUDA};
    const pipeline::MethodEntry& method_entry = pipeline::find_method(method);
    operators::Settings own = operators::Settings::defaults(method_entry.options);
    if (method_entry.resolve != nullptr) {
        method_entry.resolve(own, {.operator_name = "random", .steps = 1000, .original_steps = 1000});
    }
    const auto sampler = method_entry.make(own, problem);
    pipeline::StepCapture capture;
    if (is_captured) {
        capture.make = step_graph;
        capture.on_refusal = [](const std::string& reason) { throw std::runtime_error("refused: " + reason); };
    }
    double began = 0;
    const pipeline::SamplingResult result = pipeline::run_sampler(
        *sampler,
        [&](int done, int) {
            if (done != untimed_steps) return;
            synchronise();
            began = now();
        },
        capture);
    synchronise();
    const double seconds = (now() - began) / timed_steps;
    if (std::ranges::count(result.diverged, true) > 0) throw std::runtime_error("rows diverged: numbers mean nothing");
    return seconds;
}

class Bench {
  public:
    Bench(Record& record, std::filesystem::path json, std::string card)
        : record_(record), json_(std::move(json)), card_(std::move(card)) {}

    void measure_machine() {
        // Of drawn numbers: ones would take less power, and the card would clock higher.
        const std::uint64_t one[] = {1};
        const at::Tensor a = operators::NoiseStream(2)
                                 .normal({.purpose = operators::Purpose::start}, one, {1, 8192, 8192})
                                 .view({8192, 8192})
                                 .to(at::kCUDA)
                                 .to(at::kBFloat16);
        matmul_rate_ = 2 * 8192.0 * 8192.0 * 8192.0 / seconds_of(5, 20, [&] { at::matmul(a, a); });
        record_.figure("machine", "bf16 matmul 8192³", matmul_rate_ / 1e12, "TFLOP/s");
        const at::Tensor from = at::zeros({1 << 28}, at::TensorOptions(at::kCUDA).dtype(at::kFloat));
        const at::Tensor to = at::empty_like(from);
        copy_rate_ = 2.0 * static_cast<double>(from.nbytes()) / seconds_of(3, 10, [&] { to.copy_(from); });
        record_.figure("machine", "copy on the device, read and written", copy_rate_ / 1e9, "GB/s");
    }

    void measure_norms() {
        const c10::NoGradGuard no_gradient;
        for (const auto& [images, channels, side] :
             {std::array<std::int64_t, 3>{8, 128, 256}, {8, 256, 64}, {8, 512, 16}, {1, 128, 256}, {1, 512, 16}}) {
            const auto options = at::TensorOptions(at::kCUDA).dtype(at::kBFloat16);
            const at::Tensor x =
                at::ones({images, channels, side, side}, options).contiguous(at::MemoryFormat::ChannelsLast);
            const at::Tensor weight = at::ones({images, channels}, options.dtype(at::kFloat));
            const double seconds = seconds_of(10, 100, [&] { pipeline::group_norm_silu(x, weight, weight, 32, 1e-5); });
            // Read for the statistics, read again, written.
            const double floor = 3.0 * static_cast<double>(x.nbytes()) / copy_rate_;
            record_.figure("norm", name_of(images, channels, side), seconds * 1e6, "µs");
            record_.figure("norm", name_of(images, channels, side) + " against its bytes", seconds / floor, "times");
        }
    }

    void measure(const Variant& variant, const std::string& method, std::int64_t batch) {
        const std::string name = method + " batch " + std::to_string(batch) + ", " + variant.name;
        if (now() - begun > 240) return record_.failure("step", name + ": no time was left");
        run_group(record_, "step", [&] {
            pipeline::kernel_choice() = variant.kernels;
            use(variant);
            peak_bytes();
            double seconds = 0;
            try {
                seconds = step_seconds(*model_, method, batch, variant.is_captured);
            } catch (const c10::OutOfMemoryError&) {
                return record_.figure("memory", name + ": does not fit", peak_bytes() / (1 << 30), "GiB");
            }
            record_.figure("step", name, seconds / static_cast<double>(batch), "s/image/step");
            record_.figure("chain", name, 1000 * seconds / static_cast<double>(batch), "s/image of 1000");
            const double passes = method == "dps" ? 2 : 1;
            const double flop =
                passes * static_cast<double>(batch) * pipeline::forward_flop(model_->description().network, 256, 256);
            record_.figure("share", name, flop / seconds / matmul_rate_, "of matmul");
            record_.figure("memory", name, peak_bytes() / (1 << 30), "GiB");
        });
        record_.write_json(json_, card_);
        c10::cuda::CUDACachingAllocator::emptyCache();
    }

  private:
    static std::string name_of(std::int64_t images, std::int64_t channels, std::int64_t side) {
        return "norm+silu bf16 [" + std::to_string(images) + ", " + std::to_string(channels) + ", " +
               std::to_string(side) + "²]";
    }

    /// The network in the variant's precision and layout.
    void use(const Variant& variant) {
        const std::string key =
            std::string(pipeline::to_string(variant.precision)) + (variant.kernels.channels_last ? "last" : "first");
        if (key == made_) return;
        model_.reset();
        model_ = random_model("ffhq_10m", variant.precision);
        made_ = key;
    }

    Record& record_;
    std::filesystem::path json_;
    std::string card_;
    double matmul_rate_ = 1, copy_rate_ = 1;
    std::unique_ptr<pipeline::Model> model_;
    std::string made_;
};

int run(const std::filesystem::path& json) {
    begun = now();
    open_cuda_side();
    const std::string card = card_name();
    std::printf("%s\n", card.c_str());
    Record record;
    Bench bench(record, json, card);
    run_group(record, "machine", [&] { bench.measure_machine(); });
    run_group(record, "norm", [&] { bench.measure_norms(); });

    // One measure after the other.
    const KernelChoice none{false, false, false}, last{true, false, false}, fused{true, true, false}, all{};
    const Variant best{"all, captured", Precision::bfloat16, all, true};
    const Variant eager{"eager bfloat16", Precision::bfloat16, none, false};
    for (const Variant& variant :
         {Variant{"eager float32", Precision::float32, none}, Variant{"eager tf32", Precision::tf32, none}, eager,
          Variant{"+ channels_last", Precision::bfloat16, last}, Variant{"+ fused norms", Precision::bfloat16, fused},
          Variant{"+ frozen convolution", Precision::bfloat16, all}, best}) {
        bench.measure(variant, "dps", 8);
    }
    bench.measure(eager, "dps", 1);
    for (const std::int64_t batch : {1, 16, 32, 64}) bench.measure(best, "dps", batch);
    std::int64_t best_batch = 8;
    for (const std::int64_t batch : {1, 8, 16, 32, 64}) {
        const auto share = [&](std::int64_t of) {
            return record.value("share", "dps batch " + std::to_string(of) + ", " + best.name);
        };
        if (share(batch) > share(best_batch)) best_batch = batch;
    }
    for (const char* method : {"ddpm", "score_ald"}) bench.measure(best, method, best_batch);
    record.figure(
        "targets", "dps at batch 1, eager bfloat16 over best",
        record.value("step", "dps batch 1, eager bfloat16") / record.value("step", "dps batch 1, " + best.name),
        "times");
    record.figure("targets", "best share of the matmul rate",
                  record.value("share", "dps batch " + std::to_string(best_batch) + ", " + best.name), "of matmul");
    record.write_json(json, card);
    return record.is_good() ? 0 : 1;
}

}  // namespace
}  // namespace gpu_check

int main(int count, char** words) {
    if (count != 2) {
        std::fprintf(stderr, "usage: gpu_benchmark OUT.json\n");
        return 2;
    }
    const int exit_code = gpu_check::run(words[1]);
    std::fflush(nullptr);
    // LibTorch 2.11's destructors crash once CUDA is loaded.
    std::_Exit(exit_code);
}
