#include <ATen/ops/cat.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "operators/kernels/keyed_normals.h"
#include "pipeline/samplers/sampler.h"

namespace pipeline {

at::Tensor NoiseSource::normal_at(operators::Purpose purpose, const at::Tensor& level, int inner) const {
    if (!level.is_cpu()) throw std::logic_error("noise: the level lies on a device, where this source cannot read it");
    return normal(purpose, static_cast<int>(level.item<std::int64_t>()), inner);
}

KeyedNoise::KeyedNoise(operators::NoiseStream stream, std::vector<std::uint64_t> images,
                       std::vector<std::uint32_t> samples, operators::Shape shape, at::Device device)
    : stream_(stream), images_(std::move(images)), samples_(std::move(samples)), shape_(shape), device_(device) {
    if (images_.empty() || images_.size() != samples_.size()) {
        throw std::invalid_argument("noise: " + std::to_string(images_.size()) + " images and " +
                                    std::to_string(samples_.size()) + " samples, expected as many of both, at least 1");
    }
}

const at::Tensor& KeyedNoise::keys(operators::Purpose purpose) const {
    at::Tensor& keys = keys_[purpose];
    if (!keys.defined()) {
        std::vector<std::int64_t> numbers;
        for (std::size_t row = 0; row < images_.size(); ++row) {
            numbers.push_back(operators::packed_key(operators::derive_key(
                stream_.seed(), static_cast<std::uint32_t>(purpose), images_[row], samples_[row])));
        }
        keys = at::tensor(numbers, at::kLong).to(device_);
    }
    return keys;
}

at::Tensor KeyedNoise::normal_at(operators::Purpose purpose, const at::Tensor& level, int inner) const {
    return operators::keyed_normals(keys(purpose), shape_.count(), level, inner)
        .view({-1, shape_.channels, shape_.height, shape_.width});
}

at::Tensor KeyedNoise::normal(operators::Purpose purpose, int level, int inner) const {
    if (!device_.is_cpu()) {
        const at::Tensor place = at::scalar_tensor(level, at::TensorOptions().dtype(at::kLong).device(device_));
        return normal_at(purpose, place, inner);
    }
    operators::NoiseKey key{
        .purpose = purpose, .level = static_cast<std::uint32_t>(level), .inner = static_cast<std::uint32_t>(inner)};
    // A key has one sample number: draw run by run of rows that share it.
    std::vector<at::Tensor> runs;
    for (std::size_t first = 0; first < images_.size();) {
        std::size_t end = first + 1;
        while (end < images_.size() && samples_[end] == samples_[first]) ++end;
        key.sample = samples_[first];
        const auto images = std::span<const std::uint64_t>(images_).subspan(first, end - first);
        runs.push_back(stream_.normal(key, images, shape_, device_));
        first = end;
    }
    return runs.size() == 1 ? runs.front() : at::cat(runs);
}

}  // namespace pipeline
