#include "pipeline/metrics/embedded_weights.h"

// First byte and the byte after the last; the storage is in embedded_weights.S.
extern "C" const std::byte diffinv_lpips_alex_begin[];
extern "C" const std::byte diffinv_lpips_alex_end[];

namespace pipeline {

std::span<const std::byte> embedded_lpips_alex() {
    return {diffinv_lpips_alex_begin, diffinv_lpips_alex_end};
}

}  // namespace pipeline
