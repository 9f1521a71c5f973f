#include "cluster/cuda_devices.h"

#include <gtest/gtest.h>

#include "cluster/cuda_side.h"
#include "tests/support/paths.h"

// The driver and the CUDA side, with small libraries in their place: what a machine has, and what is said where it
// lacks something.

namespace {

using cluster::CudaSide;
using cluster::CudaSideError;

std::string stand_in(const std::string& name) {
    return (test_support::binary_folder() / "tests" / ("lib" + name + ".so")).string();
}

std::string refusal_of_side(const std::string& library) {
    try {
        CudaSide(library, "1.2.3");
    } catch (const CudaSideError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST(CudaDevices, AreDescribedAsTheDriverSays) {
    const cluster::CudaDevices found = cluster::find_cuda_devices(stand_in("driver_two"));
    EXPECT_EQ(found.reason, "");
    ASSERT_EQ(found.devices.size(), 2u);
    EXPECT_EQ(found.devices[0].name, "First GPU");
    EXPECT_EQ(found.devices[1].name, "Second GPU");
    EXPECT_EQ(found.devices[1].uuid, "GPU-01112131-4151-6171-8191-a1b1c1d1e1f1");
    EXPECT_EQ(found.devices[1].memory_bytes, 71000);
    EXPECT_EQ(found.devices[1].major, 9);
    EXPECT_EQ(found.devices[1].minor, 1);
    EXPECT_EQ(found.devices[1].index, 1);
}

TEST(CudaDevices, NoneIsSaidWithItsReason) {
    const auto reason = [](const std::string& driver) {
        const cluster::CudaDevices found = cluster::find_cuda_devices(driver);
        EXPECT_TRUE(found.devices.empty());
        return found.reason;
    };
    EXPECT_EQ(reason("libno_such_driver.so.1"), "there is no NVIDIA driver (libno_such_driver.so.1 was not found)");
    EXPECT_EQ(reason(stand_in("driver_failing")), "the NVIDIA driver finds no GPU (cuInit: 100 CUDA_ERROR_NO_DEVICE)");
    EXPECT_EQ(reason(stand_in("driver_empty")), "the NVIDIA driver finds no GPU");
    EXPECT_EQ(reason(stand_in("driver_old")),
              "the NVIDIA driver finds no GPU (the NVIDIA driver has no cuDeviceGetUuid_v2)");
}

TEST(CudaDevices, WorkersOfAHostTakeThemInTurn) {
    EXPECT_EQ(cluster::device_of_worker(0, 3), 0);
    EXPECT_EQ(cluster::device_of_worker(2, 3), 2);
    EXPECT_EQ(cluster::device_of_worker(3, 3), 0);
    EXPECT_THROW(cluster::device_of_worker(0, 0), std::invalid_argument);
    EXPECT_THROW(cluster::device_of_worker(-1, 2), std::invalid_argument);
}

TEST(CudaSide, IsOpenedAndAsked) {
    const CudaSide side(stand_in("side_good"), "1.2.3");
    EXPECT_TRUE(CudaSide::is_open());
    EXPECT_EQ(reinterpret_cast<int (*)()>(side.symbol("answer"))(), 42);
    EXPECT_THROW(side.symbol("no_such_function"), CudaSideError);
}

TEST(CudaSide, SaysWhatIsMissing) {
    EXPECT_EQ(refusal_of_side("/no/such/libdiffinv_cuda.so"),
              "this program was built without its CUDA side (there is no /no/such/libdiffinv_cuda.so); build it where "
              "the CUDA toolkit is");
    EXPECT_NE(refusal_of_side(stand_in("side_missing")).find("function_that_nobody_has"), std::string::npos)
        << refusal_of_side(stand_in("side_missing"));
    EXPECT_NE(refusal_of_side(stand_in("side_old")).find("is of version 1.2.2, this program is of 1.2.3"),
              std::string::npos);
}
