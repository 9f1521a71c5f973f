#pragma once

#include <memory>

#include "cluster/collective.h"

namespace cluster {

/// A group of its own over ranks first … size−1 of MPI_COMM_WORLD, by MPI on the CPU; the others take no part. Every
/// rank of the group makes one at the same point of the program; its communicator ends with it.
///
/// Ranks are counted within the group: `first` is its rank 0. Tensors must be contiguous and on the CPU.
std::unique_ptr<Collective> mpi_collective(int first);

}  // namespace cluster
