#include "operators/mask.h"

#include "operators/inpainting.h"
#include "operators/parameter.h"

namespace operators {

std::unique_ptr<MeasurementOperator> make_mask(const Settings& /*settings*/, const Shape& image,
                                               const Parameters& parameters) {
    return std::make_unique<Inpainting>("mask", required_parameter(parameters, "mask", "mask"), image);
}

}  // namespace operators
