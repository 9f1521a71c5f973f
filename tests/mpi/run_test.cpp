#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "tests/cluster/processes.h"
#include "tests/mpi/small_runs.h"

// `diffinv run` under real mpirun: the same bytes on any number of workers and after any end, no orphans, exit codes.

namespace {

namespace fs = std::filesystem;
using namespace test_support;

}  // namespace

TEST(Run, SameBytesOnOneTwoAndThreeWorkers) {
    const TemporaryFolder folder;
    const std::string job = write_varied_job(folder);
    std::map<std::string, std::string> first;
    for (const int workers : {1, 2, 3}) {
        const fs::path run = folder / ("on" + std::to_string(workers));
        const CommandResult result = run_job(job, run, workers);
        ASSERT_EQ(result.exit_code, 0) << result.errors << test_support::read_text(run / "logs" / "mpirun.log");
        EXPECT_EQ(result.errors, "");
        // And a measurement for each operator and block.
        const std::map<std::string, std::string> found = hashes(run);
        EXPECT_EQ(found.size(), varied_units + 2u * 2);
        if (workers == 1) first = found;
        EXPECT_EQ(found, first) << workers << " workers";
        EXPECT_TRUE(fs::exists(run / "results.h5"));
        const std::string log = test_support::read_text(run / "logs" / "rank-0001.jsonl");
        EXPECT_NE(log.find("replicas agree"), std::string::npos) << log;
    }
}

TEST(Run, SameBytesWhereWorkersWorkAhead) {
    const TemporaryFolder folder;
    const std::string job = write_varied_job(folder);
    ASSERT_EQ(run_job(job, folder / "plain", 1).exit_code, 0);
    for (const int workers : {1, 2}) {
        const fs::path run = folder / ("ahead" + std::to_string(workers));
        const CommandResult result = run_job(job, run, workers, "--work-ahead 1");
        ASSERT_EQ(result.exit_code, 0) << result.errors << test_support::read_text(run / "logs" / "mpirun.log");
        EXPECT_EQ(hashes(run), hashes(folder / "plain")) << workers << " workers";
        // A unit was dealt before the one before it was done.
        const std::string journal = test_support::read_text(run / "journal.jsonl");
        const std::size_t second = journal.find("\"assigned\"", journal.find("\"assigned\"") + 1);
        EXPECT_LT(second, journal.find("\"committed\"")) << journal;
    }
    const CommandResult wrong = run_job(job, folder / "wrong", 1, "--work-ahead 2");
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_EQ(wrong.errors, "diffinv: work-ahead: '2', expected 0 or 1\n");
}

TEST(Run, SamplesSayTheSameTogetherOnAnyNumberOfWorkers) {
    const TemporaryFolder folder;
    const std::string job = write_job(folder,
                                      "images = 0-2\nbatch = 2\nsteps = 3\nsamples = 3\nmethod = sdedit, dps\n"
                                      "operator = random\n");
    for (const int workers : {1, 3}) {
        const CommandResult result = run_job(job, folder / ("on" + std::to_string(workers)), workers);
        ASSERT_EQ(result.exit_code, 0) << result.errors;
        EXPECT_NE(result.output.find("several samples"), std::string::npos) << result.output;
    }
    const CommandResult compared =
        run_command("/usr/bin/python3 " + (source_folder() / "tests" / "mpi" / "compare_posterior.py").string() + " " +
                    (folder / "on1" / "results.h5").string() + " " + (folder / "on3" / "results.h5").string());
    EXPECT_EQ(compared.exit_code, 0) << compared.output << compared.errors;
}

TEST(Run, InsideAForeignMpiLaunchGivesTheSameBytes) {
    const TemporaryFolder folder;
    const std::string job = write_varied_job(folder);
    ASSERT_EQ(run_job(job, folder / "own", 1).exit_code, 0);
    const CommandResult result = test_support::run_command(
        "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none "
        "mpirun --oversubscribe --bind-to none -np 3 " +
        program() + " run " + job + " --output " + (folder / "foreign").string());
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(hashes(folder / "foreign"), hashes(folder / "own"));
    // A refusal there ends all ranks, with its exit code.
    const CommandResult refusal = test_support::run_command(
        "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_vader_single_copy_mechanism=none "
        "mpirun --oversubscribe --bind-to none -np 3 " +
        program() + " run " + job + " --sedd 3");
    EXPECT_EQ(refusal.exit_code, 2) << refusal.errors;
    EXPECT_NE(refusal.errors.find("diffinv: "), std::string::npos);
}

class RunThatIsEnded : public testing::TestWithParam<int> {};

