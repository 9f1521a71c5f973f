// The kernels of operators/kernels, run by the emulator, have the bits of their twins on the CPU.

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include "operators/kernels/keyed_normals.h"
#include "operators/kernels/masked.h"
#include "operators/kernels/masked_launch.h"
#include "operators/kernels/mirrored_blur.h"
#include "operators/kernels/mirrored_blur_launch.h"
#include "operators/kernels/philox_normals.h"
#include "tests/gpu/host_tensors.h"

namespace {

at::Tensor emulated_normals(const at::Tensor& keys, std::int64_t count, std::int64_t level, std::int64_t inner,
                            std::int64_t offset) {
    // `offset` floats past an address of 16 bytes
    at::Tensor out = at::full({offset + keys.size(0) * count + 1}, -99.0f);
    EXPECT_EQ(
        operators::launch_philox_normals(out.mutable_data_ptr<float>() + offset, keys.const_data_ptr<std::int64_t>(),
                                         keys.size(0), count, &level, static_cast<std::uint32_t>(inner), nullptr),
        cudaSuccess);
    EXPECT_EQ(out[-1].item<float>(), -99.0f) << "wrote beyond the end";
    return out.narrow(0, offset, keys.size(0) * count).view({keys.size(0), count});
}

TEST(PhiloxKernel, HasTheBitsOfTheCpuWhateverTheRowsAlignment) {
    const at::Tensor keys = at::tensor(std::vector<std::int64_t>{0, -1, 0x123456789ABCDEF, INT64_MIN, 77});
    for (const std::int64_t count : {1, 2, 3, 4, 5, 64, 1023, 1024, 3 * 17 * 19}) {
        for (const std::int64_t offset : {0, 1}) {
            const at::Tensor level = at::full({}, 731, at::kLong);
            EXPECT_TRUE(has_same_bits(emulated_normals(keys, count, 731, 0xFFFFFFFF, offset),
                                      operators::keyed_normals(keys, count, level, 0xFFFFFFFF)))
                << count << " " << offset;
        }
    }
}

TEST(MaskedKernel, HasTheBitsOfTheCpu) {
    for (const std::int64_t images : {1, 5}) {
        for (const auto& [height, width] : {std::pair(8, 8), std::pair(7, 5), std::pair(40, 33)}) {
            const at::Tensor x = at::randn({images, 3, height, width});
            for (const bool has_own_masks : {false, true}) {
                const at::Tensor mask = (at::rand({has_own_masks ? images : 1, 1, height, width}) > 0.5).to(at::kFloat);
                at::Tensor out = at::empty_like(x);
                ASSERT_EQ(operators::launch_masked(out.mutable_data_ptr<float>(), x.const_data_ptr<float>(),
                                                   mask.const_data_ptr<float>(), images, 3, height * width,
                                                   has_own_masks, nullptr),
                          cudaSuccess);
                EXPECT_TRUE(has_same_bits(out, operators::masked(x, mask)));
            }
        }
    }
}

TEST(MirroredBlurKernel, HasTheBitsOfTheCpu) {
    for (const auto& [taps_down, taps_across] : {std::pair(1, 1), std::pair(3, 7), std::pair(21, 25)}) {
        const at::Tensor x = at::randn({2, 3, 11, 13});
        const at::Tensor column = at::randn({taps_down});
        const at::Tensor row = at::randn({taps_across});
        for (const bool is_adjoint : {false, true}) {
            at::Tensor half = at::empty_like(x);
            at::Tensor out = at::empty_like(x);
            ASSERT_EQ(operators::launch_mirrored_lines(half.mutable_data_ptr<float>(), x.const_data_ptr<float>(),
                                                       {column.const_data_ptr<float>(), taps_down}, 6, 11, 13,
                                                       is_adjoint, nullptr),
                      cudaSuccess);
            ASSERT_EQ(operators::launch_mirrored_lines(out.mutable_data_ptr<float>(), half.const_data_ptr<float>(),
                                                       {row.const_data_ptr<float>(), taps_across}, 66, 13, 1,
                                                       is_adjoint, nullptr),
                      cudaSuccess);
            EXPECT_TRUE(has_same_bits(out, operators::mirrored_blur(x, column, row, is_adjoint)));
        }
    }
}

}  // namespace
