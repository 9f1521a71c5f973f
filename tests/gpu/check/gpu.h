#pragma once

#include <functional>
#include <memory>
#include <string>

#include "pipeline/networks/model.h"
#include "pipeline/samplers/step_graph.h"

namespace gpu_check {

/// Opens the CUDA side beside the program, before anything else of LibTorch. Ends the process with exit code 4 and one
/// line where there is none, or no GPU.
void open_cuda_side();
/// A function of the CUDA side.
void* cuda_symbol(const char* name);
std::unique_ptr<pipeline::StepGraph> step_graph();

/// "NVIDIA H100 80GB HBM3 (sm_90, 79 GiB)".
std::string card_name();

void synchronise();
/// Mean seconds of one call of `work`, after `warm_ups` of them.
double seconds_of(int warm_ups, int times, const std::function<void()>& work);
/// Bytes that were held for tensors and captured steps at most since the last call.
double peak_bytes();

/// A network of these settings with random weights of a trained network's size on the GPU.
std::unique_ptr<pipeline::Model> random_model(const std::string& preset, pipeline::Precision precision);

/// ‖a − b‖/‖b‖ of the worst row, in double, on the CPU.
double relative_error(const at::Tensor& a, const at::Tensor& b);
/// The largest |a − b|.
double largest_error(const at::Tensor& a, const at::Tensor& b);
/// Elements whose bits differ.
double differing_bits(const at::Tensor& a, const at::Tensor& b);

}  // namespace gpu_check
