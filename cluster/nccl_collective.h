#pragma once

#include <string>

#include "cluster/collective.h"

namespace cluster {

/// The collective of GPUs, by raw NCCL over the ranks of `host`, which lends its broadcast for NCCL's unique id; in the
/// CUDA side, where it is found under the name `diffinv_nccl_collective`. Tensors are on this rank's device; a
/// broadcast travels in flat buffers of one dtype and at most 256 MB, or of one larger tensor.
///
/// The communicator is non-blocking: every wait looks for NCCL's errors and ends at the deadline, whatever happened to
/// the other ranks. A failure aborts the communicator and names rank, device and NCCL's text. It ends with the object,
/// which is destroyed before sampling.
/// @param device           index of this rank's GPU, which no other rank of the group may have: see `share_a_device`
/// @param timeout_seconds  of every single wait
/// @return owned by the caller
/// @throws std::runtime_error
using MakeNcclCollective = Collective* (*)(Collective& host, int device, double timeout_seconds);
inline constexpr const char* nccl_collective_symbol = "diffinv_nccl_collective";

/// True where two ranks of the group compute on one GPU, which NCCL refuses. Called by every rank of the group.
/// @param uuid  of this rank's GPU
bool share_a_device(Collective& host, const std::string& uuid);

/// `host`'s broadcast of tensors that lie on devices, by way of the CPU.
void broadcast_by_host(Collective& host, const std::vector<at::Tensor>& tensors, int root);

}  // namespace cluster
