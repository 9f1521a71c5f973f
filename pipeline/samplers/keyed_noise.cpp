#include <ATen/ops/cat.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/samplers/sampler.h"

namespace pipeline {

KeyedNoise::KeyedNoise(operators::NoiseStream stream, std::vector<std::uint64_t> images,
                       std::vector<std::uint32_t> samples, operators::Shape shape, at::Device device)
    : stream_(stream), images_(std::move(images)), samples_(std::move(samples)), shape_(shape), device_(device) {
    if (images_.empty() || images_.size() != samples_.size()) {
        throw std::invalid_argument("noise: " + std::to_string(images_.size()) + " images and " +
                                    std::to_string(samples_.size()) + " samples, expected as many of both, at least 1");
    }
}

at::Tensor KeyedNoise::normal(operators::Purpose purpose, int level, int inner) const {
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
