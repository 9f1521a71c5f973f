#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "tests/cluster/processes.h"
#include "tests/mpi/small_runs.h"

// Real ranks under real mpirun, killed, stopped, drained and out of space: nothing lost, the same bytes, nothing left.

namespace {

namespace fs = std::filesystem;
using namespace test_support;

/// What an undisturbed run of the long job gives.
const std::map<std::string, std::string>& undisturbed() {
    static const std::map<std::string, std::string> found = [] {
        const TemporaryFolder folder;
        run_job(write_long_job(folder), folder / "whole", 2);
        return hashes(folder / "whole");
    }();
    return found;
}

std::string journal_of(const fs::path& run) {
    return read_text(run / "journal.jsonl");
}

bool wait_for_units(const fs::path& run, int count) {
    return wait_until(60, [&] { return committed_units(run) >= count; });
}

void expect_nothing_left(const fs::path& run) {
    EXPECT_TRUE(wait_until(3, [&] { return processes_with(run.string()).empty(); }));
    EXPECT_EQ(temporaries(run), 0);
}

}  // namespace

TEST(RunSurvives, KilledWorkerIsReplacedAndTheRunGoesOn) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const pid_t process = start_job(write_long_job(folder), run, 2, folder / "log");
    ASSERT_TRUE(wait_for_units(run, 1));
    const std::vector<int> worker = processes_of_rank(run, 2);
    ASSERT_EQ(worker.size(), 1u);
    kill(worker[0], SIGKILL);
    EXPECT_EQ(end_of(process), 0) << read_text(folder / "log");
    const std::string journal = journal_of(run);
    EXPECT_EQ(count_of(journal, "\"died\""), 1) << journal;
    EXPECT_EQ(count_of(journal, "\"worker started\""), 1) << journal;
    EXPECT_NE(journal.find("worker 2 on"), std::string::npos);
    EXPECT_EQ(hashes(run), undisturbed());
    expect_nothing_left(run);
}

TEST(RunSurvives, KilledWorkerThatHeldTwoUnitsLosesNeither) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const pid_t process = start_job(write_long_job(folder), run, 1, folder / "log", {"--work-ahead", "1"});
    ASSERT_TRUE(wait_for_units(run, 1));
    const std::vector<int> worker = processes_of_rank(run, 1);
    ASSERT_EQ(worker.size(), 1u);
    kill(worker[0], SIGKILL);
    EXPECT_EQ(end_of(process), 0) << read_text(folder / "log");
    const std::string journal = journal_of(run);
    EXPECT_GE(count_of(journal, "\"died\""), 1) << journal;
    EXPECT_EQ(count_of(journal, "\"worker started\""), 1) << journal;
    EXPECT_EQ(hashes(run), undisturbed());
    expect_nothing_left(run);
}

TEST(RunSurvives, OnlyWorkerKilledAgainAndAgainIsReplacedThreeTimes) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const pid_t process = start_job(write_long_job(folder), run, 1, folder / "log");
    for (int killed = 0; killed < 4; ++killed) {
        ASSERT_TRUE(wait_until(60, [&] { return count_of(journal_of(run), "\"assigned\"") > killed; }));
        // A replacement is rank 0 of a world of its own, and the newest process.
        const std::vector<int> ranks = killed == 0 ? processes_of_rank(run, 1) : processes_with("rank " + run.string());
        ASSERT_FALSE(ranks.empty());
        // Within milliseconds of its first unit: the launching program may not have seen yet that the run has started.
        kill(*std::max_element(ranks.begin(), ranks.end()), SIGKILL);
        ASSERT_TRUE(wait_until(5, [&] { return count_of(journal_of(run), "\"died\"") > killed; }));
    }
    EXPECT_EQ(end_of(process), 75) << read_text(folder / "log");
    EXPECT_NE(read_text(folder / "log").find("no worker is left"), std::string::npos);
    expect_nothing_left(run);
    // The unit that was in work is given up after three deaths, and tried again where that is asked for.
    const CommandResult again = run_job(write_long_job(folder), run, 2);
    EXPECT_EQ(again.exit_code, 3) << again.errors;
    EXPECT_NE(again.errors.find("unit 0 failed: worker"), std::string::npos) << again.errors;
    EXPECT_EQ(run_job(write_long_job(folder), run, 2).exit_code, 3) << "it stays given up";
    const CommandResult retried = run_job(write_long_job(folder), run, 2, "--retry-failed");
    EXPECT_EQ(retried.exit_code, 0) << retried.errors;
    EXPECT_EQ(hashes(run), undisturbed());
}

