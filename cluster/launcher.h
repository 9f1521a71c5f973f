#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

/// A command with what it adds to the environment.
struct LaunchCommand {
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;  ///< Added; what is already set wins.
};

/// mpirun for one coordinator and `workers` workers of `program`: as root too, in a container too, one OpenMP thread a
/// rank. A rank that ends takes no other along, and mpirun's exit status says nothing.
LaunchCommand mpirun_command(int workers, const std::vector<std::string>& program);

/// How a supervised command ended.
struct LaunchResult {
    int status = 0;  ///< Its exit code, 128 + signal where one ended it.
    /// A child of the command ended, or the time was over, before `is_started`: the command was ended for that.
    bool has_failed_to_start = false;
    int signal = 0;  ///< TERM, INT or HUP that the supervisor itself was sent; 0 where none was.
};

struct Supervision {
    std::filesystem::path log;   ///< Takes the command's standard output and standard error.
    std::function<void()> tick;  ///< Called about ten times a second. May be null.
    std::function<bool()>
        is_decided;  ///< True once the command has said its verdict: it then has `grace_seconds` to end.
    /// True once the command needs no watch over its children any more. Before that mpirun's ranks wait for one
    /// another, for ever where one has ended. Null: from the beginning.
    std::function<bool()> is_started;
    double start_seconds = 300;  ///< Within which `is_started` must become true.
    double grace_seconds = 1.5;  ///< From the verdict to TERM.
    double kill_seconds = 3;     ///< From TERM to KILL: mpirun itself gives its ranks one second.
};

/// Runs a command and waits for its end, so that nothing of it is left behind, however one of us ends:
/// TERM, INT and HUP end it (as TERM), USR1 is passed on; when this process is killed the kernel ends the command, and
/// when the command dies its children, which become ours, are killed. Standard input is empty.
///
/// Takes over this process's signals and its orphaned descendants: called by the main thread of a process without other
/// children.
/// @throws std::system_error  where the command cannot be started
LaunchResult supervise(const LaunchCommand& command, const Supervision& supervision);

}  // namespace cluster
