#include "pipeline/networks/shape_settings.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pipeline {
namespace {

/// Sizes of a tensor by name, read with care: any name may be missing, any shape be wrong.
class Shapes {
  public:
    explicit Shapes(const TensorHeaders& headers) : headers_(headers) {}

    bool has(const std::string& name) const { return headers_.contains(name); }
    /// 0 where the tensor or the dimension is missing.
    std::int64_t size(const std::string& name, std::size_t dimension) const {
        const auto found = headers_.find(name);
        if (found == headers_.end() || dimension >= found->second.shape.size()) return 0;
        return found->second.shape[dimension];
    }

  private:
    const TensorHeaders& headers_;
};

/// What one block of the way up is.
struct OutputBlock {
    std::int64_t channels = 0;
    bool attends = false;
    bool has_convolution_up = false;
    bool has_residual_up = false;

    bool ends_level() const { return has_convolution_up || has_residual_up; }
};

std::vector<OutputBlock> output_blocks(const Shapes& shapes) {
    constexpr int most = 1000;
    std::vector<OutputBlock> blocks;
    for (int i = 0; i < most; ++i) {
        const std::string name = "output_blocks." + std::to_string(i);
        OutputBlock block;
        block.channels = shapes.size(name + ".0.out_layers.3.weight", 0);
        if (block.channels <= 0) break;
        block.attends = shapes.has(name + ".1.qkv.weight");
        for (const char* place : {".1", ".2"}) {
            block.has_residual_up = block.has_residual_up || shapes.has(name + place + ".in_layers.2.weight");
            block.has_convolution_up = block.has_convolution_up || shapes.has(name + place + ".conv.weight");
        }
        blocks.push_back(block);
    }
    return blocks;
}

}  // namespace

std::optional<nlohmann::json> settings_of_shapes(const TensorHeaders& headers) {
    const Shapes shapes(headers);
    const std::int64_t channels = shapes.size("time_embed.0.weight", 1);
    const std::int64_t in = shapes.size("input_blocks.0.0.weight", 1);
    const std::int64_t out = shapes.size("out.2.weight", 0);
    const std::vector<OutputBlock> blocks = output_blocks(shapes);
    if (channels <= 0 || in <= 0 || out <= 0 || blocks.empty()) return std::nullopt;

    const auto ends = std::ranges::count_if(blocks, &OutputBlock::ends_level);
    const auto first_end = std::ranges::find_if(blocks, &OutputBlock::ends_level);
    const std::int64_t per_level =
        first_end == blocks.end() ? static_cast<std::int64_t>(blocks.size()) : first_end - blocks.begin() + 1;
    if (per_level < 2) return std::nullopt;

    nlohmann::json settings = {{"num_channels", channels},
                               {"in_channels", in},
                               {"learn_sigma", out == 2 * in},
                               {"num_res_blocks", per_level - 1},
                               {"channel_mult", nlohmann::json::array()},
                               {"attention_factors", nlohmann::json::array()}};
    // Coarsest level first on the way up
    for (std::int64_t level = 0; level <= ends; ++level) {
        const auto block = static_cast<std::size_t>((ends - level) * per_level);
        if (block >= blocks.size()) return std::nullopt;
        const double multiplier = static_cast<double>(blocks[block].channels) / static_cast<double>(channels);
        settings["channel_mult"].push_back(multiplier);
        if (blocks[block].attends) settings["attention_factors"].push_back(std::int64_t{1} << level);
    }
    const std::int64_t embedded = shapes.size("output_blocks.0.0.emb_layers.1.weight", 0);
    settings["use_scale_shift_norm"] = embedded == 2 * blocks[0].channels;
    if (ends > 0) settings["resblock_updown"] = first_end->has_residual_up;
    const std::int64_t classes = shapes.size("label_emb.weight", 0);
    settings["class_cond"] = classes > 0;
    if (classes > 0) settings["num_classes"] = classes;
    return settings;
}

std::string shown_settings(const nlohmann::json& settings) {
    std::string text;
    for (const auto& [name, value] : settings.items()) text += (text.empty() ? "" : ", ") + name + " " + value.dump();
    return text;
}

}  // namespace pipeline
