#include "cluster/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>
#include <thread>

#include "cluster/signals.h"

extern char** environ;

namespace cluster {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

int shell_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

std::vector<std::string> merged_environment(const LaunchCommand& command) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
    for (const auto& [name, value] : command.environment) {
        if (std::getenv(name.c_str()) == nullptr) all.push_back(name + "=" + value);
    }
    return all;
}

/// Starts the command in a process group of its own, tied to our life. An exec that fails reports its errno through a
/// pipe.
pid_t start(const LaunchCommand& command, const std::filesystem::path& log) {
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = merged_environment(command);
    const std::vector<char*> argument_pointers = pointers(arguments);
    const std::vector<char*> environment_pointers = pointers(environment);
    const std::string log_name = log.string();
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");

    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) {
        // Only calls that are safe between fork and exec.
        setpgid(0, 0);
        die_with_parent(SIGTERM, parent);
        for (const int taken : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) signal(taken, SIG_DFL);
        const int input = open("/dev/null", O_RDONLY);
        const int output = open(log_name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (input >= 0 && output >= 0) {
            dup2(input, STDIN_FILENO);
            dup2(output, STDOUT_FILENO);
            dup2(output, STDERR_FILENO);
            execvpe(argument_pointers[0], argument_pointers.data(), environment_pointers.data());
        }
        const int error = errno;
        [[maybe_unused]] const ssize_t written = write(report[1], &error, sizeof error);
        _exit(127);
    }
    close(report[1]);
    int error = 0;
    const ssize_t got = read(report[0], &error, sizeof error);
    close(report[0]);
    if (got > 0) {
        waitpid(child, nullptr, 0);
        throw std::system_error(error, std::generic_category(), "cannot start " + command.arguments[0]);
    }
    return child;
}

/// Children of a process, from /proc: of this one, orphans of the command among them.
std::vector<pid_t> children_of(pid_t self) {
    std::vector<pid_t> children;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string line;
        if (!std::getline(file, line)) continue;
        // "pid (name) state parent …"; the name may hold anything, so look behind its last parenthesis.
        const std::size_t end = line.rfind(')');
        if (end == std::string::npos || end + 4 >= line.size()) continue;
        if (std::strtol(line.c_str() + end + 4, nullptr, 10) == self) {
            children.push_back(static_cast<pid_t>(std::stol(name)));
        }
    }
    return children;
}

/// Kills and reaps whatever is left: killing one generation hands us the next.
void end_all_descendants() {
    for (int round = 0; round < 200; ++round) {
        const std::vector<pid_t> children = children_of(getpid());
        if (children.empty()) return;
        for (const pid_t child : children) kill(child, SIGKILL);
        for (const pid_t child : children) waitpid(child, nullptr, 0);
    }
}

}  // namespace

LaunchCommand mpirun_command(int workers, const std::vector<std::string>& program) {
    LaunchCommand command;
    command.arguments = {"mpirun", "--enable-recovery",        "--oversubscribe", "--bind-to", "none",
                         "-np",    std::to_string(workers + 1)};
    command.arguments.insert(command.arguments.end(), program.begin(), program.end());
    command.environment = {
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"OMP_NUM_THREADS", "1"},
        // OpenMP threads that spin would take the cores of the other ranks.
        {"OMP_WAIT_POLICY", "passive"},
        // Containers forbid the kernel's copy between processes.
        {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"},
    };
    return command;
}

LaunchResult supervise(const LaunchCommand& command, const Supervision& supervision) {
    install_signal_handlers();
    // Ranks whose mpirun died become our children, not init's.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t child = start(command, supervision.log);

    LaunchResult result;
    std::optional<Clock::time_point> decided, asked_to_end;
    int drains_passed = 0;
    bool is_started = !supervision.is_started;
    std::size_t most_children = 0;
    const Clock::time_point begin = Clock::now();
    const auto ask_to_end = [&] {
        if (asked_to_end) return;
        kill(child, SIGTERM);
        asked_to_end = Clock::now();
    };
    for (int round = 0;; ++round) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child) {
            result.status = shell_status(status);
            break;
        }
        // Pass on what we are told.
        result.signal = termination_signal();
        if (result.signal != 0) ask_to_end();
        for (; drains_passed < drain_requests(); ++drains_passed) kill(child, SIGUSR1);
        // mpirun may hang after its ranks are done, and after TERM.
        if (!decided && supervision.is_decided && round % 10 == 0 && supervision.is_decided()) decided = Clock::now();
        if (decided && seconds_since(*decided) > supervision.grace_seconds) ask_to_end();
        if (asked_to_end && seconds_since(*asked_to_end) > supervision.kill_seconds) kill(-child, SIGKILL);
        if (!is_started && !asked_to_end && round % 10 == 0) {
            // Counted before it is asked: who ended after the start did not prevent it.
            const std::size_t children = children_of(child).size();
            is_started = supervision.is_started();
            most_children = std::max(most_children, children);
            result.has_failed_to_start =
                !is_started && (children < most_children || seconds_since(begin) > supervision.start_seconds);
            if (result.has_failed_to_start) ask_to_end();
        }
        if (supervision.tick && round % 10 == 0) supervision.tick();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    result.signal = termination_signal();
    end_all_descendants();
    return result;
}

}  // namespace cluster
