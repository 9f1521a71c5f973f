#include "workers/coordinator.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "workers/coordination.h"
#include "workers/coordinator_status.h"

namespace workers {

namespace {

/// Between two looks at processes, silences, requests and the deadline.
constexpr double check_seconds = 0.25;
/// How long workers that still load are waited for once nothing is left to do.
constexpr double farewell_seconds = 2;

}  // namespace

Author Coordination::author(int rank) {
    const WorkerView* worker = crew_.find(rank);
    return worker == nullptr ? Author{rank, {}, {}} : Author{rank, worker->host, worker->device};
}

void Coordination::note(const jobs::JournalEntry& entry) {
    if (!links_.journal) return;
    has_noted_ = true;
    links_.journal(entry);
}

void Coordination::note(const std::string& event, int rank, std::int64_t unit, const std::string& reason) {
    note(entry_of(event, author(rank), unit, reason));
}

void Coordination::say(int rank, const Message& message) {
    // Over some networks a word to a process that has ended holds up the whole job.
    if (!crew_.find(rank)->is_gone) channel_.send(rank, to_text(message));
}

void Coordination::check() {
    checked_ = now();
    if (links_.request) {
        const Request request = links_.request();
        if (request == Request::drain) is_draining_ = true;
        if (request == Request::cancel) refusal_ = Verdict{.exit_code = exit_cancelled, .reason = "cancelled"};
    }
    if (links_.ended) {
        for (const int rank : links_.ended()) {
            WorkerView* worker = crew_.find(rank);
            if (worker == nullptr) continue;
            worker->is_gone = true;
            // What it said before it ended comes first.
            while (const std::optional<cluster::Envelope> envelope = channel_.poll()) hear(*envelope);
            if (worker->state == WorkerState::left || worker->state == WorkerState::dead) continue;
            bury(rank, "worker " + std::to_string(rank) + " on " + worker->host + " ended");
        }
    }
    for (const int rank : crew_.silent(checked_)) {
        const WorkerView& worker = *crew_.find(rank);
        bury(rank, "worker " + std::to_string(rank) + (worker.host.empty() ? "" : " on " + worker.host) +
                       " has said nothing for " + duration_words(checked_ - worker.last_heard));
    }
    keep_deadline();
}

void Coordination::make_durable() {
    if (has_noted_ && links_.sync) links_.sync();
    has_noted_ = false;
}

void Coordination::tell_status(const std::string& state) {
    told_ = now();
    if (links_.status) links_.status(status_of(queue_, crew_, settings_, state, begin_, told_));
}

bool Coordination::is_over() {
    if (!crew_.waiting().empty() || crew_.count(WorkerState::working) > 0) return false;
    if (crew_.count(WorkerState::loading) == 0) return true;
    if (!queue_.is_finished() && !is_draining_) return false;
    if (!nothing_left_since_) nothing_left_since_ = now();
    return now() - *nothing_left_since_ > farewell_seconds;
}

Outcome Coordination::end(int exit_code, const std::string& reason) {
    // What is laid down here did not end anybody.
    std::vector<std::pair<std::int64_t, int>> running(queue_.running_units().begin(), queue_.running_units().end());
    std::ranges::sort(running);
    for (const auto& [unit, rank] : running) {
        queue_.release(unit, rank);
        note("released", rank, unit, reason);
    }
    make_durable();
    tell_status(exit_code == exit_done || exit_code == exit_quarantined ? "finished" : "incomplete");
    const bool have_left = crew_.alive() == 0 && crew_.count(WorkerState::dead) == 0;
    return {{.exit_code = exit_code, .reason = reason, .quarantined = queue_.quarantined()}, have_left};
}

Outcome Coordination::end_of_work() {
    if (!queue_.is_finished()) {
        const std::string left = " with " + std::to_string(queue_.waiting()) + " units left";
        return end(exit_incomplete, is_draining_ ? "drained" + left : "no worker is left: " + last_death_ + left);
    }
    // A worker that was taken for dead may have finished its unit before it ended, and its news been lost.
    const std::vector<QuarantinedUnit> given_up = queue_.quarantined();
    for (const QuarantinedUnit& unit : given_up) {
        if (links_.is_on_disk && links_.is_on_disk(unit.number)) queue_.commit(unit.number);
    }
    if (queue_.quarantined().empty()) return end(exit_done, "");
    return end(exit_quarantined, std::to_string(queue_.quarantined().size()) + " units failed");
}

Outcome Coordination::run() {
    tell_status("running");
    while (!is_over()) {
        // Everything that has arrived, then the answers.
        while (const std::optional<cluster::Envelope> envelope = channel_.poll()) hear(*envelope);
        if (now() - checked_ >= check_seconds) check();
        if (refusal_) {
            Outcome outcome = end(refusal_->exit_code, refusal_->reason);
            outcome.verdict.may_start_again = refusal_->may_start_again;
            return outcome;
        }
        if (links_.is_terminated && links_.is_terminated()) return end(exit_incomplete, "stopped by a signal");
        answer_waiting();
        if (now() - told_ >= settings_.status_seconds) tell_status(is_draining_ ? "draining" : "running");
        if (links_.pause) {
            links_.pause();
        } else {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    return end_of_work();
}

Outcome coordinate(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                   const CoordinatorLinks& links) {
    return Coordination(queue, channel, settings, links).run();
}

}  // namespace workers
