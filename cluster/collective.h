#pragma once

#include <cstdint>
#include <memory>
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
    /// The root's values reach every rank's tensors. Same shapes and dtypes everywhere, called by every rank of the
    /// group.
    virtual void broadcast(const std::vector<at::Tensor>& tensors, int root) = 0;
    virtual std::uint64_t all_reduce_minimum(std::uint64_t value) = 0;
    virtual std::uint64_t all_reduce_maximum(std::uint64_t value) = 0;
};

/// A group of one: broadcasts and reductions that have nothing to do.
std::unique_ptr<Collective> lone_collective();

/// Fletcher-like 64-bit checksum over names' order, shapes and bytes of the tensors: equal for equal replicas.
std::uint64_t checksum(const std::vector<at::Tensor>& tensors);

}  // namespace cluster
