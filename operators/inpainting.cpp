#include "operators/inpainting.h"

#include <stdexcept>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/logical_or.h>

#include "operators/kernels/masked.h"

namespace operators {

Inpainting::Inpainting(std::string name, const at::Tensor& mask, Shape image_shape)
    : LinearOperator(std::move(name), image_shape, image_shape) {
    check_shape(mask, {1, image_shape.height, image_shape.width}, "mask");
    if (!at::logical_or(at::eq(mask, 0), at::eq(mask, 1)).all().item<bool>()) {
        throw std::invalid_argument(this->name() + ": the mask holds values other than 0 and 1");
    }
    mask_ = mask.to(at::kFloat).contiguous();
}

at::Tensor Inpainting::masked(const at::Tensor& image, std::string_view what) const {
    const std::int64_t rows = mask_.size(0);
    if (rows != 1 && rows != image.size(0)) {
        throw std::invalid_argument(name() + ": " + std::string(what) + " has shape " + shape_of(image) +
                                    ", the masks have shape " + shape_of(mask_) + ", expected as many rows in both");
    }
    if (image.scalar_type() == at::kFloat) return operators::masked(image, mask_);
    return mask_.to(image.scalar_type()) * image;
}

}  // namespace operators
