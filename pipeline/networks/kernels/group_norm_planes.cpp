#include "pipeline/networks/kernels/group_norm_planes.h"

#include <cstdint>

namespace pipeline {
namespace {

constexpr int lanes = 16;
constexpr std::int64_t chunk = 1024;  ///< Numbers that are summed up in float32 before they join a sum in double.

/// How many numbers, their mean, and M2 = Σ (number − mean)².
struct Moments {
    double count = 0, mean = 0, m2 = 0;
};

/// Both as of one set: Chan, Golub and LeVeque, Updating formulae for computing sample variances (1979), equation 2.1.
Moments merged(const Moments& a, const Moments& b) {
    const double count = a.count + b.count;
    const double shift = b.mean - a.mean;
    return {count, a.mean + shift * b.count / count, a.m2 + b.m2 + shift * shift * a.count * b.count / count};
}

}  // namespace

// Each copy of the body is compiled with its processor's instructions, all with the same operations in the same order.
namespace {
namespace group_norm_any {
typedef float Vector __attribute__((vector_size(16)));
typedef std::uint32_t Bits __attribute__((vector_size(16)));
#include "pipeline/networks/kernels/group_norm_planes_body.h"
}  // namespace group_norm_any
}  // namespace

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DIFFINV_HAS_PROCESSORS
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace {
namespace group_norm_v3 {
typedef float Vector __attribute__((vector_size(32)));
typedef std::uint32_t Bits __attribute__((vector_size(32)));
#include "pipeline/networks/kernels/group_norm_planes_body.h"
}  // namespace group_norm_v3
}  // namespace
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
namespace {
namespace group_norm_v4 {
typedef float Vector __attribute__((vector_size(64)));
typedef std::uint32_t Bits __attribute__((vector_size(64)));
#include "pipeline/networks/kernels/group_norm_planes_body.h"
}  // namespace group_norm_v4
}  // namespace
#pragma GCC pop_options
#endif

std::span<const GroupNormKernels> group_norm_kernels() {
    static const GroupNormKernels kernels[] = {
        {"any", true, group_norm_any::forward, group_norm_any::backward},
#ifdef DIFFINV_HAS_PROCESSORS
        {"x86-64-v3", __builtin_cpu_supports("x86-64-v3") != 0, group_norm_v3::forward, group_norm_v3::backward},
        {"x86-64-v4", __builtin_cpu_supports("x86-64-v4") != 0, group_norm_v4::forward, group_norm_v4::backward},
#endif
    };
    return kernels;
}

}  // namespace pipeline
