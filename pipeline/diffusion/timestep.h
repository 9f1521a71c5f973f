#pragma once

#include <optional>
#include <stdexcept>
#include <utility>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// A timestep on the checkpoint's scale 0 … T−1, real: a number, or a place on the device where kernels read it when
/// they run, so that a step which was captured once can be replayed at every level.
class Timestep {
  public:
    Timestep(double value) : value_(value) {}
    /// @param place  one float64, 0-dim, on the network's device
    static Timestep on_device(at::Tensor place) {
        Timestep timestep(0);
        timestep.place_ = std::move(place);
        return timestep;
    }

    bool is_on_device() const { return place_.defined(); }
    const at::Tensor& place() const { return place_; }

    /// @throws std::logic_error  where it lies on a device: reading it there would wait for it
    double value() const {
        if (!is_on_device()) return value_;
        if (!place_.is_cpu()) throw std::logic_error("Timestep: is read on the host, but lies on a device");
        return place_.item<double>();
    }

  private:
    double value_ = 0;
    at::Tensor place_;
};

}  // namespace pipeline
