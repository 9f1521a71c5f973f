#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/unet.h"

namespace pipeline {
namespace {

/// "3 missing (a, b, c)", ten names at most; nothing where there are none.
void append_names(std::string& message, const std::vector<std::string>& names, const std::string& what) {
    constexpr std::size_t most = 10;
    if (names.empty()) return;
    message += message.empty() ? "" : ", ";
    message += std::to_string(names.size()) + " " + what + " (";
    for (std::size_t i = 0; i < names.size() && i < most; ++i) message += (i == 0 ? "" : ", ") + names[i];
    message += names.size() > most ? ", …)" : ")";
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    return text + "]";
}

bool is_float_dtype(const std::string& dtype) {
    return dtype == "F32" || dtype == "F16" || dtype == "BF16" || dtype == "F64";
}

}  // namespace

void check_parameters(const std::string& file, const std::map<std::string, std::vector<std::int64_t>>& wanted,
                      const TensorHeaders& found) {
    std::vector<std::string> missing;
    std::vector<std::string> unexpected;
    std::vector<std::string> misshapen;
    std::vector<std::string> mistyped;
    for (const auto& [name, shape] : wanted) {
        const auto header = found.find(name);
        if (header == found.end()) {
            missing.push_back(name);
        } else if (header->second.shape != shape) {
            misshapen.push_back(name + " is " + shape_text(header->second.shape) + ", expected " + shape_text(shape));
        } else if (!is_float_dtype(header->second.dtype)) {
            mistyped.push_back(name + " is " + header->second.dtype);
        }
    }
    for (const auto& [name, header] : found) {
        if (!wanted.contains(name)) unexpected.push_back(readable_name(name));
    }

    std::string message;
    append_names(message, missing, "missing");
    append_names(message, unexpected, "unexpected");
    append_names(message, misshapen, "misshapen");
    append_names(message, mistyped, "not F32, F16, BF16 or F64");
    if (!message.empty()) throw CheckpointError(file + ": the tensors do not match the settings: " + message);
}

}  // namespace pipeline
