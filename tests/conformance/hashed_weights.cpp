#include "tests/conformance/hashed_weights.h"

#include <ATen/ops/empty.h>

#include <cstdint>
#include <stdexcept>
#include <variant>
#include <vector>

namespace conformance {

namespace {

std::uint32_t lowbias32(std::uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    return x;
}

template <typename Value>
Value attribute(const pipeline::Hdf5File& file, const std::string& object, const std::string& name) {
    const auto value = file.attribute(object, name);
    if (value && std::holds_alternative<Value>(*value)) return std::get<Value>(*value);
    throw std::runtime_error(object + ": no attribute " + name + " of the type that hashed weights have");
}

/// One tensor of the backbone, checked against the values that the file states.
at::Tensor hashed_tensor(const pipeline::Hdf5File& file, const std::string& object, std::uint32_t seed) {
    const auto ordinal = static_cast<std::uint32_t>(attribute<std::int64_t>(file, object, "ordinal"));
    const auto scale = static_cast<float>(attribute<double>(file, object, "scale"));
    at::Tensor tensor = at::empty(attribute<std::vector<std::int64_t>>(file, object, "shape"), at::kFloat);
    float* values = tensor.mutable_data_ptr<float>();
    for (std::uint32_t i = 0; i < static_cast<std::uint64_t>(tensor.numel()); ++i) {
        const std::uint32_t h = lowbias32(i * 0x9E3779B1U + ordinal * 0x85EBCA77U + seed);
        const float u = static_cast<float>(h >> 8) * 0x1p-24F;
        values[i] = (u - 0.5F) * scale;
    }
    const auto first = attribute<std::vector<double>>(file, object, "first");
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (values[i] != static_cast<float>(first[i])) {
            throw std::runtime_error(object + ": value " + std::to_string(i) + " of the hash is " +
                                     std::to_string(values[i]) + ", stated is " + std::to_string(first[i]));
        }
    }
    return tensor;
}

}  // namespace

pipeline::TensorMap hashed_lpips_weights(const pipeline::Hdf5File& file, const std::string& group) {
    const auto seed = static_cast<std::uint32_t>(attribute<std::int64_t>(file, group, "seed"));
    pipeline::TensorMap weights;
    for (const std::string& name : file.children(group)) {
        const std::string object = group + "/" + name;
        if (file.is_group(object)) {
            weights[attribute<std::string>(file, object, "torchvision_name")] = hashed_tensor(file, object, seed);
        } else {
            weights[name + ".model.1.weight"] = file.read(object).view({1, -1, 1, 1});
        }
    }
    return weights;
}

}  // namespace conformance
