#include "pipeline/networks/kernels/frozen_convolution.h"

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <torch/csrc/autograd/custom_function.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/kernels/kernel_choice.h"
#include "pipeline/networks/kernels/second_derivative.h"
#include "pipeline/networks/kernels/winograd_convolution.h"

namespace pipeline {
namespace {

/// What a call convolves with. `transformed` and its adjoint are undefined where LibTorch convolves.
struct ConvolutionWeights {
    at::Tensor weight, bias, transformed, transformed_adjoint;
    std::int64_t stride, padding;
};

at::Tensor convolved(const at::Tensor& x, const ConvolutionWeights& with, const std::optional<at::Tensor>& addend) {
    if (with.transformed.defined()) {
        return winograd_convolution(x, with.transformed, with.weight.size(0), with.bias, addend.value_or(at::Tensor()));
    }
    at::Tensor y = at::convolution(x, with.weight, with.bias, {with.stride, with.stride}, {with.padding, with.padding},
                                   {1, 1}, false, {0, 0}, 1);
    return addend ? y.add_(*addend) : y;
}

struct FrozenConvolutionFunction : torch::autograd::Function<FrozenConvolutionFunction> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                              const std::optional<at::Tensor>& addend, const ConvolutionWeights& with) {
        context->save_for_backward({with.weight, with.transformed_adjoint});
        context->saved_data["sizes"] = x.sizes().vec();
        context->saved_data["stride"] = with.stride;
        context->saved_data["padding"] = with.padding;
        context->saved_data["has_addend"] = addend.has_value();
        return convolved(x, with, addend);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const at::Tensor& gradient = gradients[0];
        expect_no_second_derivative(gradient, "a frozen convolution");
        const auto saved = context->get_saved_variables();
        const at::Tensor &weight = saved[0], &transformed_adjoint = saved[1];
        const at::Tensor of_addend = context->saved_data["has_addend"].toBool() ? gradient : at::Tensor();
        if (!context->needs_input_grad(0)) return {at::Tensor(), of_addend, at::Tensor()};
        if (transformed_adjoint.defined()) {
            return {winograd_convolution(gradient, transformed_adjoint, weight.size(1), {}, {}), of_addend,
                    at::Tensor()};
        }
        const std::int64_t stride = context->saved_data["stride"].toInt();
        const std::int64_t padding = context->saved_data["padding"].toInt();
        // Of the input only the sizes are looked at: one element stands for all of them.
        const at::Tensor input = at::empty({1}, gradient.options()).expand(context->saved_data["sizes"].toIntVector());
        const at::Tensor gradient_x =
            std::get<0>(at::convolution_backward(gradient, input, weight, std::nullopt, {stride, stride},
                                                 {padding, padding}, {1, 1}, false, {0, 0}, 1, {true, false, false}));
        return {gradient_x, of_addend, at::Tensor()};
    }
};

}  // namespace

FrozenConvolution::FrozenConvolution(at::Tensor weight, const at::Tensor& bias, int stride, int padding)
    : weight_(std::move(weight)), bias_(bias.contiguous()), stride_(stride), padding_(padding) {}

at::Tensor FrozenConvolution::transformed(Transformed& kept, bool is_adjoint) const {
    const std::int64_t version = weight_._version();
    if (kept.version != version) kept = {transformed_weights(weight_, is_adjoint), version};
    return kept.numbers;
}

at::Tensor FrozenConvolution::forward(const at::Tensor& x, const std::optional<at::Tensor>& addend) const {
    ConvolutionWeights with{weight_, bias_, {}, {}, stride_, padding_};
    if (can_convolve_by_winograd(x, weight_, stride_, padding_, weight_.size(0))) {
        with.transformed = transformed(transformed_, /*is_adjoint=*/false);
    }
    const bool needs_gradient =
        c10::GradMode::is_enabled() && (x.requires_grad() || (addend && addend->requires_grad()));
    if (!needs_gradient) return convolved(x, with, addend);
    if (!kernel_choice().frozen_convolution) {  // LibTorch's own gradient
        const at::Tensor y = convolved(x, {weight_, bias_, {}, {}, stride_, padding_}, std::nullopt);
        return addend ? y + *addend : y;
    }
    if (can_convolve_by_winograd(x, weight_, stride_, padding_, weight_.size(1))) {
        with.transformed_adjoint = transformed(transformed_adjoint_, /*is_adjoint=*/true);
    }
    return FrozenConvolutionFunction::apply(x, addend, with);
}

}  // namespace pipeline
