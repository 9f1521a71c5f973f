// Where the time of a DPS step goes, kernel by kernel, as the device's own tracing sees it.
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "operators/noise_stream.h"
#include "tests/gpu/check/gpu.h"

namespace gpu_check {
namespace {

struct KernelTime {
    double seconds = 0;
    int calls = 0;
};

std::map<std::string, KernelTime> traced(const std::function<void()>& work) {
    namespace profiler = torch::autograd::profiler;
    const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
    const std::set<torch::profiler::impl::ActivityType> activities = {torch::profiler::impl::ActivityType::CPU,
                                                                      torch::profiler::impl::ActivityType::CUDA};
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities);
    work();
    synchronise();
    const auto result = profiler::disableProfiler();
    std::map<std::string, KernelTime> kernels;
    for (const auto& event : result->events()) {
        if (event.deviceType() != at::kCUDA) continue;
        KernelTime& kernel = kernels[event.name()];
        kernel.seconds += static_cast<double>(event.endNs() - event.startNs()) * 1e-9;
        ++kernel.calls;
    }
    return kernels;
}

int run(std::int64_t batch) {
    open_cuda_side();
    std::printf("%s, batch %lld, bfloat16: network and its gradient\n", card_name().c_str(),
                static_cast<long long>(batch));
    const auto model = random_model("ffhq_10m", pipeline::Precision::bfloat16);
    std::vector<std::uint64_t> images(static_cast<std::size_t>(batch), 1);
    const at::Tensor x =
        operators::NoiseStream(1).normal({.purpose = operators::Purpose::start}, images, {3, 256, 256}).to(at::kCUDA);
    const auto step = [&] { model->predict_differentiably(x, 500).vjp(x); };
    for (int warm_up = 0; warm_up < 3; ++warm_up) step();
    synchronise();
    const auto kernels = traced(step);
    std::vector<std::pair<std::string, KernelTime>> sorted(kernels.begin(), kernels.end());
    std::ranges::sort(sorted, [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
    double total = 0;
    for (const auto& [name, kernel] : sorted) total += kernel.seconds;
    std::printf("%10s %6s %6s  kernel\n", "ms", "share", "calls");
    for (const auto& [name, kernel] : sorted) {
        std::printf("%10.3f %5.1f%% %6d  %.150s\n", kernel.seconds * 1e3, 100 * kernel.seconds / total, kernel.calls,
                    name.c_str());
    }
    std::printf("%10.3f 100.0%%         all kernels\n", total * 1e3);
    return sorted.empty() ? 1 : 0;
}

}  // namespace
}  // namespace gpu_check

int main(int count, char** words) {
    const int exit_code = gpu_check::run(count > 1 ? std::atoll(words[1]) : 8);
    std::fflush(nullptr);
    // LibTorch 2.11's destructors crash once CUDA is loaded.
    std::_Exit(exit_code);
}
