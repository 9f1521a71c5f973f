#pragma once

#include <cstddef>
#include <span>

namespace pipeline {

/// The safetensors file of LPIPS v0.1 with net alex (weights/LPIPS.md), linked into the program. Lives as long as it
/// does.
std::span<const std::byte> embedded_lpips_alex();

}  // namespace pipeline
