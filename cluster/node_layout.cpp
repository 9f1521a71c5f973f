#include "cluster/node_layout.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace cluster {

NodePlace node_place() {
    NodePlace place;
    char name[256] = {};
    if (gethostname(name, sizeof name - 1) == 0) place.host = name;
    if (const char* local = std::getenv("OMPI_COMM_WORLD_LOCAL_RANK")) {
        const std::string_view text(local);
        std::from_chars(text.data(), text.data() + text.size(), place.local_rank);
    }
    place.process = static_cast<int>(getpid());
    return place;
}

int allocated_nodes() {
    int nodes = 1;
    if (const char* given = std::getenv("SLURM_JOB_NUM_NODES")) {
        const std::string_view text(given);
        std::from_chars(text.data(), text.data() + text.size(), nodes);
    }
    return nodes;
}

}  // namespace cluster
