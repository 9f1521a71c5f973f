#include "pipeline/networks/placement.h"

#include <stdexcept>
#include <string>

#include <ATen/Context.h>

namespace pipeline {

std::string_view to_string(Precision precision) {
    switch (precision) {
        case Precision::float32:
            return "float32";
        case Precision::tf32:
            return "tf32";
        case Precision::bfloat16:
            return "bfloat16";
    }
    throw std::invalid_argument("precision: " + std::to_string(static_cast<int>(precision)) + " is no precision");
}

Precision parse_precision(std::string_view name) {
    for (const Precision precision : {Precision::float32, Precision::tf32, Precision::bfloat16}) {
        if (name == to_string(precision)) return precision;
    }
    throw std::invalid_argument("precision: '" + std::string(name) + "' is not one of float32, tf32, bfloat16");
}

void set_global_precision(Precision precision) {
    at::Context& context = at::globalContext();
    context.setAllowTF32CuDNN(precision == Precision::tf32);
    context.setAllowTF32CuBLAS(precision == Precision::tf32);
    context.setDeterministicCuDNN(true);
    context.setBenchmarkCuDNN(false);
    // Attention too, whose gradient is summed in the order of arrival otherwise; memory need not be filled for that.
    context.setDeterministicAlgorithms(true, /*warn_only=*/false);
    context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace pipeline
