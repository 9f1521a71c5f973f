#pragma once

#include <ATen/Context.h>

namespace operators {

/// For its lifetime GPUs multiply float32 as float32, whatever the network is allowed: a residual and an adjoint must
/// fit their A to float32's last digits. Means nothing on a CPU.
class FullPrecision {
  public:
    FullPrecision()
        : has_blas_(at::globalContext().allowTF32CuBLAS()), has_convolution_(at::globalContext().allowTF32CuDNN()) {
        if (has_blas_ || has_convolution_) set(false, false);
    }
    ~FullPrecision() {
        if (has_blas_ || has_convolution_) set(has_blas_, has_convolution_);
    }
    FullPrecision(const FullPrecision&) = delete;
    FullPrecision& operator=(const FullPrecision&) = delete;

  private:
    static void set(bool blas, bool convolution) {
        at::globalContext().setAllowTF32CuBLAS(blas);
        at::globalContext().setAllowTF32CuDNN(convolution);
    }

    bool has_blas_, has_convolution_;
};

}  // namespace operators
