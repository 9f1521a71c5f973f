#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"

namespace operators {

/// What an operator was drawn with, by name: "mask" [1 or N, 1, H, W] in {0, 1}, "kernel" [k, k]. Stored with every
/// measurement, so that any other solver can start from the same y and the same A.
using Parameters = std::map<std::string, at::Tensor>;

/// The measurement y = A(x): what is done to an image before noise is added.
///
/// A solver asks for A(x) and for J_A(x)ᵀ v and never for what kind of operator it has. The public functions check
/// shapes once and call the protected ones, which may rely on them. Operators work in the precision of what they are
/// given (float32; double in tests) and on its device, and hold no state that a call changes.
class MeasurementOperator {
  public:
    /// @param x_shape, y_shape  shapes of one image and of one measurement
    MeasurementOperator(std::string name, Shape x_shape, Shape y_shape);
    virtual ~MeasurementOperator() = default;
    MeasurementOperator(const MeasurementOperator&) = delete;
    MeasurementOperator& operator=(const MeasurementOperator&) = delete;

    const std::string& name() const { return name_; }
    const Shape& x_shape() const { return x_shape_; }
    const Shape& y_shape() const { return y_shape_; }

    /// A(x). x [N, C, H, W] → [N, C', H', W'].
    /// @throws std::invalid_argument  with both shapes, where x does not fit.
    at::Tensor forward(const at::Tensor& x) const;

    /// J_A(x)ᵀ v: x as in `forward`, v as its result, the answer as x.
    /// @throws std::invalid_argument  with both shapes, where x or v does not fit.
    at::Tensor vjp(const at::Tensor& x, const at::Tensor& v) const;

    /// 1 where an entry of y depends on x and 0 where it is always 0 (removed pixels), shape that broadcasts over y;
    /// an undefined tensor where every entry is observed.
    virtual at::Tensor observed() const { return {}; }

    /// y as an image of x's shape, for methods that start from an image: y itself where it is one.
    /// @throws std::invalid_argument  where there is no such image, or y does not fit.
    virtual at::Tensor as_image(const at::Tensor& y) const;

    /// What A holds of its own images, as masks and kernels, in an order that depends on settings and shapes alone:
    /// another A of the same settings, written over these tensors, is what this one then computes.
    virtual std::vector<at::Tensor> tensors() const { return {}; }

    /// True where y has the shape of x and can be looked at, and scored, as an image.
    bool is_image_like() const { return x_shape_ == y_shape_; }

  protected:
    virtual at::Tensor apply_forward(const at::Tensor& x) const = 0;
    virtual at::Tensor apply_vjp(const at::Tensor& x, const at::Tensor& v) const = 0;

    void check_shape(const at::Tensor& tensor, const Shape& expected, std::string_view what) const;

  private:
    std::string name_;
    Shape x_shape_;
    Shape y_shape_;
};

/// A linear A. Its Jacobian is A itself, so `vjp(x, v)` is `adjoint(v)` whatever x.
class LinearOperator : public MeasurementOperator {
  public:
    using MeasurementOperator::MeasurementOperator;

    /// A* y, with ⟨A x, y⟩ = ⟨x, A* y⟩. y [N, C', H', W'] → [N, C, H, W].
    /// @throws std::invalid_argument  with both shapes, where y does not fit.
    at::Tensor adjoint(const at::Tensor& y) const;

  protected:
    virtual at::Tensor apply_adjoint(const at::Tensor& y) const = 0;

  private:
    at::Tensor apply_vjp(const at::Tensor&, const at::Tensor& v) const final { return apply_adjoint(v); }
};

/// What a posterior sampler is given: y = A(x) + η, η ~ N(0, sigma_y²) on the [−1, 1] scale, or photon noise.
struct Measurement {
    at::Tensor y;  ///< [N, C', H', W'], float32
    std::shared_ptr<const MeasurementOperator> A;
    double sigma_y = 0;
    double poisson_rate = 0;     ///< > 0: photon noise of this rate, and sigma_y is 0; see measure_poisson.
    at::Tensor sigma_each = {};  ///< σ_y of each image, [N] float64, where it was estimated; undefined: sigma_y of all.
};

}  // namespace operators
