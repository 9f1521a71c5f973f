#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

namespace pipeline {

/// For a gradient that cannot be differentiated itself. @throws c10::Error  where it would have to be
inline void expect_no_second_derivative(const at::Tensor& gradient, const char* of) {
    TORCH_CHECK(!(c10::GradMode::is_enabled() && gradient.requires_grad()), of, " can be differentiated once only");
}

}  // namespace pipeline
