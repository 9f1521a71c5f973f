#pragma once

#include <string_view>

#include "operators/measurement_operator.h"

namespace operators {

/// The parameter of this name that an operator is made with.
/// @throws std::invalid_argument  naming operator and parameter, where it is missing.
const at::Tensor& required_parameter(const Parameters& parameters, std::string_view name,
                                     std::string_view operator_name);

}  // namespace operators
