#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "operators/kernels/masked_launch.h"

namespace operators {
namespace {

at::Tensor masked_cuda(const at::Tensor& x, const at::Tensor& mask) {
    TORCH_CHECK(x.scalar_type() == at::kFloat && mask.scalar_type() == at::kFloat, "masked: x is ", x.scalar_type(),
                ", the mask ", mask.scalar_type(), ", expected float32 on a GPU");
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor dense_x = x.contiguous();
    const at::Tensor dense_mask = mask.contiguous();
    at::Tensor out = at::empty_like(dense_x);
    C10_CUDA_CHECK(launch_masked(out.mutable_data_ptr<float>(), dense_x.const_data_ptr<float>(),
                                 dense_mask.const_data_ptr<float>(), x.size(0), x.size(1), x.size(2) * x.size(3),
                                 mask.size(0) > 1, c10::cuda::getCurrentCUDAStream()));
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(diffinv, CUDA, library) {
    library.impl("masked", &masked_cuda);
}

}  // namespace operators
