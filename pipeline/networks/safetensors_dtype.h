#pragma once

#include <optional>
#include <string_view>

#include <c10/core/ScalarType.h>

namespace pipeline {

/// A type name of the safetensors format.
struct SafetensorsDtype {
    std::string_view name;
    int bits;                            ///< Of one element; 4- and 6-bit elements are packed.
    std::optional<at::ScalarType> type;  ///< Empty: legal in a file, not loaded.
};

/// nullptr where the format has no such type.
const SafetensorsDtype* find_safetensors_dtype(std::string_view name);

/// The format's name of a type that is loaded.
std::string_view safetensors_name(c10::ScalarType type);

}  // namespace pipeline
