#include "operators/identity.h"

namespace operators {

std::unique_ptr<MeasurementOperator> make_identity(const Settings& /*settings*/, const Shape& image,
                                                   const Parameters& /*parameters*/) {
    return std::make_unique<Identity>(image);
}

}  // namespace operators
