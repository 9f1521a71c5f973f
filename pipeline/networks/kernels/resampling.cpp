#include "pipeline/networks/kernels/resampling.h"

#include <cstdint>
#include <stdexcept>

#include <torch/csrc/autograd/custom_function.h>

#include <ATen/Parallel.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <c10/core/GradMode.h>
#include <c10/util/StringUtil.h>

#include "pipeline/networks/kernels/second_derivative.h"

namespace pipeline {
namespace {

bool is_ours(const at::Tensor& x) {
    return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kDouble);
}

/// Calls act(T*, T*) with where x and y begin.
template <class Act>
void with_data(const at::Tensor& x, const at::Tensor& y, const Act& act) {
    if (x.scalar_type() == at::kFloat) {
        act(x.const_data_ptr<float>(), y.mutable_data_ptr<float>());
    } else {
        act(x.const_data_ptr<double>(), y.mutable_data_ptr<double>());
    }
}

/// scale · the sum of each 2×2 pixels.
at::Tensor summed_pairs(const at::Tensor& given, double scale) {
    const at::Tensor x = given.contiguous();
    const std::int64_t height = x.size(2) / 2, width = x.size(3) / 2;
    const at::Tensor y = at::empty({x.size(0), x.size(1), height, width}, x.options());
    with_data(x, y, [&]<class T>(const T* from, T* to) {
        at::parallel_for(0, x.size(0) * x.size(1) * height, 1024, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t row = first; row < last; ++row) {
                const T *upper = from + row * 4 * width, *lower = upper + 2 * width;
                for (std::int64_t w = 0; w < width; ++w) {
                    to[row * width + w] =
                        ((upper[2 * w] + upper[2 * w + 1]) + (lower[2 * w] + lower[2 * w + 1])) * static_cast<T>(scale);
                }
            }
        });
    });
    return y;
}

/// scale · each pixel, four times.
at::Tensor repeated_pairs(const at::Tensor& given, double scale) {
    const at::Tensor x = given.contiguous();
    const std::int64_t height = x.size(2), width = x.size(3);
    const at::Tensor y = at::empty({x.size(0), x.size(1), 2 * height, 2 * width}, x.options());
    with_data(x, y, [&]<class T>(const T* from, T* to) {
        at::parallel_for(0, x.size(0) * x.size(1) * height, 1024, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t row = first; row < last; ++row) {
                T *upper = to + row * 4 * width, *lower = upper + 2 * width;
                for (std::int64_t w = 0; w < width; ++w) {
                    const T value = from[row * width + w] * static_cast<T>(scale);
                    upper[2 * w] = upper[2 * w + 1] = lower[2 * w] = lower[2 * w + 1] = value;
                }
            }
        });
    });
    return y;
}

// Each is the other's adjoint but for a factor.

struct Halved : torch::autograd::Function<Halved> {
    static at::Tensor forward(torch::autograd::AutogradContext* /*context*/, const at::Tensor& x) {
        return summed_pairs(x, 0.25);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* /*context*/,
                                                   const torch::autograd::variable_list& gradients) {
        expect_no_second_derivative(gradients[0], "halved");
        return {repeated_pairs(gradients[0], 0.25)};
    }
};

struct Doubled : torch::autograd::Function<Doubled> {
    static at::Tensor forward(torch::autograd::AutogradContext* /*context*/, const at::Tensor& x) {
        return repeated_pairs(x, 1);
    }
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* /*context*/,
                                                   const torch::autograd::variable_list& gradients) {
        expect_no_second_derivative(gradients[0], "doubled");
        return {summed_pairs(gradients[0], 1)};
    }
};

}  // namespace

at::Tensor halved(const at::Tensor& x) {
    if (x.dim() != 4 || x.size(2) % 2 != 0 || x.size(3) % 2 != 0) {
        throw std::invalid_argument(c10::str("halved: x has shape ", x.sizes(), ", expected [N, C, even H, even W]"));
    }
    if (!is_ours(x)) return at::avg_pool2d(x, {2, 2});
    return c10::GradMode::is_enabled() && x.requires_grad() ? Halved::apply(x) : summed_pairs(x, 0.25);
}

at::Tensor doubled(const at::Tensor& x) {
    if (x.dim() != 4)
        throw std::invalid_argument(c10::str("doubled: x has shape ", x.sizes(), ", expected [N, C, H, W]"));
    if (!is_ours(x)) return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
    return c10::GradMode::is_enabled() && x.requires_grad() ? Doubled::apply(x) : repeated_pairs(x, 1);
}

}  // namespace pipeline
