#include "pipeline/samplers/kernels/sampler_updates.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include <ATen/Dispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>
#include <torch/library.h>

#include "operators/shape.h"
#include "pipeline/samplers/kernels/same_layout.h"
#include "pipeline/samplers/kernels/update_formulas.h"

namespace pipeline {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

template <class T>
UpdateRow<T> row_of(const at::Tensor& table, const at::Tensor& row) {
    const at::Tensor dense = table.contiguous();
    const std::int64_t number = *row.const_data_ptr<std::int64_t>();
    TORCH_CHECK(number >= 0 && number < table.size(0), "sampler update: row ", number, " of a table of ", table.size(0),
                " rows");
    return UpdateRow<T>(dense.const_data_ptr<double>() + 6 * number);
}

template <class T>
const T* data_or_null(const at::Tensor& image) {
    return image.defined() ? image.const_data_ptr<T>() : nullptr;
}

// One loop for each combination, so that each is one that the compiler can vectorise.
template <class T, bool clip, bool has_v, bool is_noisy>
void ancestral_loop(const UpdateRow<T>& row, std::int64_t count, const T* __restrict__ x_t,
                    const T* __restrict__ epsilon, const T* __restrict__ v, const T* __restrict__ z,
                    T* __restrict__ x_previous, T* __restrict__ x0_hat) {
    for (std::int64_t i = 0; i < count; ++i) {
        const UpdatedElement<T> one = updated_element<T>(row, x_t[i], epsilon[i], clip, is_noisy, has_v,
                                                         has_v ? v[i] : T(0), is_noisy ? z[i] : T(0));
        x_previous[i] = one.x_previous;
        x0_hat[i] = one.x0_hat;
    }
}

template <class T>
auto loop_for(bool clip, bool has_v, bool is_noisy) {
    if (!is_noisy) return clip ? &ancestral_loop<T, true, false, false> : &ancestral_loop<T, false, false, false>;
    if (has_v) return clip ? &ancestral_loop<T, true, true, true> : &ancestral_loop<T, false, true, true>;
    return clip ? &ancestral_loop<T, true, false, true> : &ancestral_loop<T, false, false, true>;
}

std::tuple<at::Tensor, at::Tensor> ancestral_update_cpu(const at::Tensor& x_t, const at::Tensor& epsilon,
                                                        const OptionalTensor& variance_fraction,
                                                        const OptionalTensor& z, const at::Tensor& table,
                                                        const at::Tensor& row, bool clip) {
    at::Tensor x = x_t, e = epsilon, v = variance_fraction.value_or(at::Tensor()), noise = z.value_or(at::Tensor());
    give_same_layout({&x, &e, &v, &noise});
    at::Tensor x_previous = at::empty_like(x);
    at::Tensor x0_hat = at::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "ancestral_update", [&] {
        const auto coefficients = row_of<scalar_t>(table, row);
        const bool is_noisy = noise.defined() && !coefficients.is_without_noise(v.defined());
        loop_for<scalar_t>(clip, v.defined(), is_noisy)(
            coefficients, x.numel(), x.const_data_ptr<scalar_t>(), e.const_data_ptr<scalar_t>(),
            data_or_null<scalar_t>(v), data_or_null<scalar_t>(noise), x_previous.mutable_data_ptr<scalar_t>(),
            x0_hat.mutable_data_ptr<scalar_t>());
    });
    return {x_previous, x0_hat};
}

at::Tensor clamp_vjp_cpu(const at::Tensor& gradient, const at::Tensor& x_t, const at::Tensor& epsilon,
                         const at::Tensor& table, const at::Tensor& row) {
    at::Tensor g = gradient, x = x_t, e = epsilon;
    give_same_layout({&g, &x, &e});
    at::Tensor out = at::empty_like(g);
    AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "clamp_vjp", [&] {
        const auto coefficients = row_of<scalar_t>(table, row);
        const scalar_t* const gradients = g.const_data_ptr<scalar_t>();
        const scalar_t* const images = x.const_data_ptr<scalar_t>();
        const scalar_t* const noise = e.const_data_ptr<scalar_t>();
        scalar_t* __restrict__ const target = out.mutable_data_ptr<scalar_t>();
        const std::int64_t count = g.numel();
        for (std::int64_t i = 0; i < count; ++i) {
            target[i] = clamped_gradient(coefficients, gradients[i], images[i], noise[i]);
        }
    });
    return out;
}

at::Tensor dps_update_cpu(const at::Tensor& x_previous, const at::Tensor& gradient, const at::Tensor& network_vjp,
                          const at::Tensor& table, const at::Tensor& row, double zeta) {
    at::Tensor x = x_previous, g = gradient, n = network_vjp;
    give_same_layout({&x, &g, &n});
    at::Tensor out = at::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "dps_update", [&] {
        const auto coefficients = row_of<scalar_t>(table, row);
        const auto step = static_cast<scalar_t>(zeta);
        const scalar_t* const images = x.const_data_ptr<scalar_t>();
        const scalar_t* const gradients = g.const_data_ptr<scalar_t>();
        const scalar_t* const vjps = n.const_data_ptr<scalar_t>();
        scalar_t* __restrict__ const target = out.mutable_data_ptr<scalar_t>();
        const std::int64_t count = x.numel();
        for (std::int64_t i = 0; i < count; ++i) {
            target[i] = guided_element(coefficients, images[i], gradients[i], vjps[i], step);
        }
    });
    return out;
}

