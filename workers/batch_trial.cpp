#include "workers/batch_trial.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "cluster/slurm/slurm_script.h"
#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "pipeline/networks/model.h"
#include "pipeline/samplers/make_sampler.h"
#include "workers/batch_search.h"
#include "workers/device_choice.h"
#include "workers/launch.h"
#include "workers/verdict.h"

namespace workers {

namespace {

/// Of the free memory; the rest is for other methods' tensors, libraries' workspaces and what grows in between.
constexpr double share_of_memory = 0.85;

/// Runs a command and gives what it printed on standard output.
std::string output_of(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) line += cluster::shell_quoted(word) + " ";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(line.c_str(), "r"), pclose);
    if (!pipe) throw jobs::EnvironmentError("batch: auto: the trial cannot be started");
    std::string text;
    std::array<char, 256> piece{};
    while (std::fgets(piece.data(), piece.size(), pipe.get()) != nullptr) text += piece.data();
    return text;
}

/// True where some method of the job asks for the network's gradient.
bool needs_gradient(const jobs::Job& job) {
    return std::ranges::any_of(job.methods, [](const jobs::MethodJob& method) {
        return pipeline::find_method(method.name).cost_per_call > 1;
    });
}

}  // namespace

int planned_batch(const jobs::Job& job, const jobs::Overrides& overrides, bool is_cuda,
                  const std::filesystem::path& folder) {
    if (!folder.empty() && std::filesystem::exists(folder / "plan.json")) {
        return jobs::Campaign::open(folder).plan().batch();
    }
    if (!is_cuda) throw jobs::JobError("batch: auto is found on a GPU; allowed without one is an integer from 1");
    std::vector<std::string> words = {own_program(), "trial"};
    if (!job.file.empty()) words.push_back(job.file.string());
    for (const auto& [name, value] : overrides) words.push_back("--" + name + "=" + value);
    const std::string text = output_of(words);
    int batch = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), batch);
    if (error != std::errc() || batch < 1) {
        throw jobs::EnvironmentError("batch: auto: the trial on the GPU gave no number (its own line says why)");
    }
    return batch;
}

int trial_command(Arguments& arguments) {
    const jobs::Job job = jobs::read_job(arguments.only_word("trial", "a job file"), arguments.options);
    if (!choose_device(job.device, job.precision).is_cuda) throw jobs::EnvironmentError("trial: there is no GPU");
    open_cuda_side();
    pipeline::set_global_precision(job.precision);
    const pipeline::ModelDescription description = pipeline::describe_model(job.model, job.model_preset);
    const auto [height, width] = job.image_size.value_or(std::pair(description.image_size, description.image_size));
    const at::Device device(at::kCUDA, 0);
    const auto model = pipeline::Model::without_weights(description, {device, job.precision});

    c10::DeviceAllocator* const memory = c10::getDeviceAllocator(at::kCUDA);
    const bool with_gradient = needs_gradient(job);
    const auto bytes_of = [&](int batch) -> std::optional<double> {
        memory->emptyCache();
        memory->resetPeakStats(0);
        try {
            // As much again as a step's own tensors take: noise, x̂₀, residual, gradients.
            const at::Tensor images = at::zeros({12, batch, description.network.in_channels, height, width},
                                                at::TensorOptions().dtype(at::kFloat).device(device));
            if (description.network.classes > 0) {
                model->condition_on(at::zeros({batch}, at::TensorOptions().dtype(at::kLong).device(device)));
            }
            for (int repeat = 0; repeat < 2; ++repeat) {
                if (with_gradient) {
                    model->predict_differentiably(images[0], 1).vjp(images[1]);
                } else {
                    model->predict(images[0], 1);
                }
            }
            return static_cast<double>(memory->getDeviceStats(0).reserved_bytes[0].peak);
        } catch (const c10::OutOfMemoryError&) {
            return std::nullopt;
        }
    };
    const auto [free_bytes, all_bytes] = memory->getMemoryInfo(0);
    const double held = static_cast<double>(memory->getDeviceStats(0).reserved_bytes[0].current);
    const std::optional<int> batch =
        find_batch(largest_found_batch, share_of_memory * (static_cast<double>(free_bytes) + held), bytes_of);
    if (!batch) throw jobs::EnvironmentError("batch: auto: the GPU has no room for one image");
    std::cout << *batch << std::endl;
    return exit_done;
}

}  // namespace workers
