#include <algorithm>

#include "workers/coordination.h"

namespace workers {

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

}  // namespace workers
