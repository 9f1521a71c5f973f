#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "cluster/mpi_channel.h"
#include "cluster/mpi_environment.h"
#include "cluster/signals.h"
#include "jobs/job_error.h"
#include "workers/launch.h"
#include "workers/ranks.h"
#include "workers/start_watch.h"
#include "workers/verdict.h"

namespace workers {

std::vector<std::string> rank_command_words(const RankTask& task) {
    std::vector<std::string> words = {own_program(), "rank", task.folder.string()};
    for (std::string& word : task.settings.to_words()) words.push_back(std::move(word));
    if (task.number > 0) {
        for (const std::string& word : {std::string("--number"), std::to_string(task.number), std::string("--place"),
                                        std::to_string(task.place)}) {
            words.push_back(word);
        }
    }
    return words;
}

namespace {

constexpr double least_patience_seconds = 10;

/// Ends a coordinator that waits for a worker which does not come; the launching program starts all ranks again.
[[noreturn]] void leave_stuck(const RankTask& task, double seconds) {
    try {
        write_verdict(task.folder,
                      {.exit_code = exit_incomplete,
                       .reason = "a worker that was started did not join within " + duration_words(seconds),
                       .launch = task.settings.launch,
                       .may_start_again = true});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "diffinv: no verdict: %s\n", error.what());
    }
    std::_Exit(exit_incomplete);
}

}  // namespace

int run_rank(const RankTask& task) {
    // A launcher that is killed takes its ranks along.
    cluster::die_with_parent(SIGKILL, getppid());
    const cluster::MpiEnvironment mpi;
    const std::unique_ptr<cluster::MpiChannel> channel = cluster::mpi_channel(task.number);
    if (channel->size() < 2) throw jobs::JobError("rank: this MPI launch has 1 process, expected at least 2");
    if (channel->rank() != 0) {
        run_worker(*channel, task);
        return exit_done;
    }
    CoordinatorMeans means;
    // Workers are replaced on one machine only, where a rank is its place too.
    std::map<int, int> place_of_later;
    means.start_worker = [&](int dead) {
        // One that ends before it has joined would keep this rank waiting for ever.
        const double patience = std::max(least_patience_seconds, task.settings.silence_seconds);
        const StartWatch watch(patience, [&task, patience] { leave_stuck(task, patience); });
        const int place = place_of_later.contains(dead) ? place_of_later.at(dead) : dead;
        const int started = channel->start_rank([&](int rank) {
            RankTask later = task;
            later.number = rank;
            later.place = place;
            return rank_command_words(later);
        });
        place_of_later[started] = place;
        return started;
    };
    return run_coordinator(*channel, task, means).exit_code;
}

}  // namespace workers
