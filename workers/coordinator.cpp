#include "workers/coordinator.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "workers/message.h"

namespace workers {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration<double>(b - a).count();
}

double seconds_since_epoch() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What the coordinator knows of one worker.
struct WorkerView {
    std::string host, device;
    Clock::time_point last_heard;
    std::int64_t unit = -1;
    bool is_waiting = false;  ///< Asked for a unit and has no answer yet.
    bool has_left = false;    ///< Was told to stop.
};

/// One run of `coordinate`.
class Coordination {
  public:
    Coordination(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                 const CoordinatorLinks& links)
        : queue_(queue), channel_(channel), settings_(settings), links_(links) {
        for (int rank = 1; rank < channel.size(); ++rank) workers_[rank].last_heard = begin_;
    }

    Outcome run();

  private:
    void hear(const cluster::Envelope& envelope);
    void welcome(int rank, const Message& message);
    void committed(int rank, const Message& message);
    void failed(int rank, const Message& message);
    void answer_waiting();
    void stop(int rank, WorkerView& worker);
    std::optional<std::string> lost_worker();
    bool is_over() const;
    void note(const std::string& event, int rank, std::int64_t unit = -1, const std::string& reason = {});
    void tell_status(const std::string& state);
    Outcome end(int exit_code, const std::string& reason);

    WorkQueue& queue_;
    cluster::Channel& channel_;
    const CoordinatorSettings& settings_;
    const CoordinatorLinks& links_;
    const Clock::time_point begin_ = Clock::now();
    Clock::time_point told_ = begin_;
    std::map<int, WorkerView> workers_;
    double longest_silence_ = 0;
    bool is_draining_ = false;
    std::optional<Verdict> refusal_;
};

void Coordination::note(const std::string& event, int rank, std::int64_t unit, const std::string& reason) {
    if (!links_.journal) return;
    jobs::JournalEntry entry;
    entry.event = event;
    entry.unit = unit;
    entry.rank = rank;
    entry.time = seconds_since_epoch();
    entry.reason = reason;
    entry.host = workers_[rank].host;
    entry.device = workers_[rank].device;
    links_.journal(entry);
}

void Coordination::welcome(int rank, const Message& message) {
    workers_[rank].host = message.host;
    workers_[rank].device = message.device;
    note("worker", rank);
    if (message.digest == settings_.digest) return;
    const std::string reason = "worker " + std::to_string(rank) + " read plan " + message.digest.substr(0, 12) +
                               ", the coordinator " + settings_.digest.substr(0, 12);
    refusal_ = Verdict{exit_internal, reason, {}};
}

void Coordination::committed(int rank, const Message& message) {
    workers_[rank].unit = -1;
    if (!queue_.commit(message.unit) || !links_.journal) return;
    jobs::JournalEntry entry;
    entry.event = "committed";
    entry.unit = message.unit;
    entry.rank = rank;
    entry.time = seconds_since_epoch();
    entry.seconds = message.seconds;
    entry.seconds_sampling = message.seconds_sampling;
    entry.diverged = message.diverged;
    entry.unreadable = message.unreadable;
    entry.host = workers_[rank].host;
    entry.device = workers_[rank].device;
    links_.journal(entry);
}

void Coordination::failed(int rank, const Message& message) {
    workers_[rank].unit = -1;
    queue_.fail(message.unit, rank, message.reason, message.may_pass);
    note("failed", rank, message.unit, message.reason);
}

void Coordination::hear(const cluster::Envelope& envelope) {
    const auto found = workers_.find(envelope.source);
    if (found == workers_.end()) return;
    WorkerView& worker = found->second;
    const Clock::time_point now = Clock::now();
    longest_silence_ = std::max(longest_silence_, seconds_between(worker.last_heard, now));
    worker.last_heard = now;

    const Message message = parse_message(envelope.text);
    switch (message.kind) {
        case MessageKind::hello:
            return welcome(envelope.source, message);
        case MessageKind::ready:
            worker.is_waiting = true;
            return;
        case MessageKind::done:
            return committed(envelope.source, message);
        case MessageKind::failed:
            return failed(envelope.source, message);
        case MessageKind::refused:
            refusal_ = Verdict{message.exit_code, message.reason, {}};
            return;
        case MessageKind::beat:
            return;
        default:
            // A worker never sends what only rank 0 says: its program is another one.
            refusal_ = Verdict{exit_internal, "rank " + std::to_string(envelope.source) + " sent " + envelope.text, {}};
    }
}

