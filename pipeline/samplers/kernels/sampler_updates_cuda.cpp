#include <initializer_list>
#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "pipeline/samplers/kernels/same_layout.h"
#include "pipeline/samplers/kernels/sampler_updates_launch.h"

namespace pipeline {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

/// The table in device memory; kept dense while the kernel is queued by whoever holds it.
UpdateTable device_table(const at::Tensor& dense_table, const at::Tensor& row) {
    return {dense_table.const_data_ptr<double>(), row.const_data_ptr<std::int64_t>()};
}

void check_images(std::initializer_list<const at::Tensor*> images) {
    for (const at::Tensor* image : images) {
        TORCH_CHECK(!image->defined() || (image->scalar_type() == at::kFloat && image->is_cuda()),
                    "sampler update: an image is ", image->scalar_type(), " on ", image->device(),
                    ", expected float32 on one GPU");
    }
}

std::tuple<at::Tensor, at::Tensor> ancestral_update_cuda(const at::Tensor& x_t, const at::Tensor& epsilon,
                                                         const OptionalTensor& variance_fraction,
                                                         const OptionalTensor& z, const at::Tensor& table,
                                                         const at::Tensor& row, bool clip) {
    at::Tensor x = x_t, e = epsilon, v = variance_fraction.value_or(at::Tensor()), noise = z.value_or(at::Tensor());
    check_images({&x, &e, &v, &noise});
    const c10::cuda::CUDAGuard guard(x.device());
    give_same_layout({&x, &e, &v, &noise});
    const at::Tensor dense_table = table.contiguous();
    at::Tensor x_previous = at::empty_like(x);
    at::Tensor x0_hat = at::empty_like(x);
    C10_CUDA_CHECK(launch_ancestral_update(
        {x.const_data_ptr<float>(), e.const_data_ptr<float>(), v.defined() ? v.const_data_ptr<float>() : nullptr,
         noise.defined() ? noise.const_data_ptr<float>() : nullptr, x_previous.mutable_data_ptr<float>(),
         x0_hat.mutable_data_ptr<float>()},
        x.numel(), device_table(dense_table, row), clip, c10::cuda::getCurrentCUDAStream()));
    return {x_previous, x0_hat};
}

at::Tensor clamp_vjp_cuda(const at::Tensor& gradient, const at::Tensor& x_t, const at::Tensor& epsilon,
                          const at::Tensor& table, const at::Tensor& row) {
    at::Tensor g = gradient, x = x_t, e = epsilon;
    check_images({&g, &x, &e});
    const c10::cuda::CUDAGuard guard(g.device());
    give_same_layout({&g, &x, &e});
    const at::Tensor dense_table = table.contiguous();
    at::Tensor out = at::empty_like(g);
    C10_CUDA_CHECK(launch_clamp_vjp(out.mutable_data_ptr<float>(), g.const_data_ptr<float>(), x.const_data_ptr<float>(),
                                    e.const_data_ptr<float>(), g.numel(), device_table(dense_table, row),
                                    c10::cuda::getCurrentCUDAStream()));
    return out;
}

at::Tensor dps_update_cuda(const at::Tensor& x_previous, const at::Tensor& gradient, const at::Tensor& network_vjp,
                           const at::Tensor& table, const at::Tensor& row, double zeta) {
    at::Tensor x = x_previous, g = gradient, n = network_vjp;
    check_images({&x, &g, &n});
    const c10::cuda::CUDAGuard guard(x.device());
    give_same_layout({&x, &g, &n});
    const at::Tensor dense_table = table.contiguous();
    at::Tensor out = at::empty_like(x);
    C10_CUDA_CHECK(launch_dps_update(
        out.mutable_data_ptr<float>(), x.const_data_ptr<float>(), g.const_data_ptr<float>(), n.const_data_ptr<float>(),
        x.numel(), device_table(dense_table, row), static_cast<float>(zeta), c10::cuda::getCurrentCUDAStream()));
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(diffinv, CUDA, library) {
    library.impl("ancestral_update", &ancestral_update_cuda);
    library.impl("clamp_vjp", &clamp_vjp_cuda);
    library.impl("dps_update", &dps_update_cuda);
}

}  // namespace pipeline
