#include "workers/device_choice.h"

#include <ATen/ops/ones.h>
#include <c10/core/DeviceGuard.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cluster/cuda_devices.h"
#include "cluster/cuda_side.h"
#include "cluster/nccl_collective.h"
#include "jobs/job_error.h"

namespace workers {

namespace {

/// Every wait of the start-up ends by then; the others wait while the first one reads the checkpoint.
constexpr double group_seconds = 300;

/// Why this machine computes on no GPU; nothing where it can.
std::string obstacle(const cluster::CudaDevices& found) {
    if (!found.reason.empty()) return found.reason;
    if (std::filesystem::exists(cluster::CudaSide::beside_program())) return {};
    return "this program was built without its CUDA side";
}

/// Opened once a process.
const cluster::CudaSide& cuda_side() {
    // Read at the first product: with it cuBLAS gives the same bits every time.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    static const cluster::CudaSide side(cluster::CudaSide::beside_program(), DIFFINV_VERSION);
    return side;
}

}  // namespace

DeviceChoice choose_device(const std::string& device, pipeline::Precision precision) {
    const std::string word(pipeline::to_string(precision));
    const bool needs_gpu = precision != pipeline::Precision::float32;
    if (device == "cpu") {
        if (needs_gpu) throw jobs::JobError("precision: " + word + " with device = cpu; allowed there is float32");
        return {false, "cpu"};
    }
    const cluster::CudaDevices found = cluster::find_cuda_devices();
    const std::string reason = obstacle(found);
    if (!reason.empty()) {
        if (device == "cuda") throw jobs::EnvironmentError("device: cuda, but " + reason + "; use cpu or auto");
        if (needs_gpu) throw jobs::EnvironmentError("precision: " + word + " needs a GPU, but " + reason);
        return {false, "cpu (auto: " + reason + ")"};
    }
    const std::size_t count = found.devices.size();
    return {true, "cuda, " + std::to_string(count) + (count == 1 ? " GPU (" : " GPUs (") + found.devices[0].name + ")"};
}

void open_cuda_side() {
    try {
        static_cast<void>(cuda_side());
    } catch (const cluster::CudaSideError& error) {
        throw jobs::EnvironmentError(error.what());
    }
}

RankDevice take_device(const jobs::SweepPlan& plan, int worker) {
    if (plan.device() != "cuda") return {};
    try {
        const cluster::CudaDevices found = cluster::find_cuda_devices();
        if (found.devices.empty()) throw cluster::CudaSideError("device: cuda, but " + found.reason);
        const cluster::CudaSide& side = cuda_side();
        const cluster::CudaDevice& device = found.devices[static_cast<std::size_t>(
            cluster::device_of_worker(worker, static_cast<int>(found.devices.size())))];
        RankDevice taken;
        taken.placement = {c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(device.index)), plan.precision()};
        taken.words = "cuda:" + std::to_string(device.index) + " " + device.name + " " + device.uuid;
        taken.uuid = device.uuid;
        c10::impl::getDeviceGuardImpl(c10::kCUDA)->setDevice(taken.placement.device);
        pipeline::set_global_precision(plan.precision());
        using Make = pipeline::StepGraph* (*)();
        const auto make = reinterpret_cast<Make>(side.symbol("diffinv_step_graph"));
        taken.capture.make = [make] { return std::unique_ptr<pipeline::StepGraph>(make()); };
        const auto join = reinterpret_cast<cluster::MakeNcclCollective>(side.symbol(cluster::nccl_collective_symbol));
        taken.make_group = [join, index = device.index](cluster::Collective& host) {
            return std::unique_ptr<cluster::Collective>(join(host, index, group_seconds));
        };
        return taken;
    } catch (const cluster::CudaSideError& error) {
        throw jobs::EnvironmentError(error.what());
    }
}

bool device_answers(const at::Device& device) {
    if (device.is_cpu()) return true;
    try {
        return at::ones({1}, at::TensorOptions().device(device)).item<float>() == 1;
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace workers
