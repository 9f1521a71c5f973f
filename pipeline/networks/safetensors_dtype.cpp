#include "pipeline/networks/safetensors_dtype.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

namespace pipeline {
namespace {

constexpr SafetensorsDtype safetensors_dtypes[] = {
    {"F32", 32, at::kFloat},
    {"F16", 16, at::kHalf},
    {"BF16", 16, at::kBFloat16},
    {"F64", 64, at::kDouble},
    {"BOOL", 8, at::kBool},
    {"U8", 8, at::kByte},
    {"I8", 8, at::kChar},
    {"I16", 16, at::kShort},
    {"I32", 32, at::kInt},
    {"I64", 64, at::kLong},
    {"U16", 16, std::nullopt},
    {"U32", 32, std::nullopt},
    {"U64", 64, std::nullopt},
    {"C64", 64, std::nullopt},
    {"F8_E5M2", 8, std::nullopt},
    {"F8_E4M3", 8, std::nullopt},
    {"F8_E8M0", 8, std::nullopt},
    {"F8_E5M2FNUZ", 8, std::nullopt},
    {"F8_E4M3FNUZ", 8, std::nullopt},
    {"F6_E2M3", 6, std::nullopt},
    {"F6_E3M2", 6, std::nullopt},
    {"F4", 4, std::nullopt},
};

}  // namespace

const SafetensorsDtype* find_safetensors_dtype(std::string_view name) {
    const auto* found = std::find_if(std::begin(safetensors_dtypes), std::end(safetensors_dtypes),
                                     [&](const SafetensorsDtype& dtype) { return dtype.name == name; });
    return found == std::end(safetensors_dtypes) ? nullptr : found;
}

std::string_view safetensors_name(c10::ScalarType type) {
    for (const SafetensorsDtype& dtype : safetensors_dtypes) {
        if (dtype.type == type) return dtype.name;
    }
    throw std::invalid_argument("safetensors: no name for the type " + std::string(c10::toString(type)));
}

}  // namespace pipeline
