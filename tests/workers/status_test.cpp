#include "workers/status.h"

#include <gtest/gtest.h>

#include "tests/support/paths.h"
#include "workers/verdict.h"

TEST(Status, SurvivesItsFile) {
    const test_support::TemporaryFolder folder;
    EXPECT_FALSE(workers::read_status(folder.path()).has_value());
    workers::Status status;
    status.state = "running";
    status.units = 10;
    status.committed = 4;
    status.running = 2;
    status.quarantined = 1;
    status.units_per_second = 0.5;
    status.seconds_left = 12;
    status.time = 1e9;
    status.workers = {{1, "n1", "working", 5, 0.25, "cuda:0 H100 GPU-1"}};
    workers::write_status(folder.path(), status);
    const auto read = workers::read_status(folder.path());
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(workers::to_json(*read), workers::to_json(status));
    EXPECT_EQ(read->workers.size(), 1u);
    EXPECT_EQ(read->committed, 4);
}

TEST(Status, TornFileIsNoStatus) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "status.json", R"({"state": "running", "uni)");
    EXPECT_FALSE(workers::read_status(folder.path()).has_value());
    test_support::write_text(folder / "status.json", R"({"state": "running"})");
    EXPECT_FALSE(workers::read_status(folder.path()).has_value());
}

TEST(Status, RanksOfGpusAreToldOnce) {
    workers::Status status;
    status.workers = {{1, "n1", "working", 5, 0.25, "cuda:0 H100 GPU-1"}, {2, "n1", "loading", -1, 0, ""}};
    std::set<int> told;
    EXPECT_EQ(workers::new_gpu_lines(status, told), (std::vector<std::string>{"rank 1 on n1: cuda:0 H100 GPU-1"}));
    status.workers[1].device = "cuda:1 H100 GPU-2";
    EXPECT_EQ(workers::new_gpu_lines(status, told), (std::vector<std::string>{"rank 2 on n1: cuda:1 H100 GPU-2"}));
    EXPECT_TRUE(workers::new_gpu_lines(status, told).empty());
    status.workers = {{1, "n1", "working", 5, 0.25, "cpu"}};
    told.clear();
    EXPECT_TRUE(workers::new_gpu_lines(status, told).empty());
}

TEST(Status, ProgressLineSaysWhatIsKnown) {
    workers::Status status;
    status.units = 1800;
    EXPECT_EQ(workers::progress_line(status), "0/1800 units");
    status.committed = 412;
    status.units_per_second = 3.1;
    status.seconds_left = 447;
    status.quarantined = 2;
    EXPECT_EQ(workers::progress_line(status), "412/1800 units, 3.10/s, 7 min left, 2 failed");
    status.units_per_second = 0.05;
    status.seconds_left = 12000;
    EXPECT_EQ(workers::progress_line(status), "412/1800 units, 3.00/min, 3 h 20 min left, 2 failed");
}

TEST(Verdict, SurvivesItsFile) {
    const test_support::TemporaryFolder folder;
    EXPECT_FALSE(workers::read_verdict(folder.path()).has_value());
    workers::write_verdict(folder.path(), {3, "1 units failed", {{12, "no \"room\""}}});
    const auto verdict = workers::read_verdict(folder.path());
    ASSERT_TRUE(verdict.has_value());
    EXPECT_EQ(verdict->exit_code, 3);
    EXPECT_EQ(verdict->reason, "1 units failed");
    ASSERT_EQ(verdict->quarantined.size(), 1u);
    EXPECT_EQ(verdict->quarantined[0].number, 12);
    EXPECT_EQ(verdict->quarantined[0].reason, "no \"room\"");
    workers::remove_verdict(folder.path());
    EXPECT_FALSE(workers::read_verdict(folder.path()).has_value());
}
