#include "workers/coordinator.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "workers/clock.h"
#include "workers/coordinator_status.h"
#include "workers/crew.h"
#include "workers/journal_entries.h"
#include "workers/message.h"

namespace workers {

namespace {

/// Between two looks at processes, silences, requests and the deadline.
constexpr double check_seconds = 0.25;
/// How long workers that still load are waited for once nothing is left to do.
constexpr double farewell_seconds = 2;
/// A unit is expected to take so many times what the cost model says.
constexpr double caution = 1.2;

/// Which units may be dealt; null: all.
using Fits = std::function<bool(std::int64_t unit)>;

/// One run of `coordinate`.
class Coordination {
  public:
    Coordination(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                 const CoordinatorLinks& links)
        : queue_(queue),
          channel_(channel),
          settings_(settings),
          links_(links),
          costs_(settings.costs),
          begin_(now()),
          crew_(channel.size(), begin_, settings.silence_seconds, settings.load_seconds),
          replacements_left_(settings.replacements) {}

    Outcome run();

  private:
    double now() const { return links_.now ? links_.now() : steady_seconds(); }
    int configuration(std::int64_t unit) const {
        return settings_.configuration_of ? settings_.configuration_of(unit) : 0;
    }

    // What workers say.
    void hear(const cluster::Envelope& envelope);
    void hear_dead(int rank, const WorkerView& worker, const Message& message);
    void welcome(int rank, WorkerView& worker, const Message& message);
    void loaded(int rank, const Message& message);
    void committed(int rank, const Message& message);
    void failed(int rank, const Message& message);
    void refused(int rank, WorkerView& worker, const Message& message);
    void beat(int rank, WorkerView& worker, std::int64_t unit);
    void laid_down(int rank, std::int64_t unit);

    // What it does about them.
    void answer_waiting();
    void answer_ahead(const Fits& fits, std::vector<std::pair<int, std::int64_t>>& dealt);
    Fits deadline_filter(bool& is_time_short);
    double hand_ends(const WorkerView& worker) const;
    void stop(int rank, WorkerView& worker);
    void check();
    void bury(int rank, const std::string& reason);
    void replace(int dead);
    void keep_deadline();
    void take_back_what_waits();
    bool ends_in_time(std::int64_t unit, double began) const;
    bool is_over();

    // What it tells.
    Author author(int rank);
    void say(int rank, const Message& message);
    void note(const jobs::JournalEntry& entry);
    void note(const std::string& event, int rank, std::int64_t unit = -1, const std::string& reason = {});
    void make_durable();
    void tell_status(const std::string& state);
    Outcome end(int exit_code, const std::string& reason);
    Outcome end_of_work();

