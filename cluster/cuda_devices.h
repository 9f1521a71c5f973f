#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cluster {

/// A GPU as its driver describes it.
struct CudaDevice {
    int index = 0;
    std::string name;               ///< "NVIDIA H100 80GB HBM3"
    std::string uuid;               ///< "GPU-1f3c…", as nvidia-smi writes it.
    std::int64_t memory_bytes = 0;  ///< In all.
    int major = 0, minor = 0;       ///< Compute capability.
};

/// The GPUs of this machine, or one line on why there is none.
struct CudaDevices {
    std::vector<CudaDevice> devices;
    std::string reason;  ///< Empty where there is a device.
};

/// Asks the driver alone: LibTorch is not touched, and without a driver nothing is loaded. CUDA_VISIBLE_DEVICES counts.
/// @param driver  its library's name, for tests
CudaDevices find_cuda_devices(const std::string& driver = "libcuda.so.1");

/// Which of `devices` GPUs the `worker`-th worker of a host takes, 0, 1, …: one each in turn, and again from the first
/// where there are more workers.
/// @throws std::invalid_argument  without devices
int device_of_worker(int worker, int devices);

}  // namespace cluster
