#include "cluster/cuda_devices.h"

#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace cluster {

namespace {

/// The functions of the driver that are asked, by the names and types of its interface.
class Driver {
  public:
    explicit Driver(void* library) : library_(library) {}

    template <class... Arguments>
    int operator()(const char* name, Arguments... arguments) const {
        using Function = int (*)(Arguments...);
        const auto function = reinterpret_cast<Function>(dlsym(library_, name));
        if (function == nullptr) throw std::runtime_error(std::string("the NVIDIA driver has no ") + name);
        const int code = function(arguments...);
        if (code != 0) throw std::runtime_error(std::string(name) + ": " + words(code));
        return code;
    }

  private:
    /// "100 CUDA_ERROR_NO_DEVICE"
    std::string words(int code) const {
        const auto name_of = reinterpret_cast<int (*)(int, const char**)>(dlsym(library_, "cuGetErrorName"));
        const char* name = nullptr;
        if (name_of != nullptr) name_of(code, &name);
        return std::to_string(code) + (name == nullptr ? "" : std::string(" ") + name);
    }

    void* library_;
};

std::string uuid_words(const std::array<unsigned char, 16>& bytes) {
    std::string text = "GPU-";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
        text += digits;
    }
    return text;
}

CudaDevice describe(const Driver& driver, int index) {
    // Attributes of a device, by their numbers in the driver's interface.
    constexpr int compute_capability_major = 75, compute_capability_minor = 76;
    int handle = 0;
    driver("cuDeviceGet", &handle, index);
    std::array<char, 256> name = {};
    driver("cuDeviceGetName", name.data(), static_cast<int>(name.size()) - 1, handle);
    std::array<unsigned char, 16> uuid = {};
    driver("cuDeviceGetUuid_v2", uuid.data(), handle);  // of a part, where a GPU is divided
    std::size_t bytes = 0;
    driver("cuDeviceTotalMem_v2", &bytes, handle);
    CudaDevice device{.index = index,
                      .name = name.data(),
                      .uuid = uuid_words(uuid),
                      .memory_bytes = static_cast<std::int64_t>(bytes)};
    driver("cuDeviceGetAttribute", &device.major, compute_capability_major, handle);
    driver("cuDeviceGetAttribute", &device.minor, compute_capability_minor, handle);
    return device;
}

}  // namespace

CudaDevices find_cuda_devices(const std::string& driver) {
    // Never closed: a driver that was initialised may have threads.
    void* library = dlopen(driver.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return {{}, "there is no NVIDIA driver (" + driver + " was not found)"};
    CudaDevices found;
    try {
        const Driver ask(library);
        ask("cuInit", 0U);
        int count = 0;
        ask("cuDeviceGetCount", &count);
        for (int index = 0; index < count; ++index) found.devices.push_back(describe(ask, index));
        if (count == 0) found.reason = "the NVIDIA driver finds no GPU";
    } catch (const std::runtime_error& error) {
        found = {{}, std::string("the NVIDIA driver finds no GPU (") + error.what() + ")"};
    }
    return found;
}

int device_of_worker(int worker, int devices) {
    if (worker < 0 || devices < 1) {
        throw std::invalid_argument("device of worker " + std::to_string(worker) + " of " + std::to_string(devices) +
                                    " devices: there is none");
    }
    return worker % devices;
}

}  // namespace cluster
