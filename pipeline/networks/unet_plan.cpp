#include "pipeline/networks/unet_plan.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace pipeline {
namespace {

void require_range(std::string_view what, double value, double first, double last) {
    if (value >= first && value <= last) return;
    const auto text = [](double number) {
        return number == std::floor(number) ? std::to_string(static_cast<std::int64_t>(number))
                                            : std::to_string(number);
    };
    throw CheckpointError("U-Net: " + std::string(what) + " is " + text(value) + ", allowed are " + text(first) +
                          " to " + text(last));
}

/// Bounds that no real network comes near, so that hostile settings cannot ask for absurd work.
void check_unet_settings(const UNetSettings& settings) {
    require_range("input channels", settings.in_channels, 1, 1024);
    require_range("output channels", settings.out_channels, 1, 2048);
    require_range("model channels", settings.model_channels, 2, 8192);
    require_range("residual blocks a level", settings.res_blocks, 1, 64);
    require_range("number of levels", settings.levels(), 1, 12);
    for (const double multiplier : settings.channel_multipliers)
        require_range("channel multiplier", multiplier, 0.01, 64);
    require_range("classes", settings.classes, 0, 1'000'000);
    require_range("norm groups", settings.norm_groups, 1, 1024);
    require_range("norm epsilon", settings.norm_epsilon, 1e-12, 1);
}

/// How many heads an attention layer of so many channels has.
int attention_heads(const UNetSettings& settings, const std::string& name, int channels, int heads) {
    if (settings.head_channels == -1) {
        require_range("number of heads", heads, 1, 8192);
        if (channels % heads == 0) return heads;
        throw CheckpointError("U-Net: " + std::to_string(heads) + " heads do not divide the " +
                              std::to_string(channels) + " channels of " + name.substr(0, name.size() - 1));
    }
    require_range("channels per head", settings.head_channels, 1, 65536);
    if (channels % settings.head_channels == 0) return channels / settings.head_channels;
    throw CheckpointError("U-Net: " + std::to_string(settings.head_channels) + " channels per head do not divide the " +
                          std::to_string(channels) + " channels of " + name.substr(0, name.size() - 1));
}

/// Walks down and up again, remembering where it is.
class PlanBuilder {
  public:
    explicit PlanBuilder(const UNetSettings& settings) : settings_(settings) {}

    UNetPlan build() {
        plan_.embedding_width = 4 * settings_.model_channels;
        walk_down();
        walk_middle();
        walk_up();
        // The reference makes the last convolution for the channels of the first level; the walk ends there.
        plan_.final_channels = channels_;
        check_groups(channels_, "out");
        return std::move(plan_);
    }

  private:
    int level_channels(int level) const {
        return static_cast<int>(settings_.channel_multipliers[level] * settings_.model_channels);
    }
    bool attends(const std::vector<int>& factors) const {
        return std::find(factors.begin(), factors.end(), factor_) != factors.end();
    }

    void check_groups(int channels, const std::string& name) const {
        if (channels >= 1 && channels % settings_.norm_groups == 0) return;
        throw CheckpointError("U-Net: the " + std::to_string(settings_.norm_groups) +
                              " groups of GroupNorm do not divide the " + std::to_string(channels) + " channels of " +
                              name);
    }

    void add(std::vector<LayerPlan>& block, const std::string& block_name, LayerKind kind, int out_channels,
             int heads = 0) {
        const std::string name = block_name + "." + std::to_string(block.size()) + ".";
        const bool has_norm = kind == LayerKind::residual || kind == LayerKind::residual_down ||
                              kind == LayerKind::residual_up || kind == LayerKind::attention;
        if (has_norm) {
            check_groups(channels_, name.substr(0, name.size() - 1));
            check_groups(out_channels, name.substr(0, name.size() - 1));
        }
        if (kind == LayerKind::attention) heads = attention_heads(settings_, name, channels_, heads);
        block.push_back({kind, name, channels_, out_channels, factor_, heads});
        channels_ = out_channels;
    }

    std::vector<LayerPlan>& new_input_block() { return plan_.input_blocks.emplace_back(); }
    std::string input_name() const { return "input_blocks." + std::to_string(plan_.input_blocks.size() - 1); }
    std::string output_name() const { return "output_blocks." + std::to_string(plan_.output_blocks.size() - 1); }

    void walk_down() {
        channels_ = settings_.in_channels;
        auto& first = new_input_block();
        add(first, input_name(), LayerKind::convolution, level_channels(0));
        skips_.push_back(channels_);
        for (int level = 0; level < settings_.levels(); ++level) {
            for (int i = 0; i < settings_.res_blocks; ++i) {
                auto& block = new_input_block();
                add(block, input_name(), LayerKind::residual, level_channels(level));
                if (attends(settings_.attention_factors))
                    add(block, input_name(), LayerKind::attention, channels_, settings_.heads);
                skips_.push_back(channels_);
            }
            if (level + 1 == settings_.levels()) break;
            factor_ *= 2;
            auto& block = new_input_block();
            add(block, input_name(),
                settings_.has_residual_resampling ? LayerKind::residual_down : LayerKind::convolution_down, channels_);
            skips_.push_back(channels_);
        }
    }

    void walk_middle() {
        add(plan_.middle, "middle_block", LayerKind::residual, channels_);
        if (settings_.has_middle_attention) {
            add(plan_.middle, "middle_block", LayerKind::attention, channels_, settings_.heads);
        }
        add(plan_.middle, "middle_block", LayerKind::residual, channels_);
    }

    void walk_up() {
        const std::vector<int> factors = settings_.attention_factors_up.value_or(settings_.attention_factors);
        const int heads = settings_.heads_upsample == -1 ? settings_.heads : settings_.heads_upsample;
        for (int level = settings_.levels() - 1; level >= 0; --level) {
            for (int i = 0; i <= settings_.res_blocks; ++i) {
                auto& block = plan_.output_blocks.emplace_back();
                channels_ += skips_.back();
                skips_.pop_back();
                add(block, output_name(), LayerKind::residual, level_channels(level));
                if (attends(factors)) add(block, output_name(), LayerKind::attention, channels_, heads);
                if (level == 0 || i < settings_.res_blocks) continue;
                factor_ /= 2;
                add(block, output_name(),
                    settings_.has_residual_resampling ? LayerKind::residual_up : LayerKind::convolution_up, channels_);
            }
        }
    }

    const UNetSettings& settings_;
    UNetPlan plan_;
    std::vector<int> skips_;
    int channels_ = 0;
    int factor_ = 1;
};

}  // namespace

UNetPlan plan_unet(const UNetSettings& settings) {
    check_unet_settings(settings);
    return PlanBuilder(settings).build();
}

}  // namespace pipeline