TEST_P(RunThatIsEnded, ContinuesToTheSameBytesAndLeavesNoOrphan) {
    const TemporaryFolder folder;
    const std::string job = write_long_job(folder);
    const fs::path run = folder / "ended";
    const pid_t process = start_job(job, run, 2, folder / "log");
    ASSERT_TRUE(wait_until(60, [&] { return committed_units(run) >= 2; })) << test_support::read_text(folder / "log");
    kill(process, GetParam());
    EXPECT_EQ(end_of(process), 128 + GetParam());
    EXPECT_TRUE(wait_until(GetParam() == SIGKILL ? 3 : 0.1, [&] { return processes_with(run.string()).empty(); }));
    const int committed = committed_units(run);
    ASSERT_LT(committed, long_units) << "the run was over before it was ended";

    const CommandResult again = run_job(job, run, 2);
    ASSERT_EQ(again.exit_code, 0) << again.errors;
    EXPECT_NE(again.output.find("done before"), std::string::npos) << again.output;
    ASSERT_EQ(run_job(job, folder / "whole", 1).exit_code, 0);
    EXPECT_EQ(hashes(run), hashes(folder / "whole"));
}

INSTANTIATE_TEST_SUITE_P(BySignal, RunThatIsEnded, testing::Values(SIGTERM, SIGINT, SIGKILL));

TEST(Run, Usr1DrainsAndTheSameCommandContinues) {
    const TemporaryFolder folder;
    const std::string job = write_long_job(folder);
    const fs::path run = folder / "drained";
    const pid_t process = start_job(job, run, 1, folder / "log");
    ASSERT_TRUE(
        wait_until(60, [&] { return count_of(test_support::read_text(run / "journal.jsonl"), "assigned") >= 2; }));
    kill(process, SIGUSR1);
    EXPECT_EQ(end_of(process), 75) << test_support::read_text(folder / "log");
    const int committed = committed_units(run);
    EXPECT_GE(committed, 2) << "what ran when it was told to drain is finished";
    EXPECT_LT(committed, long_units);
    EXPECT_EQ(run_job(job, run, 2).exit_code, 0);
    EXPECT_EQ(committed_units(run), long_units);
}

TEST(Run, BadImageIsARowAndItsBatchMatesKeepTheirBytes) {
    const TemporaryFolder folder;
    const fs::path photos = folder / "photos";
    fs::create_directories(photos);
    for (const char* name : {"chelsea.png", "coffee.png", "kodim07.png", "kodim23.png"}) {
        fs::copy(source_folder() / "jobs" / "quickstart" / "images" / name, photos / name);
    }
    const std::string job = (folder / "job.ini").string();
    write_text(job, "dataset = photos\nmodel = " + (source_folder() / "jobs" / "quickstart" / "model").string() +
                        "\nsteps = 3\nbatch = 4\nmethod = sdedit, dps, score_ald\noperator = box, random\n");
    ASSERT_EQ(run_job(job, folder / "whole", 1).exit_code, 0);
    // Header and end stay as they are, so that planning finds nothing.
    std::string bytes = read_text(photos / "coffee.png");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
    write_text(photos / "coffee.png", bytes);
    const CommandResult damaged = run_job(job, folder / "damaged", 2);
    EXPECT_EQ(damaged.exit_code, 0) << damaged.errors;
    const CommandResult compared =
        run_command("/usr/bin/python3 " + (source_folder() / "tests" / "mpi" / "compare_rows.py").string() + " " +
                    (folder / "whole" / "results.h5").string() + " " + (folder / "damaged" / "results.h5").string() +
                    " coffee.png");
    EXPECT_EQ(compared.exit_code, 0) << compared.output << compared.errors;
    EXPECT_EQ(compared.output, "18 rows the same, 6 unreadable\n");
}

TEST(Run, CompleteRunSaysSoAndStartsNothing) {
    const TemporaryFolder folder;
    const std::string job = write_varied_job(folder);
    ASSERT_EQ(run_job(job, folder / "run", 1).exit_code, 0);
    fs::remove(folder / "run" / "results.h5");
    fs::remove_all(folder / "run" / "logs");
    const CommandResult again = run_job(job, folder / "run", 3);
    EXPECT_EQ(again.exit_code, 0) << again.errors;
    EXPECT_NE(again.output.find("all done before"), std::string::npos) << again.output;
    EXPECT_TRUE(fs::exists(folder / "run" / "results.h5"));
    EXPECT_FALSE(fs::exists(folder / "run" / "logs" / "mpirun.log"));
}

TEST(Run, DamagedMeasurementQuarantinesItsUnitsAlone) {
    const TemporaryFolder folder;
    const std::string job = write_varied_job(folder);
    const fs::path run = folder / "run";
    ASSERT_EQ(run_job(job, run, 1).exit_code, 0);
    // One measurement loses its end, and the units that start from it are to be computed again.
    fs::path damaged;
    for (const auto& entry : fs::recursive_directory_iterator(run / "measurements")) {
        if (entry.path().filename() == "block-0001.h5" && entry.path().string().find("box") != std::string::npos)
            damaged = entry.path();
    }
    ASSERT_FALSE(damaged.empty());
    fs::resize_file(damaged, fs::file_size(damaged) / 2);
    fs::remove_all(run / "units" / "000");
    const CommandResult result = run_job(job, run, 2);
    EXPECT_EQ(result.exit_code, 3) << result.errors;
    // A line for each unit, and one for the results that cannot be merged.
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 4) << result.errors;
    EXPECT_NE(result.errors.find("block-0001.h5"), std::string::npos) << result.errors;
    EXPECT_EQ(committed_units(run), varied_units - 3);
}
