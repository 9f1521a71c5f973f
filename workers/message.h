#pragma once

#include <cstdint>
#include <string>

namespace workers {

/// All that ranks say to one another. A worker begins every exchange; rank 0 only answers.
enum class MessageKind {
    hello,      ///< worker → 0: who I am, which plan I read
    loaded,     ///< worker → 0: the checksum of my replica
    ready,      ///< worker → 0: give me a unit
    beat,       ///< worker → 0: I am alive (and at work on `unit`)
    done,       ///< worker → 0: `unit` is committed
    failed,     ///< worker → 0: `unit` threw; `reason`, and whether another attempt `may_pass`
    refused,    ///< either way: I cannot start, or you may not; `reason`, `exit_code`
    alive,      ///< 0 → worker, to every hello and beat: so am I; to hello with `host` and `process`
    unit,       ///< 0 → worker: compute `unit`
    lay_down,   ///< 0 → worker: give `unit` back if you have not begun to sample it
    laid_down,  ///< worker → 0: I have not begun `unit` and never will
    stop,       ///< 0 → worker: nothing is left for you, leave
    plan,       ///< 0 → worker, inside a foreign MPI launch: the frozen run is in `folder`
};

/// One message; fields that its kind does not use keep their defaults.
struct Message {
    MessageKind kind = MessageKind::beat;
    std::int64_t unit = -1;
    double seconds = 0;           ///< done: wall time of the unit
    double seconds_sampling = 0;  ///< done
    std::int64_t diverged = 0;    ///< done: rows
    std::int64_t unreadable = 0;  ///< done: rows
    bool may_pass = false;        ///< failed
    int exit_code = 0;            ///< refused; failed: not the unit's fault, the run must end with it
    int process = 0;              ///< hello, alive
    std::uint64_t checksum = 0;   ///< loaded
    std::string host = {};        ///< hello, alive
    std::string device = {};      ///< hello
    std::string digest = {};      ///< hello, plan
    std::string reason = {};      ///< failed, refused
    std::string folder = {};      ///< plan
};

/// JSON on one line, with the fields that differ from their defaults.
std::string to_text(const Message& message);

/// @throws std::invalid_argument  for anything that `to_text` does not write
Message parse_message(const std::string& text);

}  // namespace workers
