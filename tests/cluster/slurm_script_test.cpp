#include "cluster/slurm/slurm_script.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

#include "tests/support/paths.h"

// The text of a Slurm job, and what it does: run by bash with a stand-in for Slurm's scontrol.

namespace {

namespace fs = std::filesystem;
using cluster::SlurmJob;
using test_support::CommandResult;
using test_support::TemporaryFolder;

SlurmJob small_job() {
    SlurmJob job;
    job.folder = "/data/run";
    job.working_folder = "/home/user";
    job.command = {"/opt/diffinv", "run", "/home/user/job.ini", "--output", "/data/run"};
    job.nodes = 2;
    job.workers_per_node = 3;
    job.gpus_per_node = 3;
    job.time = "2:00:00";
    return job;
}

bool has_line(const std::string& script, const std::string& line) {
    return ("\n" + script).find("\n" + line + "\n") != std::string::npos;
}

/// The one line that is said about a job that is refused.
std::string refusal(const SlurmJob& job) {
    try {
        cluster::slurm_script(job);
        return "not refused";
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

/// A job whose command is a line of shell, run as Slurm would run it, beside a `scontrol` that writes down how it was
/// called and says a job's end.
class JobWithStandIn {
  public:
    explicit JobWithStandIn(const std::string& command, int shards = 0) {
        test_support::write_text(folder / "bin" / "scontrol",
                                 "#!/bin/sh\n[ \"$1\" = requeue ] && echo \"$2\" >>\"$CALLS\"\n"
                                 "[ \"$1\" = show ] && echo 'JobId=7 EndTime=2030-01-01T00:01:00 Requeue=1'\nexit 0\n");
        fs::permissions(folder / "bin" / "scontrol", fs::perms::owner_all);
        fs::create_directories(run());
        job.folder = run();
        job.working_folder = folder.path();
        job.command = {"/bin/sh", "-c", command};
        job.time = "1:00:00";
        job.shards = shards;
        job.requeue_limit = 2;
    }
    fs::path run() const { return folder / "the run's folder"; }
    /// @param before  shell that is run before the script, in its environment
    CommandResult operator()(const std::string& before = ":") const {
        test_support::write_text(folder / "job.sh", cluster::slurm_script(job));
        return test_support::run_command("export TZ=UTC PATH=" + (folder / "bin").string() +
                                         ":$PATH CALLS=" + (folder / "calls").string() + " SLURM_JOB_ID=7 && " +
                                         before + " && bash " + (folder / "job.sh").string());
    }
    std::string requeued() const { return test_support::read_text(folder / "calls"); }

    TemporaryFolder folder;
    SlurmJob job;
};

}  // namespace

TEST(SlurmScript, SaysWhatWasAskedFor) {
    SlurmJob job = small_job();
    job.extra = {"partition=gpu", "exclusive", "comment=\"a\\b\""};
    const std::string script = cluster::slurm_script(job);
    EXPECT_TRUE(script.starts_with("#!/bin/bash\n"));
    for (const std::string line :
         {"#SBATCH --job-name=run", "#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=3", "#SBATCH --gpus-per-node=3",
          "#SBATCH --time=2:00:00", "#SBATCH --signal=B:USR1@120", "#SBATCH --requeue", "#SBATCH --open-mode=append",
          "#SBATCH --no-kill", "#SBATCH --output=/data/run/logs/slurm-%j.log", "#SBATCH --partition=gpu",
          "#SBATCH --exclusive", "#SBATCH --comment=\"\\\"a\\\\b\\\"\"", "requeue_limit=20",
          "command=(/opt/diffinv run /home/user/job.ini --output /data/run --workers 6)"}) {
        EXPECT_TRUE(has_line(script, line)) << line << "\n" << script;
    }
    EXPECT_EQ(script.find("--array"), std::string::npos);
    EXPECT_EQ(script.find("--shard"), std::string::npos);
}

TEST(SlurmScript, ArrayElementsAreShards) {
    SlurmJob job = small_job();
    job.nodes = job.workers_per_node = 1;
    job.gpus_per_node = 0;
    job.shards = 12;
    const std::string script = cluster::slurm_script(job);
    EXPECT_TRUE(has_line(script, "#SBATCH --array=1-12"));
    EXPECT_TRUE(has_line(script, "#SBATCH --output=/data/run/logs/slurm-%A_%a.log"));
    EXPECT_NE(script.find("--shard \"$SLURM_ARRAY_TASK_ID/12\""), std::string::npos);
    EXPECT_EQ(script.find("--workers"), std::string::npos);
    EXPECT_EQ(script.find("--gpus-per-node"), std::string::npos);
    job.gpus_per_node = 2;
    EXPECT_EQ(refusal(job),
              "array: an element is one process; allowed: --nodes 1, --workers-per-node 1, --gpus-per-node 0 or 1");
}

TEST(SlurmScript, NoPlaceholderIsLeftAndAGivenNameWins) {
    SlurmJob job = small_job();
    job.extra = {"job-name=mine"};
    const std::string script = cluster::slurm_script(job);
    EXPECT_TRUE(has_line(script, "#SBATCH --job-name=mine"));
    EXPECT_FALSE(has_line(script, "#SBATCH --job-name=run"));
    for (const std::string name : {"@NODES@", "@EXTRA@", "@SHARDS@", "@COMMAND@", "@LOG@"}) {
        EXPECT_NE(cluster::slurm_job_template().find(name), std::string_view::npos) << name;
        EXPECT_EQ(script.find(name), std::string::npos) << name;
    }
    // A value that looks like a name is not filled in again.
    job.command = {"@NODES@"};
    EXPECT_NE(cluster::slurm_script(job).find("command=('@NODES@' "), std::string::npos);
}

TEST(SlurmScript, WordsReachTheCommandAsTheyAre) {
    for (const std::string word : {"plain", "a b", "it's", "$HOME `id` \\ \"", "", "*", "a\xc3\xa9", "-x=#1", "~"}) {
        const CommandResult result = test_support::run_command("printf %s " + cluster::shell_quoted(word));
        EXPECT_EQ(result.output, word);
    }
    EXPECT_EQ(cluster::shell_quoted("/a/b-c=1,2"), "/a/b-c=1,2");
    EXPECT_EQ(cluster::sbatch_quoted("a b"), "\"a b\"");
    EXPECT_EQ(cluster::sbatch_quoted("#1"), "\"#1\"");
}

TEST(SlurmScript, WhatAScriptCannotHoldIsRefusedInOneLine) {
    const auto refused = [](auto change) {
        SlurmJob job = small_job();
        change(job);
        const std::string line = refusal(job);
        EXPECT_EQ(line.find('\n'), std::string::npos);
        return line;
    };
    using std::string_literals::operator""s;
    EXPECT_EQ(refused([](SlurmJob& job) { job.command.push_back("--model=a\nb"); }),
              "command line: '--model=a?b' holds a line break or control character, which a script cannot");
    EXPECT_TRUE(refused([](SlurmJob& job) { job.command.push_back("a\0b"s); }).starts_with("command line: 'a?b'"));
    EXPECT_TRUE(refused([](SlurmJob& job) { job.folder = "/a\x1b"; }).starts_with("output: '/a?'"));
    EXPECT_TRUE(refused([](SlurmJob& job) { job.folder = "/a\\b"; }).starts_with("output: '/a\\b' holds a backslash"));
    EXPECT_TRUE(refused([](SlurmJob& job) { job.extra = {"partition=a\nb"}; }).starts_with("-x: 'partition=a?b'"));
    EXPECT_TRUE(
        refused([](SlurmJob& job) { job.extra = {"partition=a b"}; }).starts_with("-x partition=a b: the value"));
    EXPECT_TRUE(refused([](SlurmJob& job) { job.extra = {"partition="}; }).starts_with("-x partition=: the value"));
    EXPECT_TRUE(
        refused([](SlurmJob& job) { job.extra = {"Parti=x"}; }).starts_with("-x Parti=x: 'Parti' is no option"));
    for (const std::string key : {"nodes", "time", "array", "output", "requeue", "signal", "wrap"}) {
        EXPECT_EQ(
            refused([&](SlurmJob& job) { job.extra = {key + "=1"}; }),
            "-x " + key + "=1: " + key + " is set by 'diffinv submit' itself; allowed: any other option of sbatch");
    }
    EXPECT_EQ(refused([](SlurmJob& job) { job.nodes = 0; }), "nodes: 0, expected an integer from 1 to 100000");
    EXPECT_TRUE(refused([](SlurmJob& job) { job.nodes = 5000; }).starts_with("nodes: 5000 with 3 workers each"));
}

TEST(SlurmScript, TimeLimitsAsSlurmTakesThem) {
    EXPECT_EQ(cluster::time_limit_seconds("90"), 5400);
    EXPECT_EQ(cluster::time_limit_seconds("90:30"), 5430);
    EXPECT_EQ(cluster::time_limit_seconds("2:00:00"), 7200);
    EXPECT_EQ(cluster::time_limit_seconds("1-12"), 36 * 3600);
    EXPECT_EQ(cluster::time_limit_seconds("1-12:30"), 36 * 3600 + 1800);
    EXPECT_EQ(cluster::time_limit_seconds("1-00:00:05"), 24 * 3600 + 5);
    for (const std::string text : {"", "0", "0:30", "abc", "-5", "1h", "1:2:3:4", "1-", "5 ", "5\n", "UNLIMITED"}) {
        EXPECT_THROW(cluster::time_limit_seconds(text), std::invalid_argument) << text;
    }
    SlurmJob job = small_job();
    job.time = "1";
    EXPECT_TRUE(has_line(cluster::slurm_script(job), "#SBATCH --signal=B:USR1@10"));
}

TEST(SlurmScript, IsSoundShell) {
    for (const int shards : {0, 3}) {
        const JobWithStandIn job("exit 0", shards);
        test_support::write_text(job.folder / "job.sh", cluster::slurm_script(job.job));
        const CommandResult result = test_support::run_command("bash -n " + (job.folder / "job.sh").string());
        EXPECT_EQ(result.exit_code, 0) << result.errors;
        EXPECT_EQ(result.errors, "");
    }
}

TEST(SlurmScript, ExitCodeIsTheCommands) {
    for (const int code : {0, 2, 3, 4, 70, 75}) {
        const JobWithStandIn job("exit " + std::to_string(code));
        const CommandResult result = job();
        EXPECT_EQ(result.exit_code, code) << result.output << result.errors;
        EXPECT_EQ(job.requeued(), code == 75 ? "7\n" : "");
    }
}

TEST(SlurmScript, IncompleteGoesBackIntoTheQueueUpToTheLimit) {
    const JobWithStandIn job("exit 75");
    EXPECT_EQ(job("export SLURM_RESTART_COUNT=1").exit_code, 75);
    EXPECT_EQ(job.requeued(), "7\n");
    const CommandResult last = job("export SLURM_RESTART_COUNT=2");
    EXPECT_EQ(last.exit_code, 75);
    EXPECT_EQ(job.requeued(), "7\n");
    EXPECT_NE(last.output.find("the limit"), std::string::npos) << last.output;

    const JobWithStandIn element("exit 75", 3);
    EXPECT_EQ(element("export SLURM_ARRAY_JOB_ID=5 SLURM_ARRAY_TASK_ID=2").exit_code, 75);
    EXPECT_EQ(element.requeued(), "5_2\n");
}

TEST(SlurmScript, DrainedOrCancelledRunStaysOutOfTheQueue) {
    for (const std::string word : {"drain", "cancel"}) {
        JobWithStandIn job("touch '" + word + "'; exit 75");
        job.job.working_folder = job.run();
        EXPECT_EQ(job().exit_code, 75);
        EXPECT_EQ(job.requeued(), "");
        // And a job that still waited in the queue does not begin.
        const CommandResult later = job();
        EXPECT_EQ(later.exit_code, word == "cancel" ? 143 : 75) << later.output;
        EXPECT_EQ(later.output.find("begins on"), std::string::npos);
        EXPECT_EQ(job.requeued(), "");
    }
}

TEST(SlurmScript, CommandIsToldWhenTheJobEnds) {
    const JobWithStandIn job("echo \"$0 $@\"");
    // 2030-01-01T00:01:00 less a minute.
    EXPECT_NE(job().output.find("--workers 1 --deadline 1893456000\n"), std::string::npos) << job().output;
    const JobWithStandIn element("echo \"$0 $@\"", 3);
    const std::string output = element("export SLURM_ARRAY_JOB_ID=5 SLURM_ARRAY_TASK_ID=2").output;
    EXPECT_NE(output.find("--shard 2/3 --deadline"), std::string::npos) << output;
}

TEST(SlurmScript, SignalsReachTheCommandAndItsEndIsAwaited) {
    for (const std::string name : {"USR1", "TERM"}) {
        const std::string code = name == "USR1" ? "75" : "143";
        // Tells the script, as Slurm would, and goes on for a while after it was told itself.
        const JobWithStandIn job("trap 'sleep 0.3; exit " + code + "' " + name + "; kill -s " + name +
                                 " $PPID; while :; do sleep 0.05; done");
        const CommandResult result = job();
        EXPECT_EQ(result.exit_code, std::stoi(code)) << result.output << result.errors;
        EXPECT_EQ(job.requeued(), name == "USR1" ? "7\n" : "");
    }
    // Before the command can take it.
    const JobWithStandIn early("kill -s USR1 $$");
    EXPECT_EQ(early().exit_code, 75);
    EXPECT_EQ(early.requeued(), "7\n");
}
