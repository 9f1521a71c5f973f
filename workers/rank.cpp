#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "cluster/mpi_channel.h"
#include "cluster/mpi_environment.h"
#include "cluster/signals.h"
#include "jobs/job_error.h"
#include "workers/ranks.h"

namespace workers {

int run_rank(const std::filesystem::path& folder) {
    // A launcher that is killed takes its ranks along.
    cluster::die_with_parent(SIGKILL, getppid());
    const cluster::MpiEnvironment mpi;
    const std::unique_ptr<cluster::Channel> channel = cluster::mpi_channel();
    if (channel->size() < 2) throw jobs::JobError("rank: this MPI launch has 1 process, expected at least 2");
    if (channel->rank() != 0) {
        run_worker(*channel, folder);
        return exit_done;
    }
    return run_coordinator(*channel, jobs::Campaign::open(folder)).exit_code;
}

}  // namespace workers
