#pragma once

#include <memory>

#include "cluster/channel.h"

namespace cluster {

/// The channel between the ranks of MPI_COMM_WORLD. Needs a living MpiEnvironment; every rank makes one.
std::unique_ptr<Channel> mpi_channel();

}  // namespace cluster
