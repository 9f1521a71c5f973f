#include "cluster/launcher.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "tests/cluster/processes.h"
#include "tests/support/paths.h"

namespace {

using test_support::processes_with;
using test_support::wait_until;

/// `sleep` with a number of seconds that no other process uses.
std::string unique_seconds() {
    static int count = 0;
    return "600." + std::to_string(getpid()) + std::to_string(++count);
}

/// A supervisor as a process of its own, since it takes over signals and orphans; it exits with the supervised status.
pid_t start_supervisor(const std::vector<std::string>& arguments, const test_support::TemporaryFolder& folder,
                       cluster::Supervision supervision = {}) {
    supervision.log = folder / "log";
    const pid_t process = fork();
    if (process == 0) {
        try {
            _exit(cluster::supervise({arguments, {}}, supervision).status);
        } catch (const std::system_error&) {
            _exit(99);
        }
    }
    return process;
}

int wait_for(pid_t process) {
    int status = 0;
    waitpid(process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST(Launcher, MpirunStartsOneRankMoreThanWorkers) {
    const cluster::LaunchCommand command = cluster::mpirun_command(3, {"program", "rank"});
    EXPECT_EQ(command.arguments, (std::vector<std::string>{"mpirun", "--enable-recovery", "--oversubscribe",
                                                           "--bind-to", "none", "-np", "4", "program", "rank"}));
    const auto has = [&](const char* name) {
        return std::any_of(command.environment.begin(), command.environment.end(),
                           [&](const auto& entry) { return entry.first == name; });
    };
    EXPECT_TRUE(has("OMPI_ALLOW_RUN_AS_ROOT") && has("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") && has("OMP_WAIT_POLICY"));
}

TEST(Supervisor, PassesTheExitCodeOnAndKeepsTheOutput) {
    const test_support::TemporaryFolder folder;
    EXPECT_EQ(wait_for(start_supervisor({"sh", "-c", "echo words; echo more >&2; exit 75"}, folder)), 75);
    EXPECT_EQ(test_support::read_text(folder / "log"), "words\nmore\n");
}

TEST(Supervisor, CommandThatDoesNotExistIsAnError) {
    const test_support::TemporaryFolder folder;
    EXPECT_EQ(wait_for(start_supervisor({"/nowhere/mpirun"}, folder)), 99);
}

TEST(Supervisor, TermEndsTheCommandAndItsChildren) {
    const test_support::TemporaryFolder folder;
    const std::string seconds = unique_seconds();
    const pid_t supervisor = start_supervisor({"sh", "-c", "sleep " + seconds + " & sleep " + seconds}, folder);
    ASSERT_TRUE(wait_until(5, [&] { return processes_with("sleep " + seconds).size() >= 3; }));
    kill(supervisor, SIGTERM);
    EXPECT_EQ(wait_for(supervisor), 128 + SIGTERM);
    EXPECT_TRUE(processes_with("sleep " + seconds).empty());
}

TEST(Supervisor, CommandThatIgnoresTermIsKilled) {
    const test_support::TemporaryFolder folder;
    const std::string seconds = unique_seconds();
    cluster::Supervision supervision;
    supervision.kill_seconds = 0.3;
    const pid_t supervisor =
        start_supervisor({"sh", "-c", "trap '' TERM; while true; do sleep " + seconds + "; done"}, folder, supervision);
    ASSERT_TRUE(wait_until(5, [&] { return processes_with("sleep " + seconds).size() >= 2; }));
    kill(supervisor, SIGTERM);
    EXPECT_EQ(wait_for(supervisor), 128 + SIGKILL);
    EXPECT_TRUE(processes_with("sleep " + seconds).empty());
}

TEST(Supervisor, CommandThatDiesLeavesNoOrphan) {
    const test_support::TemporaryFolder folder;
    const std::string seconds = unique_seconds();
    // The sleeper is in a session of its own and its parent is gone: only adoption finds it.
    EXPECT_EQ(wait_for(start_supervisor({"sh", "-c", "setsid sleep " + seconds + " & exit 5"}, folder)), 5);
    EXPECT_TRUE(processes_with("sleep " + seconds).empty());
}

TEST(Supervisor, KilledSupervisorTakesTheCommandAlong) {
    const test_support::TemporaryFolder folder;
    const std::string seconds = unique_seconds();
    const pid_t supervisor = start_supervisor({"sleep", seconds}, folder);
    ASSERT_TRUE(wait_until(5, [&] { return !processes_with("sleep " + seconds).empty(); }));
    kill(supervisor, SIGKILL);
    wait_for(supervisor);
    EXPECT_TRUE(wait_until(2, [&] { return processes_with("sleep " + seconds).empty(); }));
}

TEST(Supervisor, Usr1IsPassedOn) {
    const test_support::TemporaryFolder folder;
    const pid_t supervisor =
        start_supervisor({"sh", "-c", "trap 'exit 42' USR1; echo ready; while true; do sleep 0.05; done"}, folder);
    ASSERT_TRUE(wait_until(5, [&] { return test_support::read_text(folder / "log") == "ready\n"; }));
    kill(supervisor, SIGUSR1);
    EXPECT_EQ(wait_for(supervisor), 42);
}

TEST(Supervisor, CommandThatHangsAfterItsVerdictIsEnded) {
    const test_support::TemporaryFolder folder;
    const std::string seconds = unique_seconds();
    cluster::Supervision supervision;
    supervision.is_decided = [] { return true; };
    supervision.grace_seconds = 0.2;
    EXPECT_EQ(wait_for(start_supervisor({"sleep", seconds}, folder, supervision)), 128 + SIGTERM);
}
