#include <gtest/gtest.h>
#include <mpi.h>

#include "cluster/mpi_environment.h"

/// Every rank runs every test; the launch fails where one rank fails, whatever the others say.
int main(int argument_count, char** arguments) {
    testing::InitGoogleTest(&argument_count, arguments);
    const cluster::MpiEnvironment mpi;
    if (mpi.rank() != 0) {
        auto& listeners = testing::UnitTest::GetInstance()->listeners();
        delete listeners.Release(listeners.default_result_printer());
    }
    int is_failed = RUN_ALL_TESTS();
    if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) is_failed = 1;
    if (is_failed != 0) std::fprintf(stderr, "rank %d: tests failed\n", mpi.rank());
    int is_any_failed = 0;
    MPI_Allreduce(&is_failed, &is_any_failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return is_any_failed;
}
