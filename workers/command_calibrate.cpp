#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "cluster/cuda_devices.h"
#include "jobs/job_error.h"
#include "operators/noise_stream.h"
#include "pipeline/data/file_error.h"
#include "pipeline/networks/model.h"
#include "workers/clock.h"
#include "workers/commands.h"
#include "workers/costs_file.h"
#include "workers/device_choice.h"
#include "workers/run_settings.h"
#include "workers/verdict.h"

namespace workers {

namespace {

/// So long at least is measured, so often at most.
constexpr double least_seconds = 2;
constexpr std::size_t most_repeats = 50, fewest_repeats = 3;

/// Median of a call, after two that are not counted: libraries choose their algorithms and take their memory.
double median_seconds(const std::function<void()>& call) {
    call();
    call();
    std::vector<double> seconds;
    double all = 0;
    while (seconds.size() < fewest_repeats || (all < least_seconds && seconds.size() < most_repeats)) {
        const auto begin = std::chrono::steady_clock::now();
        call();
        seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        all += seconds.back();
    }
    std::ranges::sort(seconds);
    return seconds[seconds.size() / 2];
}

int whole_number(Arguments& arguments, const std::string& name, int standard, int highest) {
    const std::string expected = "an integer from 1 to " + std::to_string(highest);
    return static_cast<int>(take_number(arguments, name, 1, highest, true, expected).value_or(standard));
}

}  // namespace

int calibrate_command(Arguments& arguments) {
    const std::string where = arguments.only_word("calibrate", "a model");
    const std::string preset = arguments.take("model-preset").value_or("");
    const std::string device_word = arguments.take("device").value_or("auto");
    const std::string precision_word = arguments.take("precision").value_or("float32");
    if (device_word != "auto" && device_word != "cpu" && device_word != "cuda") {
        throw jobs::JobError("device: '" + pipeline::printable(device_word) + "', expected one of auto, cpu, cuda");
    }
    pipeline::Precision precision = pipeline::Precision::float32;
    try {
        precision = pipeline::parse_precision(precision_word);
    } catch (const std::invalid_argument& error) {
        throw jobs::JobError(std::string("precision: ") + error.what());
    }
    pipeline::ModelDescription description;
    try {
        description = pipeline::describe_model(where, preset);
    } catch (const pipeline::CheckpointError& error) {
        throw jobs::JobError(error.what());
    }
    const int side = whole_number(arguments, "image-size", description.image_size, 4096);
    const int multiple = description.network.size_multiple();
    if (side % multiple != 0) {
        throw jobs::JobError("image-size: " + std::to_string(side) +
                             ": the network cannot take it; allowed: multiples of " + std::to_string(multiple));
    }
    const int batch = whole_number(arguments, "batch", 8, 65536);
    const int threads = whole_number(arguments, "threads", 1, 1024);
    arguments.expect_no_options("calibrate");

    const DeviceChoice choice = choose_device(device_word, precision);
    if (choice.is_cuda) open_cuda_side();
    at::set_num_threads(threads);
    pipeline::set_global_precision(precision);
    const at::Device device = choice.is_cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
    pipeline::Model model(description, {device, precision});
    if (description.network.classes > 0) {
        model.condition_on(at::zeros({batch}, at::TensorOptions().dtype(at::kLong).device(device)));
    }
    std::vector<std::uint64_t> images;
    for (int image = 0; image < batch; ++image) images.push_back(static_cast<std::uint64_t>(image));
    const at::NoGradGuard no_grad;
    const at::Tensor x = operators::NoiseStream(0)
                             .normal({.purpose = operators::Purpose::start}, images,
                                     {description.network.in_channels, side, side}, at::kCPU)
                             .to(device);
    const int t = description.timesteps / 2;
    // A value that is read waits for the device.
    const double forward = median_seconds([&] { static_cast<void>(model.predict(x, t).epsilon.sum().item<float>()); });
    const double gradient =
        median_seconds([&] { static_cast<void>(model.predict_differentiably(x, t).vjp(x).sum().item<float>()); });

    const std::string name =
        choice.is_cuda ? "cuda " + cluster::find_cuda_devices().devices.at(0).name : "cpu " + processor_name();
    const MeasuredCost cost{.network = network_digest(pipeline::settings_text(description)),
                            .device = name,
                            .precision = std::string(pipeline::to_string(precision)),
                            .height = side,
                            .width = side,
                            .batch = batch,
                            .threads = threads,
                            .forward_seconds = forward / batch,
                            .gradient_seconds = gradient / batch,
                            .time = epoch_seconds()};
    const double flop = pipeline::forward_flop(description.network, side, side) * batch;
    char line[256];
    std::snprintf(line, sizeof line,
                  "%dx%d, batch %d, %d %s: %.4g s an image for a network call (%.0f GFLOP/s), %.4g s with its gradient "
                  "(%.0f GFLOP/s)\n",
                  side, side, batch, threads, threads == 1 ? "thread" : "threads", cost.forward_seconds,
                  flop / forward / 1e9, cost.gradient_seconds, 2 * flop / gradient / 1e9);
    std::cout << pipeline::printable(name) << ", " << cost.precision << "\n"
              << line << pipeline::printable(store_cost(cost).string()) << "\n";
    return exit_done;
}

}  // namespace workers
