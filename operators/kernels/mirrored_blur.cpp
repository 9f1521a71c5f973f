#include "operators/kernels/mirrored_blur.h"

#include <cstdint>
#include <stdexcept>
#include <string>

#include <ATen/Dispatch.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "operators/kernels/mirrored_dot.h"
#include "operators/shape.h"

namespace operators {
namespace {

// All lines along one axis of [outer, length, inner].
template <class T>
void blur_lines(T* out, const T* x, TapLine<T> taps, std::int64_t outer, std::int64_t length, std::int64_t inner,
                bool is_adjoint) {
    for (std::int64_t o = 0; o < outer; ++o) {
        const std::int64_t offset = o * length * inner;
        for (std::int64_t i = 0; i < length; ++i) {
            for (std::int64_t k = 0; k < inner; ++k) {
                out[offset + i * inner + k] = mirrored_dot<T>({x + offset + k, inner, length}, taps, i, is_adjoint);
            }
        }
    }
}

at::Tensor mirrored_blur_cpu(const at::Tensor& x, const at::Tensor& column, const at::Tensor& row, bool is_adjoint) {
    const at::Tensor dense = x.contiguous();
    const at::Tensor dense_column = column.contiguous();
    const at::Tensor dense_row = row.contiguous();
    at::Tensor half = at::empty_like(dense);
    at::Tensor out = at::empty_like(dense);
    const std::int64_t planes = x.size(0) * x.size(1);
    const std::int64_t height = x.size(2);
    const std::int64_t width = x.size(3);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "mirrored_blur", [&] {
        blur_lines<scalar_t>(half.mutable_data_ptr<scalar_t>(), dense.const_data_ptr<scalar_t>(),
                             {dense_column.const_data_ptr<scalar_t>(), column.numel()}, planes, height, width,
                             is_adjoint);
        blur_lines<scalar_t>(out.mutable_data_ptr<scalar_t>(), half.const_data_ptr<scalar_t>(),
                             {dense_row.const_data_ptr<scalar_t>(), row.numel()}, planes * height, width, 1,
                             is_adjoint);
    });
    return out;
}

at::Tensor call_mirrored_blur(const at::Tensor& x, const at::Tensor& column, const at::Tensor& row, bool is_adjoint) {
    static const auto operation =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("diffinv::mirrored_blur", "")
            .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, bool)>();
    return operation.call(x, column, row, is_adjoint);
}

struct MirroredBlur : torch::autograd::Function<MirroredBlur> {
    static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& column,
                              const at::Tensor& row, bool is_adjoint) {
        const at::AutoDispatchBelowADInplaceOrView below;
        context->save_for_backward({column, row});
        context->saved_data["is_adjoint"] = is_adjoint;
        return call_mirrored_blur(x, column, row, is_adjoint);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   const torch::autograd::variable_list& gradients) {
        const auto taps = context->get_saved_variables();
        const bool was_adjoint = context->saved_data["is_adjoint"].toBool();
        return {call_mirrored_blur(gradients[0], taps[0], taps[1], !was_adjoint), at::Tensor(), at::Tensor(),
                at::Tensor()};
    }
};

at::Tensor mirrored_blur_autograd(const at::Tensor& x, const at::Tensor& column, const at::Tensor& row,
                                  bool is_adjoint) {
    return MirroredBlur::apply(x, column, row, is_adjoint);
}

void check_taps(const at::Tensor& taps, const at::Tensor& x, std::int64_t side, const char* what) {
    const bool fits = taps.dim() == 1 && taps.size(0) % 2 == 1 && taps.size(0) / 2 < side &&
                      taps.scalar_type() == x.scalar_type() && taps.device() == x.device();
    if (fits) return;
    throw std::invalid_argument("mirrored blur: the taps of the " + std::string(what) + " are " +
                                toString(taps.scalar_type()) + " of shape " + shape_of(taps) + " on " +
                                taps.device().str() + ", expected " + toString(x.scalar_type()) + " [odd, at most " +
                                std::to_string(2 * side - 1) + "] on " + x.device().str());
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(diffinv, library) {
    library.def("mirrored_blur(Tensor x, Tensor column, Tensor row, bool is_adjoint) -> Tensor");
}

TORCH_LIBRARY_IMPL(diffinv, CPU, library) {
    library.impl("mirrored_blur", &mirrored_blur_cpu);
}

TORCH_LIBRARY_IMPL(diffinv, Autograd, library) {
    library.impl("mirrored_blur", &mirrored_blur_autograd);
}

at::Tensor mirrored_blur(const at::Tensor& x, const at::Tensor& column, const at::Tensor& row, bool is_adjoint) {
    const bool is_known = x.scalar_type() == at::kFloat || (x.scalar_type() == at::kDouble && x.is_cpu());
    if (x.dim() != 4 || !is_known) {
        throw std::invalid_argument("mirrored blur: x is " + std::string(toString(x.scalar_type())) + " of shape " +
                                    shape_of(x) + " on " + x.device().str() +
                                    ", expected float32, or float64 on the CPU, [N, C, H, W]");
    }
    check_taps(column, x, x.size(2), "column");
    check_taps(row, x, x.size(3), "row");
    return call_mirrored_blur(x, column, row, is_adjoint);
}

}  // namespace operators
