#include "operators/kernels/keyed_normals.h"

#include <stdexcept>
#include <string>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>
#include <torch/library.h>

#include "operators/kernels/fill_normals.h"
#include "operators/shape.h"

namespace operators {
namespace {

at::Tensor keyed_normals_cpu(const at::Tensor& keys, std::int64_t count, const at::Tensor& level, std::int64_t inner) {
    const at::Tensor dense_keys = keys.contiguous();
    const std::int64_t* const key = dense_keys.const_data_ptr<std::int64_t>();
    const auto field_level = static_cast<std::uint32_t>(*level.const_data_ptr<std::int64_t>());
    at::Tensor normals = at::empty({keys.size(0), count}, keys.options().dtype(at::kFloat));
    float* const out = normals.mutable_data_ptr<float>();
    for (std::int64_t row = 0; row < keys.size(0); ++row) {
        const auto bits = static_cast<std::uint64_t>(key[row]);
        fill_normals({static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)}, field_level,
                     static_cast<std::uint32_t>(inner), {out + row * count, static_cast<std::size_t>(count)});
    }
    return normals;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(diffinv, library) {
    library.def("keyed_normals(Tensor keys, int count, Tensor level, int inner) -> Tensor");
}

TORCH_LIBRARY_IMPL(diffinv, CPU, library) {
    library.impl("keyed_normals", &keyed_normals_cpu);
}

TORCH_LIBRARY_IMPL(diffinv, Autograd, library) {
    library.impl("keyed_normals", torch::autograd::autogradNotImplementedFallback());
}

at::Tensor keyed_normals(const at::Tensor& keys, std::int64_t count, const at::Tensor& level, std::int64_t inner) {
    if (keys.dim() != 1 || keys.scalar_type() != at::kLong) {
        throw std::invalid_argument("keyed normals: the keys are " + std::string(toString(keys.scalar_type())) +
                                    " of shape " + shape_of(keys) + ", expected int64 [N]");
    }
    if (level.dim() != 0 || level.scalar_type() != at::kLong || level.device() != keys.device()) {
        throw std::invalid_argument("keyed normals: the level is " + std::string(toString(level.scalar_type())) +
                                    " of shape " + shape_of(level) + " on " + level.device().str() +
                                    ", expected one int64 without dimensions on " + keys.device().str());
    }
    if (count < 0 || inner < 0 || inner > 0xFFFFFFFFLL) {
        throw std::invalid_argument("keyed normals: count " + std::to_string(count) + " and inner " +
                                    std::to_string(inner) + ", expected at least 0, and inner below 2^32");
    }
    static const auto operation =
        c10::Dispatcher::singleton()
            .findSchemaOrThrow("diffinv::keyed_normals", "")
            .typed<at::Tensor(const at::Tensor&, std::int64_t, const at::Tensor&, std::int64_t)>();
    return operation.call(keys, count, level, inner);
}

}  // namespace operators
