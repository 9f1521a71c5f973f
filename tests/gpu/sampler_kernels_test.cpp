// The kernels of the samplers, run by the emulator, have the bits of their twins on the CPU.

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>

#include "pipeline/samplers/kernels/sampler_updates.h"
#include "pipeline/samplers/kernels/sampler_updates_launch.h"
#include "tests/gpu/host_tensors.h"

namespace {

// The number of values, and how many floats past an address of 16 bytes they begin.
struct UpdateCase {
    std::int64_t count, offset;
};
const std::vector<UpdateCase> update_cases = {{1, 0}, {3, 0}, {4, 0}, {1023, 0}, {5 * 3 * 11 * 13, 0}, {1023, 1}};

at::Tensor update_image(const UpdateCase& one) {
    return at::randn({one.offset + one.count}).narrow(0, one.offset, one.count);
}

// Rows that differ in all; the last two add no noise: without v, and with it.
at::Tensor four_rows() {
    return at::tensor(std::vector<double>{1.1, 0.4, 0.3, 0.7, 0.25, 0.1, 3.7, 3.5, 0.01, 0.99, -1.5,      0.4,  //
                                          1.3, 0.8, 0.2, 0.8, 0,    0.3, 1.3, 0.8, 0.2,  0.8,  -INFINITY, 0.3})
        .view({4, 6});
}

TEST(SamplerKernels, AncestralUpdateHasTheBitsOfTheCpu) {
    const at::Tensor table = four_rows();
    for (const UpdateCase& one : update_cases) {
        const at::Tensor x = update_image(one), e = update_image(one);
        for (const at::Tensor& v : {at::Tensor(), update_image(one)}) {
            for (const at::Tensor& z : {at::Tensor(), update_image(one)}) {
                for (std::int64_t row = 0; row < 4; ++row) {
                    const bool clip = row % 2 == 0;
                    at::Tensor x_previous = at::empty_like(x), x0_hat = at::empty_like(x);
                    const auto data = [](const at::Tensor& t) {
                        return t.defined() ? t.const_data_ptr<float>() : nullptr;
                    };
                    ASSERT_EQ(pipeline::launch_ancestral_update(
                                  {data(x), data(e), data(v), data(z), x_previous.mutable_data_ptr<float>(),
                                   x0_hat.mutable_data_ptr<float>()},
                                  one.count, {table.const_data_ptr<double>(), &row}, clip, nullptr),
                              cudaSuccess);
                    const auto twin = pipeline::ancestral_update(x, e, v, z, table, at::full({}, row, at::kLong), clip);
                    EXPECT_TRUE(has_same_bits(x0_hat, twin.x0_hat));
                    EXPECT_TRUE(has_same_bits(x_previous, twin.x_previous)) << one.count << " row " << row;
                }
            }
        }
    }
}

TEST(SamplerKernels, GuidanceHasTheBitsOfTheCpu) {
    const at::Tensor table = four_rows();
    for (const UpdateCase& one : update_cases) {
        const at::Tensor x = update_image(one), g = update_image(one), n = update_image(one);
        for (std::int64_t row = 0; row < 4; ++row) {
            const pipeline::UpdateTable at_row{table.const_data_ptr<double>(), &row};
            const at::Tensor row_number = at::full({}, row, at::kLong);
            at::Tensor out = at::empty_like(x);
            ASSERT_EQ(pipeline::launch_clamp_vjp(out.mutable_data_ptr<float>(), g.const_data_ptr<float>(),
                                                 x.const_data_ptr<float>(), n.const_data_ptr<float>(), one.count,
                                                 at_row, nullptr),
                      cudaSuccess);
            EXPECT_TRUE(has_same_bits(out, pipeline::clamp_vjp(g, x, n, table, row_number)));
            ASSERT_EQ(pipeline::launch_dps_update(out.mutable_data_ptr<float>(), x.const_data_ptr<float>(),
                                                  g.const_data_ptr<float>(), n.const_data_ptr<float>(), one.count,
                                                  at_row, 0.3f, nullptr),
                      cudaSuccess);
            EXPECT_TRUE(has_same_bits(out, pipeline::dps_update(x, g, n, table, row_number, 0.3)));
        }
    }
}

}  // namespace
