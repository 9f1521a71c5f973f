#pragma once

#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace jobs {

/// The bytes of an 8-bit PNG. The same pixels give the same bytes.
/// @param pixels  [y, x, channel] uint8, one channel (grey) or three
/// @throws std::invalid_argument  where shape or type differ
std::string png_bytes(const at::Tensor& pixels);

/// Bytes as text (RFC 4648, with padding).
std::string base64(std::string_view bytes);

}  // namespace jobs
