#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "operators/kernels/philox_normals.h"

namespace operators {
namespace {

at::Tensor keyed_normals_cuda(const at::Tensor& keys, std::int64_t count, const at::Tensor& level, std::int64_t inner) {
    TORCH_CHECK(level.device() == keys.device(), "keyed normals: the level is on ", level.device(), ", the keys on ",
                keys.device(), ", expected one device");
    const c10::cuda::CUDAGuard guard(keys.device());
    const at::Tensor dense_keys = keys.contiguous();
    at::Tensor normals = at::empty({keys.size(0), count}, keys.options().dtype(at::kFloat));
    C10_CUDA_CHECK(launch_philox_normals(normals.mutable_data_ptr<float>(), dense_keys.const_data_ptr<std::int64_t>(),
                                         keys.size(0), count, level.const_data_ptr<std::int64_t>(),
                                         static_cast<std::uint32_t>(inner), c10::cuda::getCurrentCUDAStream()));
    return normals;
}

}  // namespace

TORCH_LIBRARY_IMPL(diffinv, CUDA, library) {
    library.impl("keyed_normals", &keyed_normals_cuda);
}

}  // namespace operators
