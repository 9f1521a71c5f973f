#include <gtest/gtest.h>

#include <ATen/Parallel.h>

/// One main for every suite: one thread, as a worker rank runs.
int main(int argument_count, char** arguments) {
    at::set_num_threads(1);
    testing::InitGoogleTest(&argument_count, arguments);
    const int result = RUN_ALL_TESTS();
    // A filter or a build slip that leaves no test must not look like success.
    if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) return 1;
    return result;
}
