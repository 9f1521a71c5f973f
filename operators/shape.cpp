#include "operators/shape.h"

namespace operators {

std::string to_string(const Shape& shape) {
    return "[N, " + std::to_string(shape.channels) + ", " + std::to_string(shape.height) + ", " +
           std::to_string(shape.width) + "]";
}

std::string shape_of(const at::Tensor& tensor) {
    if (!tensor.defined()) return "[undefined]";
    std::string text = "[";
    for (const std::int64_t size : tensor.sizes()) {
        if (text.size() > 1) text += ", ";
        text += std::to_string(size);
    }
    return text + "]";
}

}  // namespace operators
