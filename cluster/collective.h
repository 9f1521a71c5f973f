#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace cluster {

/// Operations that every rank of a group takes part in. Used at start-up alone and destroyed before sampling, so that a
/// later death cannot hang one.
class Collective {
  public:
    virtual ~Collective() = default;
    virtual int rank() const = 0;
    virtual int size() const = 0;
    /// For logs: "MPI", "NCCL 2.28.3".
    virtual std::string name() const = 0;
    /// True where the tensors of a broadcast lie on GPUs, false where they lie on the CPU.
    virtual bool takes_device_tensors() const { return false; }
    /// The root's values reach every rank's tensors. Same shapes and dtypes everywhere, called by every rank of the
    /// group.
    virtual void broadcast(const std::vector<at::Tensor>& tensors, int root) = 0;
    virtual std::uint64_t all_reduce_minimum(std::uint64_t value) = 0;
    virtual std::uint64_t all_reduce_maximum(std::uint64_t value) = 0;
};

/// A group of one: broadcasts and reductions that have nothing to do.
std::unique_ptr<Collective> lone_collective();

/// 64-bit checksum over order, shapes and bytes of the tensors: equal for equal replicas, on whatever device and in
/// whatever memory layout they are. A tensor's is Σ word_i (2i + 1) w modulo 2⁶⁴ over its 32-bit words, w odd; computed
/// where the tensor lies.
std::uint64_t checksum(const std::vector<at::Tensor>& tensors);
/// The same value by the operations that are used on devices, whatever the tensors are on.
std::uint64_t checksum_as_on_device(const std::vector<at::Tensor>& tensors);

}  // namespace cluster