    WorkQueue& queue_;
    cluster::Channel& channel_;
    const CoordinatorSettings& settings_;
    const CoordinatorLinks& links_;
    CostModel costs_;
    const double begin_;
    Crew crew_;
    double told_ = 0, checked_ = 0;
    std::optional<double> nothing_left_since_;
    int replacements_left_;
    std::optional<std::uint64_t> checksum_;
    bool is_draining_ = false, has_noted_ = false;
    std::string last_death_;
    std::optional<Verdict> refusal_;
};

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

void Coordination::welcome(int rank, WorkerView& worker, const Message& message) {
    worker.host = message.host;
    worker.device = message.device;
    if (links_.watch) links_.watch(rank, message.host, message.process);
    say(rank, {.kind = MessageKind::alive, .process = settings_.process, .host = settings_.host});
    if (message.digest == settings_.digest) return;
    refusal_ = Verdict{.exit_code = exit_internal,
                       .reason = "worker " + std::to_string(rank) + " read plan " + message.digest.substr(0, 12) +
                                 ", the coordinator " + settings_.digest.substr(0, 12)};
}

void Coordination::loaded(int rank, const Message& message) {
    note("worker", rank);
    if (!checksum_) checksum_ = message.checksum;
    if (message.checksum == *checksum_) return;
    refusal_ = Verdict{.exit_code = exit_internal,
                       .reason = "worker " + std::to_string(rank) + " loaded another model: checksum " +
                                 std::to_string(message.checksum) + ", the others have " + std::to_string(*checksum_)};
}

void Coordination::committed(int rank, const Message& message) {
    crew_.lay_down(rank, *crew_.find(rank), message.unit);
    if (!queue_.commit(message.unit)) return;
    costs_.learn(configuration(message.unit), queue_.cost(message.unit), message.seconds);
    note(commit_entry(author(rank), message.unit,
                      {.seconds = message.seconds,
                       .seconds_sampling = message.seconds_sampling,
                       .diverged = message.diverged,
                       .unreadable = message.unreadable}));
}

void Coordination::failed(int rank, const Message& message) {
    crew_.lay_down(rank, *crew_.find(rank), message.unit);
    if (message.exit_code != 0) {
        // Not the unit's fault: the machine can go on with none.
        queue_.release(message.unit, rank);
        note("released", rank, message.unit, message.reason);
        refusal_ = Verdict{.exit_code = message.exit_code, .reason = message.reason};
        return;
    }
    note("failed", rank, message.unit, message.reason);
    if (queue_.fail(message.unit, rank, message.reason, message.may_pass)) {
        note("quarantined", rank, message.unit, message.reason);
    }
}

void Coordination::refused(int rank, WorkerView& worker, const Message& message) {
    if (!worker.is_replacement) {
        refusal_ = Verdict{.exit_code = message.exit_code, .reason = message.reason};
        return;
    }
    // The others go on without it.
    last_death_ = message.reason;
    note("worker lost", rank, -1, message.reason);
    stop(rank, worker);
}

void Coordination::beat(int rank, WorkerView& worker, std::int64_t unit) {
    if (!worker.is_to_stop) {
        crew_.begin_sampling(worker, unit, now());
        say(rank, {.kind = MessageKind::alive});
        return;
    }
    for (const UnitInHand& held : worker.hand) {
        queue_.release(held.number, rank);
        note("released", rank, held.number, "no time was left for it");
    }
    stop(rank, worker);
}

void Coordination::laid_down(int rank, std::int64_t unit) {
    crew_.lay_down(rank, *crew_.find(rank), unit);
    queue_.release(unit, rank);
    note("released", rank, unit, "it had not begun");
}

void Coordination::hear_dead(int rank, const WorkerView& worker, const Message& message) {
    // Whatever it has committed is as good as any other's: the same unit gives the same bytes.
    if (message.kind == MessageKind::done) committed(rank, message);
    if (worker.state == WorkerState::dead) say(rank, {.kind = MessageKind::stop});
}

void Coordination::hear(const cluster::Envelope& envelope) {
    const int rank = envelope.source;
    WorkerView* worker = crew_.find(rank);
    if (worker == nullptr) return;
    const Message message = parse_message(envelope.text);
    if (worker->state == WorkerState::dead || worker->state == WorkerState::left) {
        return hear_dead(rank, *worker, message);
    }
    crew_.heard(*worker, now(), message.kind == MessageKind::beat && message.unit >= 0);
    switch (message.kind) {
        case MessageKind::hello:
            return welcome(rank, *worker, message);
        case MessageKind::loaded:
            return loaded(rank, message);
        case MessageKind::ready:
            return crew_.asks(rank, *worker);
        case MessageKind::done:
            return committed(rank, message);
        case MessageKind::failed:
            return failed(rank, message);
        case MessageKind::refused:
            return refused(rank, *worker, message);
        case MessageKind::beat:
            return beat(rank, *worker, message.unit);
        case MessageKind::laid_down:
            return laid_down(rank, message.unit);
        default:
            // A worker never sends what only rank 0 says: its program is another one.
            refusal_ = Verdict{.exit_code = exit_internal,
                               .reason = "rank " + std::to_string(rank) + " sent " + envelope.text};
    }
}

void Coordination::stop(int rank, WorkerView& worker) {
    say(rank, {.kind = MessageKind::stop});
    crew_.change_state(rank, worker, WorkerState::left);
}

bool Coordination::ends_in_time(std::int64_t unit, double began) const {
    const std::optional<double> seconds = costs_.seconds(configuration(unit), queue_.cost(unit));
    return began + caution * seconds.value_or(0) <= settings_.deadline - settings_.deadline_margin_seconds;
}

Fits Coordination::deadline_filter(bool& is_time_short) {
    if (settings_.deadline == std::numeric_limits<double>::infinity()) return nullptr;
    return [this, &is_time_short, time = now()](std::int64_t unit) {
        const bool is_in_time = ends_in_time(unit, time);
        is_time_short = is_time_short || !is_in_time;
        return is_in_time;
    };
}

double Coordination::hand_ends(const WorkerView& worker) const {
    double time = now();
    for (const UnitInHand& held : worker.hand) {
        const double seconds = costs_.seconds(configuration(held.number), queue_.cost(held.number)).value_or(0);
        time = std::max(time, held.began + seconds);
    }
    return time;
}

void Coordination::answer_ahead(const Fits& fits, std::vector<std::pair<int, std::int64_t>>& dealt) {
    const std::vector<int> asking(crew_.asking_ahead().begin(), crew_.asking_ahead().end());
    for (const int rank : asking) {
        // Towards the end every unit goes to a worker with empty hands, and one that has ended workers has them alone.
        if (is_draining_ || queue_.waiting() < crew_.alive()) return;
        const WorkerView& worker = *crew_.find(rank);
        const bool holds_suspect =
            std::ranges::any_of(worker.hand, [this](const UnitInHand& held) { return queue_.is_suspect(held.number); });
        if (holds_suspect || worker.is_to_stop) continue;
        const double begin = hand_ends(worker);
        const std::optional<std::int64_t> unit = queue_.assign(rank, crew_.alive() == 1, [&](std::int64_t candidate) {
            return !queue_.is_suspect(candidate) && (!fits || (fits(candidate) && ends_in_time(candidate, begin)));
        });
        if (!unit) continue;
        note("assigned", rank, *unit);
        dealt.emplace_back(rank, *unit);
    }
}

void Coordination::answer_waiting() {
    if (crew_.waiting().empty() && crew_.asking_ahead().empty()) return make_durable();
    const std::vector<int> waiting(crew_.waiting().begin(), crew_.waiting().end());
    std::vector<std::pair<int, std::int64_t>> dealt;
    const double time = now();
    bool is_time_short = false;
    const Fits fits = deadline_filter(is_time_short);
    for (const int rank : waiting) {
        if (queue_.is_finished() || is_draining_) {
            stop(rank, *crew_.find(rank));
            continue;
        }
        if (queue_.waiting() == 0) break;
        // What failed here waits for another worker; until one is free this one has nothing to do.
        const std::optional<std::int64_t> unit = queue_.assign(rank, crew_.alive() == 1, fits);
        if (unit) {
            note("assigned", rank, *unit);
            dealt.emplace_back(rank, *unit);
        } else if (is_time_short) {
            // The deadline comes nearer only.
            is_draining_ = true;
        }
    }
    answer_ahead(fits, dealt);
    // Attempts are on record before they begin, so that a unit which ends everything is known.
    make_durable();
    for (const auto& [rank, unit] : dealt) {
        say(rank, {.kind = MessageKind::unit, .unit = unit});
        WorkerView& worker = *crew_.find(rank);
        crew_.give(rank, worker, unit, worker.hand.empty() ? time : hand_ends(worker), time);
    }
}

void Coordination::bury(int rank, const std::string& reason) {
    WorkerView& worker = *crew_.find(rank);
    const std::vector<UnitInHand> hand = worker.hand;
    // The first replicas are loaded together: without this one the others wait for ever.
    const bool is_group_broken =
        worker.state == WorkerState::loading && !worker.is_replacement && crew_.count(WorkerState::loading) > 1;
    crew_.change_state(rank, worker, WorkerState::dead);
    last_death_ = reason;
    if (!worker.is_gone && links_.kill) links_.kill(rank);
    if (hand.empty()) note("worker lost", rank, -1, reason);
    // Any of them may have ended it; dealt alone from now on, the one that does will be found out.
    for (const UnitInHand& held : hand) {
        note("died", rank, held.number, reason);
        if (queue_.lose(held.number, rank, reason)) {
            note("quarantined", rank, held.number, queue_.quarantined().back().reason);
        }
    }
    if (is_group_broken) {
        refusal_ = Verdict{
            .exit_code = exit_incomplete, .reason = reason + ", while the model was loaded", .may_start_again = true};
        return;
    }
    replace(rank);
}

void Coordination::replace(int dead) {
    if (!links_.replace || replacements_left_ == 0 || is_draining_ || queue_.waiting() == 0) return;
    --replacements_left_;
    try {
        const int rank = links_.replace(dead);
        crew_.add(rank, now(), true);
        note("worker started", rank);
    } catch (const std::exception& error) {
        // The others go on without one.
        note("worker not started", dead, -1, error.what());
    }
}

void Coordination::keep_deadline() {
    const double time = now();
    const bool is_short = time >= settings_.deadline - settings_.deadline_margin_seconds;
    if (is_short) is_draining_ = true;
    if (is_draining_) take_back_what_waits();
    if (!is_draining_ || settings_.deadline == std::numeric_limits<double>::infinity()) return;
    for (auto& [rank, worker] : crew_.all()) {
        for (const UnitInHand& held : worker.hand) {
            if (is_short || !ends_in_time(held.number, held.began)) worker.is_to_stop = true;
        }
    }
}

void Coordination::take_back_what_waits() {
    for (auto& [rank, worker] : crew_.all()) {
        if (worker.hand.size() < 2 || worker.is_told_to_lay_down || worker.hand.back().number == worker.at_work)
            continue;
        worker.is_told_to_lay_down = true;
        say(rank, {.kind = MessageKind::lay_down, .unit = worker.hand.back().number});
    }
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

}  // namespace

Outcome coordinate(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                   const CoordinatorLinks& links) {
    return Coordination(queue, channel, settings, links).run();
}

}  // namespace workers
