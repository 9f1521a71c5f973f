#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cluster/collective.h"
#include "jobs/sweep_plan.h"
#include "pipeline/networks/placement.h"
#include "pipeline/samplers/step_graph.h"

namespace workers {

/// Where the networks of a run compute, decided once for the whole run by the process that plans it.
struct DeviceChoice {
    bool is_cuda = false;
    std::string words;  ///< "cuda, 2 GPUs (NVIDIA H100 80GB HBM3)"; "cpu (auto: there is no NVIDIA driver …)"
};

/// `auto` takes GPUs where there are some and this program has a CUDA side, and the CPU otherwise. Asks the driver
/// alone, nothing of LibTorch.
/// @throws jobs::EnvironmentError  where `cuda`, or a precision of GPUs, is asked for and there is none
/// @throws jobs::JobError          where a precision of GPUs is asked for with `cpu`
DeviceChoice choose_device(const std::string& device, pipeline::Precision precision);

/// Opens the CUDA side for this process, once.
/// @throws jobs::EnvironmentError
void open_cuda_side();

/// Where one rank computes.
struct RankDevice {
    pipeline::Placement placement;
    std::string words = "cpu";           ///< "cuda:1 NVIDIA H100 80GB HBM3 GPU-1f3c…"
    std::string uuid;                    ///< Of its GPU; empty on the CPU.
    pipeline::StepCapture capture = {};  ///< How this device records steps.
    /// Joins the GPUs of a group of ranks, by NCCL. Null on the CPU.
    std::function<std::unique_ptr<cluster::Collective>(cluster::Collective& host)> make_group;
};

/// The device of this process, the `worker`-th of its host: opens the CUDA side where the plan is for GPUs. Called
/// before anything is done with tensors.
/// @throws jobs::EnvironmentError  where this host lacks what it needs
RankDevice take_device(const jobs::SweepPlan& plan, int worker);

/// False where the device of this process does nothing any more: after some errors a GPU answers only other processes.
bool device_answers(const at::Device& device);

}  // namespace workers
