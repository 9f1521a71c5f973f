#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "operators/kernels/mirrored_blur_launch.h"

namespace operators {
namespace {

at::Tensor mirrored_blur_cuda(const at::Tensor& x, const at::Tensor& column, const at::Tensor& row, bool is_adjoint) {
    TORCH_CHECK(x.scalar_type() == at::kFloat, "mirrored blur: x is ", x.scalar_type(), ", expected float32 on a GPU");
    TORCH_CHECK(x.numel() <= 0x7FFFFFFF, "mirrored blur: x has ", x.numel(), " values, expected at most 2^31 - 1");
    const c10::cuda::CUDAGuard guard(x.device());
    const at::Tensor dense = x.contiguous();
    const at::Tensor dense_column = column.contiguous();
    const at::Tensor dense_row = row.contiguous();
    at::Tensor half = at::empty_like(dense);
    at::Tensor out = at::empty_like(dense);
    const std::int64_t planes = x.size(0) * x.size(1);
    const auto stream = c10::cuda::getCurrentCUDAStream();
    C10_CUDA_CHECK(launch_mirrored_lines(half.mutable_data_ptr<float>(), dense.const_data_ptr<float>(),
                                         {dense_column.const_data_ptr<float>(), column.numel()}, planes, x.size(2),
                                         x.size(3), is_adjoint, stream));
    C10_CUDA_CHECK(launch_mirrored_lines(out.mutable_data_ptr<float>(), half.const_data_ptr<float>(),
                                         {dense_row.const_data_ptr<float>(), row.numel()}, planes * x.size(2),
                                         x.size(3), 1, is_adjoint, stream));
    return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(diffinv, CUDA, library) {
    library.impl("mirrored_blur", &mirrored_blur_cuda);
}

}  // namespace operators