void Coordination::stop(int rank, WorkerView& worker) {
    channel_.send(rank, to_text({.kind = MessageKind::stop}));
    worker.is_waiting = false;
    worker.has_left = true;
}

void Coordination::answer_waiting() {
    for (auto& [rank, worker] : workers_) {
        if (!worker.is_waiting) continue;
        if (queue_.is_finished() || is_draining_) {
            stop(rank, worker);
            continue;
        }
        // What failed here waits for another worker; until one is free this one has nothing to do.
        const std::optional<std::int64_t> unit = queue_.assign(rank, workers_.size() == 1);
        if (!unit) continue;
        // The attempt is on record before it begins, so that a unit which ends everything is known.
        note("assigned", rank, *unit);
        channel_.send(rank, to_text({.kind = MessageKind::unit, .unit = *unit}));
        worker.is_waiting = false;
        worker.unit = *unit;
    }
}

std::optional<std::string> Coordination::lost_worker() {
    const double allowed = std::max(settings_.silence_seconds, 10 * longest_silence_);
    for (const auto& [rank, worker] : workers_) {
        const double silent = seconds_between(worker.last_heard, Clock::now());
        if (!worker.has_left && !worker.is_waiting && silent > allowed) {
            return "worker " + std::to_string(rank) + " on " + worker.host + " has said nothing for " +
                   duration_words(silent) + ", while at work on unit " + std::to_string(worker.unit);
        }
    }
    return std::nullopt;
}

void Coordination::tell_status(const std::string& state) {
    told_ = Clock::now();
    if (!links_.status) return;
    Status status;
    status.state = state;
    status.units = settings_.units_in_plan;
    status.committed = settings_.already_committed + queue_.committed();
    status.running = queue_.running();
    status.quarantined = static_cast<std::int64_t>(queue_.quarantined().size());
    status.seconds = seconds_between(begin_, told_);
    status.time = seconds_since_epoch();
    if (queue_.committed() > 0) {
        status.units_per_second = static_cast<double>(queue_.committed()) / status.seconds;
        const double cost_left = queue_.cost_total() - queue_.cost_committed();
        status.seconds_left = status.seconds * cost_left / std::max(queue_.cost_committed(), 1e-300);
    }
    for (const auto& [rank, worker] : workers_) {
        status.workers.push_back({rank, worker.host, worker.unit, seconds_between(worker.last_heard, told_)});
    }
    links_.status(status);
}

bool Coordination::is_over() const {
    return std::all_of(workers_.begin(), workers_.end(), [](const auto& entry) { return entry.second.has_left; });
}

Outcome Coordination::end(int exit_code, const std::string& reason) {
    tell_status(exit_code == exit_done || exit_code == exit_quarantined ? "finished" : "incomplete");
    return {{exit_code, reason, queue_.quarantined()}, is_over()};
}

Outcome Coordination::run() {
    tell_status("running");
    while (!is_over()) {
        // Everything that has arrived, then the answers.
        while (const std::optional<cluster::Envelope> envelope = channel_.poll()) hear(*envelope);
        if (refusal_) return end(refusal_->exit_code, refusal_->reason);
        if (links_.is_terminated && links_.is_terminated()) return end(exit_incomplete, "stopped by a signal");
        if (!is_draining_ && links_.is_draining && links_.is_draining()) is_draining_ = true;
        answer_waiting();
        if (const std::optional<std::string> loss = lost_worker()) return end(exit_incomplete, *loss);
        if (seconds_between(told_, Clock::now()) >= settings_.status_seconds) {
            tell_status(is_draining_ ? "draining" : "running");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (!queue_.is_finished()) {
        return end(exit_incomplete, "drained with " + std::to_string(queue_.waiting()) + " units left");
    }
    if (queue_.quarantined().empty()) return end(exit_done, "");
    return end(exit_quarantined, std::to_string(queue_.quarantined().size()) + " units failed");
}

}  // namespace

Outcome coordinate(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                   const CoordinatorLinks& links) {
    return Coordination(queue, channel, settings, links).run();
}

}  // namespace workers
