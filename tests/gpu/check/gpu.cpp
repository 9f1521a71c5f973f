#include "tests/gpu/check/gpu.h"

#include <ATen/TensorOperators.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ne.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <dlfcn.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "operators/noise_stream.h"
#include "pipeline/networks/model_presets.h"

namespace gpu_check {

namespace {

void* side = nullptr;

[[noreturn]] void leave(const std::string& reason) {
    std::fprintf(stderr, "%s\n", reason.c_str());
    std::fflush(nullptr);
    std::_Exit(4);  // LibTorch 2.11's destructors crash once CUDA is loaded
}

/// Of norms 1, of biases 0, else normals over √fan-in, the last layer's as well: activations keep their size.
void fill(const at::Tensor& parameter, std::uint64_t number) {
    if (parameter.dim() == 1) {
        parameter.zero_();
        return;
    }
    const auto count = parameter.numel();
    const std::uint64_t images[] = {number};
    const at::Tensor values =
        operators::NoiseStream(7).normal({.purpose = operators::Purpose::start}, images, operators::Shape{1, 1, count});
    const double fan_in = static_cast<double>(count) / static_cast<double>(parameter.size(0));
    parameter.copy_(values.view(parameter.sizes()).mul_(0.7 / std::sqrt(fan_in)));
}

}  // namespace

void open_cuda_side() {
    const auto library = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libdiffinv_cuda.so";
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    side = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (side == nullptr) leave(std::string("gpu check: ") + dlerror());
    if (c10::cuda::device_count() < 1) leave("gpu check: there is no GPU");
}

void* cuda_symbol(const char* name) {
    void* found = dlsym(side, name);
    if (found == nullptr) throw std::runtime_error(dlerror());
    return found;
}

std::unique_ptr<pipeline::StepGraph> step_graph() {
    using Make = pipeline::StepGraph* (*)();
    return std::unique_ptr<pipeline::StepGraph>(reinterpret_cast<Make>(cuda_symbol("diffinv_step_graph"))());
}

std::string card_name() {
    const cudaDeviceProp* properties = at::cuda::getCurrentDeviceProperties();
    char text[320];
    std::snprintf(text, sizeof text, "%s (sm_%d%d, %.0f GiB)", properties->name, properties->major, properties->minor,
                  static_cast<double>(properties->totalGlobalMem) / (1 << 30));
    return text;
}

void synchronise() {
    c10::cuda::device_synchronize();
}

double seconds_of(int warm_ups, int times, const std::function<void()>& work) {
    for (int i = 0; i < warm_ups; ++i) work();
    synchronise();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) work();
    synchronise();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / times;
}

double peak_bytes() {
    const auto device = c10::cuda::current_device();
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device);
    c10::cuda::CUDACachingAllocator::resetPeakStats(device);
    return static_cast<double>(stats.reserved_bytes[0].peak);
}

std::unique_ptr<pipeline::Model> random_model(const std::string& preset, pipeline::Precision precision) {
    const auto settings = std::filesystem::temp_directory_path() / ("diffinv-" + preset + ".json");
    std::ofstream(settings) << pipeline::find_model_preset(preset)->flags;
    const pipeline::ModelDescription description = pipeline::describe_guided_diffusion(settings);
    std::filesystem::remove(settings);
    pipeline::set_global_precision(precision);
    auto model = pipeline::Model::without_weights(description, {at::kCUDA, precision});
    const auto shapes = pipeline::parameter_shapes(description.network);
    const std::vector<at::Tensor> parameters = model->parameters();
    std::uint64_t number = 0;
    for (const auto& [name, shape] : shapes) {
        const at::Tensor& parameter = parameters[number++];
        fill(parameter, number);
        if (shape.size() == 1 && name.ends_with(".weight")) parameter.fill_(1);
    }
    return model;
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor wanted = b.cpu().to(at::kDouble).flatten(1), found = a.cpu().to(at::kDouble).flatten(1);
    return ((found - wanted).norm(2, 1) / wanted.norm(2, 1)).max().item<double>();
}

double largest_error(const at::Tensor& a, const at::Tensor& b) {
    return (a.cpu().to(at::kDouble) - b.cpu().to(at::kDouble)).abs().max().item<double>();
}

double differing_bits(const at::Tensor& a, const at::Tensor& b) {
    const auto type = a.element_size() == 2 ? at::kShort : at::kInt;
    return static_cast<double>(
        at::ne(a.cpu().contiguous().view(type), b.cpu().contiguous().view(type)).sum().item<std::int64_t>());
}

}  // namespace gpu_check
