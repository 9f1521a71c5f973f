#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace workers {

/// What a worker does just now.
struct WorkerStatus {
    int rank = 0;
    std::string host;
    std::string state;          ///< "loading", "waiting", "working", "left", "dead"
    std::int64_t unit = -1;     ///< −1: none
    double seconds_silent = 0;  ///< Since its last word.
    std::string device = {};    ///< "cpu", "cuda:1 NVIDIA H100 80GB HBM3 GPU-1f3c…"; empty until it has spoken.
};

/// How a run stands: status.json, written by the coordinator every two seconds, read from any shell.
struct Status {
    std::string state;       ///< "running", "draining", "finished", "incomplete"
    std::string launch;      ///< RunSettings::launch.
    std::string host;        ///< Of the coordinator.
    int process = 0;         ///< Of the coordinator, on that host.
    std::int64_t units = 0;  ///< In the plan.
    std::int64_t committed = 0;
    std::int64_t running = 0;
    std::int64_t quarantined = 0;
    double seconds = 0;           ///< Since this coordinator began.
    double units_per_second = 0;  ///< In this run.
    double seconds_left = -1;     ///< By predicted cost; −1: not known yet.
    double time = 0;              ///< When this was written, seconds since the epoch.
    std::vector<WorkerStatus> workers;
};

std::string to_json(const Status& status);
/// Replaces DIR/status.json in one step.
void write_status(const std::filesystem::path& folder, const Status& status);
/// The last one written; nothing where there is none or it cannot be read.
std::optional<Status> read_status(const std::filesystem::path& folder);

/// "412/1800 units, 3.1/s, 7 min left, 2 failed".
std::string progress_line(const Status& status);

/// "rank 2 on node7: cuda:1 NVIDIA H100 80GB HBM3 GPU-1f3c…", for each worker of a GPU whose rank is not in `told`, to
/// which they are added.
std::vector<std::string> new_gpu_lines(const Status& status, std::set<int>& told);

/// "45 s", "7 min", "3 h 20 min".
std::string duration_words(double seconds);

}  // namespace workers
