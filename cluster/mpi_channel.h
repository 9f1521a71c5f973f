#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/channel.h"

namespace cluster {

/// The channel between the ranks of MPI_COMM_WORLD, and those that rank 0 starts later. Needs a living MpiEnvironment.
class MpiChannel : public Channel {
  public:
    /// Starts `program` as one more rank, which is known to rank 0 alone, and speaks with it alone. Blocks until the
    /// new process has initialised MPI (0.4 s where nothing is slow). Called by rank 0.
    /// @param program  path and arguments; it must make an MpiEnvironment and a channel with the number it is given
    /// @return its rank: the numbers follow those of the world
    /// @throws MpiError
    virtual int start_rank(const std::function<std::vector<std::string>(int rank)>& program) = 0;
};

/// Every rank of the world makes one. In a process that `start_rank` started it leads to the rank that did.
/// @param number  of a started rank, as `start_rank` gave it; 0 in the world
std::unique_ptr<MpiChannel> mpi_channel(int number = 0);

/// True in a process that `start_rank` started.
bool is_started_rank();

}  // namespace cluster
