#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sin.h>

#include "pipeline/networks/unet.h"

namespace pipeline {

at::Tensor timestep_embedding(const at::Tensor& t, int width, at::ScalarType precision, const EmbeddingLayout& layout) {
    const int half = width / 2;
    // f_i always in float32: a trained network knows these numbers, not the exact ones
    const at::Tensor i = at::arange(half, t.options().dtype(at::kFloat));
    const at::Tensor frequencies = at::exp(i * -std::log(10000.0) / (half - layout.shift)).to(precision);

    const at::Tensor arguments = t.to(precision).unsqueeze(1) * frequencies.unsqueeze(0);
    const at::Tensor sine = at::sin(arguments), cosine = at::cos(arguments);
    const at::Tensor embedding = layout.is_sine_first ? at::cat({sine, cosine}, 1) : at::cat({cosine, sine}, 1);
    // An odd width ends with a zero.
    return width % 2 == 0 ? embedding : at::constant_pad_nd(embedding, {0, 1});
}

}  // namespace pipeline