// The one place where arguments are checked, the first image against which the others are held.
void check_update(const char* name, std::initializer_list<const at::Tensor*> images, const at::Tensor& table,
                  const at::Tensor& row) {
    const at::Tensor& first = **images.begin();
    const auto described = [](const at::Tensor& tensor) {
        return std::string(toString(tensor.scalar_type())) + " " + operators::shape_of(tensor) + " on " +
               tensor.device().str();
    };
    if (first.scalar_type() != at::kFloat && !(first.scalar_type() == at::kDouble && first.is_cpu())) {
        throw std::invalid_argument(std::string(name) + ": an image is " + described(first) +
                                    ", expected float32, or float64 on the CPU");
    }
    for (const at::Tensor* image : images) {
        if (!image->defined() || (image->sizes() == first.sizes() && image->scalar_type() == first.scalar_type() &&
                                  image->device() == first.device())) {
            continue;
        }
        throw std::invalid_argument(std::string(name) + ": images are " + described(first) + " and " +
                                    described(*image) + ", expected all alike");
    }
    if (table.scalar_type() != at::kDouble || table.dim() != 2 || table.size(1) != 6 ||
        table.device() != first.device() || row.scalar_type() != at::kLong || row.dim() != 0 ||
        row.device() != first.device()) {
        throw std::invalid_argument(std::string(name) + ": the table is " + described(table) + ", its row number " +
                                    described(row) + ", expected Double [rows, 6] and one Long without dimensions on " +
                                    first.device().str());
    }
}

OptionalTensor if_defined(const at::Tensor& tensor) {
    return tensor.defined() ? OptionalTensor(tensor) : std::nullopt;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(diffinv, library) {
    library.def(
        "ancestral_update(Tensor x_t, Tensor epsilon, Tensor? variance_fraction, Tensor? z, Tensor table, Tensor row, "
        "bool clip) -> (Tensor x_previous, Tensor x0_hat)");
    library.def("clamp_vjp(Tensor gradient, Tensor x_t, Tensor epsilon, Tensor table, Tensor row) -> Tensor");
    library.def(
        "dps_update(Tensor x_previous, Tensor gradient, Tensor network_vjp, Tensor table, Tensor row, float zeta) -> "
        "Tensor");
}

TORCH_LIBRARY_IMPL(diffinv, CPU, library) {
    library.impl("ancestral_update", &ancestral_update_cpu);
    library.impl("clamp_vjp", &clamp_vjp_cpu);
    library.impl("dps_update", &dps_update_cpu);
}

TORCH_LIBRARY_IMPL(diffinv, Autograd, library) {
    library.impl("ancestral_update", torch::autograd::autogradNotImplementedFallback());
    library.impl("clamp_vjp", torch::autograd::autogradNotImplementedFallback());
    library.impl("dps_update", torch::autograd::autogradNotImplementedFallback());
}

AncestralUpdate ancestral_update(const at::Tensor& x_t, const at::Tensor& epsilon, const at::Tensor& variance_fraction,
                                 const at::Tensor& z, const at::Tensor& table, const at::Tensor& row, bool clip) {
    check_update("ancestral update", {&x_t, &epsilon, &variance_fraction, &z}, table, row);
    static const auto operation = c10::Dispatcher::singleton()
                                      .findSchemaOrThrow("diffinv::ancestral_update", "")
                                      .typed<std::tuple<at::Tensor, at::Tensor>(
                                          const at::Tensor&, const at::Tensor&, const OptionalTensor&,
                                          const OptionalTensor&, const at::Tensor&, const at::Tensor&, bool)>();
    auto [x_previous, x0_hat] =
        operation.call(x_t, epsilon, if_defined(variance_fraction), if_defined(z), table, row, clip);
    return {x_previous, x0_hat};
}

at::Tensor clamp_vjp(const at::Tensor& gradient, const at::Tensor& x_t, const at::Tensor& epsilon,
                     const at::Tensor& table, const at::Tensor& row) {
    check_update("clamp vjp", {&gradient, &x_t, &epsilon}, table, row);
    static const auto operation = c10::Dispatcher::singleton()
                                      .findSchemaOrThrow("diffinv::clamp_vjp", "")
                                      .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                                        const at::Tensor&, const at::Tensor&)>();
    return operation.call(gradient, x_t, epsilon, table, row);
}

at::Tensor dps_update(const at::Tensor& x_previous, const at::Tensor& gradient, const at::Tensor& network_vjp,
                      const at::Tensor& table, const at::Tensor& row, double zeta) {
    check_update("dps update", {&x_previous, &gradient, &network_vjp}, table, row);
    static const auto operation = c10::Dispatcher::singleton()
                                      .findSchemaOrThrow("diffinv::dps_update", "")
                                      .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                                        const at::Tensor&, const at::Tensor&, double)>();
    return operation.call(x_previous, gradient, network_vjp, table, row, zeta);
}

}  // namespace pipeline