TEST(RunSurvives, ReplacementThatEndsBeforeItHasJoinedDoesNotHangTheRun) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const pid_t process = start_job(write_long_job(folder), run, 2, folder / "log", {"--worker-timeout", "10"});
    ASSERT_TRUE(wait_for_units(run, 1));
    kill(processes_of_rank(run, 2).at(0), SIGKILL);
    // At its first sight it loads its libraries still.
    int started = 0;
    ASSERT_TRUE(wait_until(10, [&] {
        for (const int candidate : processes_with("rank " + run.string())) {
            const std::string words = read_text("/proc/" + std::to_string(candidate) + "/cmdline");
            if (words.find("--number") != std::string::npos) started = candidate;
        }
        return started != 0;
    }));
    kill(started, SIGKILL);
    EXPECT_EQ(end_of(process), 0) << read_text(folder / "log");
    EXPECT_NE(read_text(folder / "log").find("did not join within 10 s; starting again"), std::string::npos)
        << read_text(folder / "log");
    EXPECT_EQ(hashes(run), undisturbed());
    expect_nothing_left(run);
}

TEST(RunSurvives, KilledCoordinatorOrLauncherLeavesNothingAndTheSameCommandContinues) {
    for (const std::string victim : {"coordinator", "mpirun", "program"}) {
        const TemporaryFolder folder;
        const fs::path run = folder / "run";
        const pid_t process = start_job(write_long_job(folder), run, 2, folder / "log");
        ASSERT_TRUE(wait_for_units(run, 1));
        int target = process;
        if (victim == "coordinator") target = processes_of_rank(run, 0).at(0);
        if (victim == "mpirun") {
            for (const int candidate : processes_with(run.string())) {
                if (read_text("/proc/" + std::to_string(candidate) + "/comm") == "mpirun\n") target = candidate;
            }
            ASSERT_NE(target, process);
        }
        kill(target, SIGKILL);
        EXPECT_EQ(end_of(process), victim == "program" ? 137 : 70) << victim << read_text(folder / "log");
        EXPECT_TRUE(wait_until(5, [&] { return processes_with(run.string()).empty(); })) << victim;
        EXPECT_LT(committed_units(run), long_units);
        const CommandResult again = run_job(write_long_job(folder), run, 2);
        EXPECT_EQ(again.exit_code, 0) << victim << again.errors;
        EXPECT_EQ(hashes(run), undisturbed()) << victim;
        expect_nothing_left(run);
    }
}

TEST(RunSurvives, StoppedWorkerIsTakenForDeadAndKilled) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const pid_t process =
        start_job(write_long_job(folder), run, 2, folder / "log", {"--worker-timeout", "3", "--start-timeout", "5"});
    ASSERT_TRUE(wait_for_units(run, 1));
    kill(processes_of_rank(run, 1).at(0), SIGSTOP);
    EXPECT_EQ(end_of(process), 0) << read_text(folder / "log");
    EXPECT_NE(journal_of(run).find("has said nothing for"), std::string::npos);
    EXPECT_EQ(hashes(run), undisturbed());
    expect_nothing_left(run);
}

TEST(RunSurvives, DrainAndCancelFromTheFolder) {
    const TemporaryFolder folder;
    const std::string job = write_long_job(folder);
    const fs::path run = folder / "run";
    for (const auto& [command, exit_code] : {std::pair<std::string, int>("drain", 75), {"cancel", 143}}) {
        const int before = fs::exists(run) ? committed_units(run) : 0;
        const pid_t process = start_job(job, run, 2, folder / "log");
        ASSERT_TRUE(wait_for_units(run, before + 1));
        EXPECT_EQ(run_command(program() + " " + command + " " + run.string()).exit_code, 0);
        EXPECT_EQ(end_of(process), exit_code) << read_text(folder / "log");
        EXPECT_EQ(count_of(journal_of(run), "\"died\""), 0);
        expect_nothing_left(run);
        EXPECT_LT(committed_units(run), long_units);
    }
    const CommandResult again = run_job(job, run, 2);
    EXPECT_EQ(again.exit_code, 0) << again.errors;
    EXPECT_EQ(hashes(run), undisturbed());
    EXPECT_FALSE(fs::exists(run / "drain"));
    EXPECT_FALSE(fs::exists(run / "cancel"));
}

TEST(RunSurvives, DeadlineEndsItInTime) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const CommandResult result = run_job(write_long_job(folder), run, 1, "--deadline $(($(date +%s) + 13))");
    EXPECT_EQ(result.exit_code, 75) << result.errors;
    EXPECT_NE(result.errors.find("the same command continues the run"), std::string::npos) << result.errors;
    const int committed = committed_units(run);
    EXPECT_GE(committed, 1);
    EXPECT_LT(committed, long_units);
    expect_nothing_left(run);
}

