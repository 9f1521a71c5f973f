#include "operators/parameter.h"

#include <stdexcept>
#include <string>

namespace operators {

const at::Tensor& required_parameter(const Parameters& parameters, std::string_view name,
                                     std::string_view operator_name) {
    const auto found = parameters.find(std::string(name));
    if (found == parameters.end() || !found->second.defined()) {
        throw std::invalid_argument(std::string(operator_name) + ": parameter '" + std::string(name) + "' is missing");
    }
    return found->second;
}

}  // namespace operators
