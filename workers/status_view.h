#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "jobs/campaign.h"
#include "jobs/run_progress.h"
#include "workers/slurm_record.h"
#include "workers/status.h"
#include "workers/terminal.h"
#include "workers/verdict.h"

namespace workers {

/// All that can be told of a run from its folder, from any machine that shares it.
struct StatusView {
    std::string state;  ///< "running", "draining", "finished", "incomplete"
    bool is_running = false;
    std::int64_t committed = 0, units = 0, rows = 0;
    std::string plan_digest;
    std::optional<Status> status;  ///< Of the coordinator, where one is at work.
    std::optional<Verdict> verdict;
    jobs::RunProgress progress;
    jobs::TimeLeft left;
    int workers = 0;  ///< That are alive; 1 where nothing runs.
    std::vector<SubmittedJob> slurm_jobs;
};

/// @param campaign  outlives the view
StatusView look_at(const jobs::Campaign& campaign);

/// The view as lines for people.
/// @param most_failures  that are listed; the others are counted
std::vector<std::string> status_lines(const StatusView& view, const Terminal& terminal, std::size_t most_failures = 10);

/// The view as JSON, as docs/status.md describes it.
std::string status_json(const StatusView& view);

/// "3 h 20 min (2 h 50 min to 4 h 10 min)".
std::string time_left_words(const jobs::TimeLeft& left);

}  // namespace workers
