#pragma once

#include <string>

namespace cluster {

/// Where a rank runs: what a log and a later kill need to know.
struct NodePlace {
    std::string host;
    int local_rank = 0;  ///< Among the ranks of this host, as the launcher counts them; 0 outside an MPI launch.
    int process = 0;     ///< Process id on that host.
};

/// The place of the calling process. Needs no MPI.
NodePlace node_place();

/// Nodes that the batch system has given to this job; 1 outside one.
int allocated_nodes();

}  // namespace cluster
