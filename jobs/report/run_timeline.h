#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace jobs {

/// A worker of a run: a rank of one journal.
struct TimelineWorker {
    std::string journal;  ///< "journal.jsonl" of the coordinator, or a shard's own.
    int rank = 0;
    std::string host, device;  ///< As it last said.
};

/// One attempt at a unit, or several finished ones in a row.
struct WorkSpan {
    std::size_t worker = 0;
    double begin = 0, end = 0;  ///< Seconds since the epoch.
    std::string kind;           ///< committed, failed, died, released, open (nothing closed it)
    std::int64_t unit = -1;     ///< The first, where there are several.
    std::int64_t units = 1;
    int attempt = 1;  ///< Counted from 1 for each unit.
    std::string reason = {};
};

struct QuarantinedUnit {
    std::int64_t unit = 0;
    std::string reason;
};

/// Who did what when, from the journals of a run.
struct RunTimeline {
    std::vector<TimelineWorker> workers;
    std::vector<WorkSpan> spans;  ///< By worker, in time.
    std::vector<double> starts;   ///< When coordinators or shards began.
    std::vector<QuarantinedUnit> quarantined;
    std::int64_t attempts = 0;       ///< Of all kinds.
    std::int64_t lost_attempts = 0;  ///< Failed or died.
    double lost_seconds = 0;         ///< In them.
    bool is_coarse = false;          ///< Neighbours were joined to keep to the limit.
};

/// @param most_spans  more are joined: finished units that follow one another, those that are closest first
/// @throws EnvironmentError  where the folder cannot be listed
RunTimeline read_timeline(const std::filesystem::path& folder, std::size_t most_spans = 3000);

}  // namespace jobs
