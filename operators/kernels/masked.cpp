#include "operators/kernels/masked.h"

#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "operators/shape.h"

namespace operators {
namespace {

at::Tensor masked_cpu(const at::Tensor& x, const at::Tensor& mask) {
    return mask * x;
}

at::Tensor call_masked(const at::Tensor& x, const at::Tensor& mask) {
    static const auto operation = c10::Dispatcher::singleton()
                                      .findSchemaOrThrow("diffinv::masked", "")
                                      .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
    return operation.call(x, mask);
}

struct Masked : torch::autograd::Function<Masked> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& mask) {
        const at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward({mask});
        return call_masked(x, mask);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        return {call_masked(gradients[0], context->get_saved_variables()[0]), at::Tensor()};
    }
};

at::Tensor masked_autograd(const at::Tensor& x, const at::Tensor& mask) {
    return Masked::apply(x, mask);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(diffinv, library) {
    library.def("masked(Tensor x, Tensor mask) -> Tensor");
}

TORCH_LIBRARY_IMPL(diffinv, CPU, library) {
    library.impl("masked", &masked_cpu);
}

TORCH_LIBRARY_IMPL(diffinv, Autograd, library) {
    library.impl("masked", &masked_autograd);
}

at::Tensor masked(const at::Tensor& x, const at::Tensor& mask) {
    const bool fits = x.dim() == 4 && mask.dim() == 4 && (mask.size(0) == 1 || mask.size(0) == x.size(0)) &&
                      mask.size(1) == 1 && mask.size(2) == x.size(2) && mask.size(3) == x.size(3);
    if (!fits || x.scalar_type() != at::kFloat || mask.scalar_type() != at::kFloat || x.device() != mask.device()) {
        throw std::invalid_argument(
            "masked: x is " + std::string(toString(x.scalar_type())) + " of shape " + shape_of(x) + " on " +
            x.device().str() + ", the mask " + toString(mask.scalar_type()) + " of shape " + shape_of(mask) + " on " +
            mask.device().str() + ", expected float32 [N, C, H, W] and [1 or N, 1, H, W] on one device");
    }
    return call_masked(x, mask);
}

}  // namespace operators
