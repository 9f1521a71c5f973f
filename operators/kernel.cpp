#include "operators/kernel.h"

#include "operators/blur.h"
#include "operators/parameter.h"

namespace operators {

std::unique_ptr<MeasurementOperator> make_kernel(const Settings& /*settings*/, const Shape& image,
                                                 const Parameters& parameters) {
    return std::make_unique<Blur>("kernel", required_parameter(parameters, "kernel", "kernel"), image);
}

}  // namespace operators
