#include "pipeline/networks/kernels/frozen_convolution.h"

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include <torch/csrc/autograd/custom_function.h>

#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/kernels/kernel_choice.h"

namespace pipeline {
namespace {

at::Tensor plain_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride,
                             std::int64_t padding) {
    return at::convolution(x, weight, bias, {stride, stride}, {padding, padding}, {1, 1}, false, {0, 0}, 1);
}

struct FrozenConvolution : torch::autograd::Function<FrozenConvolution> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                              const at::Tensor& bias, std::int64_t stride, std::int64_t padding) {
        context->save_for_backward({weight});
        context->saved_data["sizes"] = x.sizes().vec();
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        return plain_convolution(x, weight, bias, stride, padding);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::Tensor weight = context->get_saved_variables()[0];
        const at::Tensor& gradient = gradients[0];
        const std::int64_t stride = context->saved_data["stride"].toInt();
        const std::int64_t padding = context->saved_data["padding"].toInt();
        // Of the input only the sizes are looked at: one element stands for all of them.
        const at::Tensor input = at::empty({1}, gradient.options()).expand(context->saved_data["sizes"].toIntVector());
        const at::Tensor gradient_x =
            std::get<0>(at::convolution_backward(gradient, input, weight, std::nullopt, {stride, stride},
                                                 {padding, padding}, {1, 1}, false, {0, 0}, 1, {true, false, false}));
        return {gradient_x, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

}  // namespace

at::Tensor frozen_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, int stride,
                              int padding) {
    const bool needs_no_gradient = !c10::GradMode::is_enabled() || !x.requires_grad();
    if (needs_no_gradient || !kernel_choice().frozen_convolution) {
        return plain_convolution(x, weight, bias, stride, padding);
    }
    return FrozenConvolution::apply(x, weight, bias, static_cast<std::int64_t>(stride),
                                    static_cast<std::int64_t>(padding));
}

}  // namespace pipeline