TEST(RunSurvives, DamagedFilesAreNamedAndComputedAgain) {
    const TemporaryFolder folder;
    const std::string job = write_long_job(folder);
    const fs::path run = folder / "run";
    ASSERT_EQ(run_job(job, run, 2).exit_code, 0);
    const std::string verify = program() + " verify " + run.string();
    EXPECT_EQ(run_command(verify).exit_code, 0);
    const fs::path unit = run / "units" / "000" / "unit-000003.h5";
    fs::resize_file(unit, fs::file_size(unit) - 100);
    for (const auto& entry : fs::recursive_directory_iterator(run / "measurements")) {
        if (entry.path().filename() == "block-0001.h5") fs::remove(entry.path());
    }
    const CommandResult damaged = run_command(verify);
    EXPECT_EQ(damaged.exit_code, 3);
    EXPECT_NE(damaged.output.find("units/000/unit-000003.h5: "), std::string::npos) << damaged.output;
    EXPECT_NE(damaged.output.find("block-0001.h5: is missing"), std::string::npos) << damaged.output;
    const CommandResult repaired = run_command(verify + " --repair --workers 2");
    EXPECT_EQ(repaired.exit_code, 0) << repaired.errors;
    EXPECT_NE(repaired.output.find("; 8 done before; 2 workers"), std::string::npos) << repaired.output;
    EXPECT_EQ(run_command(verify).exit_code, 0);
    EXPECT_EQ(hashes(run), undisturbed());
}

TEST(RunSurvives, SecondRunOfAFolderIsRefusedWhileTheFirstIsAtWork) {
    const TemporaryFolder folder;
    const fs::path run = folder / "run";
    const pid_t process = start_job(write_long_job(folder), run, 1, folder / "log");
    ASSERT_TRUE(wait_for_units(run, 1));
    const CommandResult second = run_job(write_long_job(folder), run, 1);
    EXPECT_EQ(second.exit_code, 2);
    EXPECT_NE(second.errors.find("is being run by process"), std::string::npos) << second.errors;
    kill(process, SIGTERM);
    EXPECT_EQ(end_of(process), 143);
}

TEST(RunSurvives, PartsAndShardsMakeTheWhole) {
    const TemporaryFolder folder;
    const std::string job = write_long_job(folder);
    const fs::path parts = folder / "parts", shards = folder / "shards";
    const CommandResult part = run_job(job, parts, 2, "--only method=sdedit");
    EXPECT_EQ(part.exit_code, 0) << part.errors;
    EXPECT_EQ(committed_units(parts), 2);
    EXPECT_EQ(run_job(job, parts, 2, "--only method=dps").exit_code, 2);
    EXPECT_EQ(run_job(job, parts, 2, "--only method=ddpm").exit_code, 0);
    EXPECT_EQ(hashes(parts), undisturbed());
    for (const char* shard : {"2/3", "1/3", "3/3"}) {
        const CommandResult result = run_job(job, shards, 1, std::string("--shard ") + shard);
        EXPECT_EQ(result.exit_code, 0) << result.errors;
        EXPECT_EQ(fs::exists(shards / "results.h5"), std::string(shard) == "3/3");
    }
    EXPECT_EQ(hashes(shards), undisturbed());
    EXPECT_EQ(run_job(job, shards, 1, "--shard 0/3").exit_code, 2);
    EXPECT_NE(run_job(job, shards, 1).output.find("all done before"), std::string::npos);
}

#ifdef DIFFINV_OWN_MOUNTS
TEST(RunSurvives, FullDiskAndReadOnlyMountEndTheRunAndNothingIsLost) {
    const TemporaryFolder folder;
    const std::string job = write_long_job(folder);
    const fs::path disk = folder / "disk", kept = folder / "kept";
    fs::create_directories(disk);
    const std::string run = program() + " run " + job + " --output " + (disk / "run").string() + " --workers 2";
    // Room for some units, then none; then the mount becomes read-only; then there is enough.
    const std::string script = "set -u; mount -t tmpfs -o size=700k none " + disk.string() + "; " + run +
                               "; echo full $?; ls " + (disk / "run/units/000").string() + " | wc -l; " +
                               "mount -o remount,size=60m,ro " + disk.string() + "; " + run + "; echo readonly $?; " +
                               "mount -o remount,rw " + disk.string() + "; " + run + "; echo whole $?; find " +
                               disk.string() + " -name '*.tmp' | wc -l; cp -r " + (disk / "run").string() + " " +
                               kept.string() + "; chmod -R a+rwX " + kept.string();
    write_text(folder / "script", script);
    const CommandResult result = run_command(DIFFINV_OWN_MOUNTS " sh " + (folder / "script").string());
    EXPECT_NE(result.output.find("full 4"), std::string::npos) << result.output << result.errors;
    EXPECT_NE(result.output.find("readonly 4"), std::string::npos) << result.output << result.errors;
    EXPECT_NE(result.output.find("whole 0\n0\n"), std::string::npos) << result.output << result.errors;
    EXPECT_NE(result.errors.find("No space left on device"), std::string::npos) << result.errors;
    EXPECT_NE(result.errors.find("Read-only file system"), std::string::npos) << result.errors;
    EXPECT_EQ(hashes(kept), undisturbed());
}
#endif
