#include "pipeline/networks/embedded_timesteps.h"

#include <bit>
#include <cstddef>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

namespace pipeline {

namespace {

/// A chain has a thousand timesteps; whoever asks for more than this asks for ever new ones.
constexpr std::size_t most_known = 10'000;

}  // namespace

EmbeddedTimesteps::EmbeddedTimesteps(const UNetSettings& settings, const TensorMap& parameters,
                                     at::ScalarType precision)
    : width_(settings.model_channels),
      layout_(settings.embedding),
      precision_(precision),
      weight1_(parameters.at("time_embed.0.weight")),
      bias1_(parameters.at("time_embed.0.bias")),
      weight2_(parameters.at("time_embed.2.weight")),
      bias2_(parameters.at("time_embed.2.bias")),
      known_version_(version()) {}

std::int64_t EmbeddedTimesteps::version() const {
    return weight1_._version() + bias1_._version() + weight2_._version() + bias2_._version();
}

at::Tensor EmbeddedTimesteps::compute(const at::Tensor& t) const {
    const at::Tensor e = at::linear(timestep_embedding(t, width_, precision_, layout_), weight1_, bias1_);
    return at::linear(at::silu(e), weight2_, bias2_);
}

at::Tensor EmbeddedTimesteps::operator()(const at::Tensor& t) const {
    // A device's numbers are not looked at: that would wait for it, and a captured step cannot.
    if (!t.is_cpu()) return compute(t);
    if (known_version_ != version() || known_.size() > most_known) known_.clear();
    known_version_ = version();
    const at::Tensor timesteps = t.to(at::kDouble).contiguous();
    std::vector<at::Tensor> rows;
    for (std::int64_t row = 0; row < t.size(0); ++row) {
        const auto [known, is_new] =
            known_.try_emplace(std::bit_cast<std::uint64_t>(timesteps.const_data_ptr<double>()[row]));
        if (is_new) known->second = compute(t.narrow(0, row, 1));
        rows.push_back(known->second);
    }
    return at::cat(rows);
}

}  // namespace pipeline
