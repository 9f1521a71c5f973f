#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/networks/unet.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {
namespace {

/// Collects names and shapes under guided-diffusion's names.
class ShapeList {
  public:
    explicit ShapeList(const UNetSettings& settings) : settings_(settings) {}

    void add_norm(const std::string& name, std::int64_t channels) {
        shapes_[name + ".weight"] = {channels};
        shapes_[name + ".bias"] = {channels};
    }
    void add_linear(const std::string& name, std::int64_t in, std::int64_t out) {
        shapes_[name + ".weight"] = {out, in};
        shapes_[name + ".bias"] = {out};
    }
    void add_convolution(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t size) {
        shapes_[name + ".weight"] = {out, in, size, size};
        shapes_[name + ".bias"] = {out};
    }
    void add_embedding(const std::string& name, std::int64_t count, std::int64_t width) {
        shapes_[name + ".weight"] = {count, width};
    }

    void add_layer(const LayerPlan& layer, std::int64_t embedding_width) {
        const std::string& name = layer.name;
        const std::int64_t in = layer.in_channels;
        const std::int64_t out = layer.out_channels;
        switch (layer.kind) {
            case LayerKind::convolution:
                // A layer that is a convolution itself has no name of its own below the block's.
                return add_convolution(name.substr(0, name.size() - 1), in, out, 3);
            case LayerKind::convolution_down:
                return add_convolution(name + "op", in, out, 3);
            case LayerKind::convolution_up:
                return add_convolution(name + "conv", in, out, 3);
            case LayerKind::attention:
                add_norm(name + "norm", in);
                shapes_[name + "qkv.weight"] = {3 * in, in, 1};
                shapes_[name + "qkv.bias"] = {3 * in};
                shapes_[name + "proj_out.weight"] = {in, in, 1};
                shapes_[name + "proj_out.bias"] = {in};
                return;
            case LayerKind::residual:
            case LayerKind::residual_down:
            case LayerKind::residual_up:
                add_norm(name + "in_layers.0", in);
                add_convolution(name + "in_layers.2", in, out, 3);
                add_linear(name + "emb_layers.1", embedding_width, settings_.has_scale_shift_norm ? 2 * out : out);
                add_norm(name + "out_layers.0", out);
                add_convolution(name + "out_layers.3", out, out, 3);
                if (in != out) add_convolution(name + "skip_connection", in, out, 1);
        }
    }

    std::map<std::string, std::vector<std::int64_t>> take() { return std::move(shapes_); }

  private:
    const UNetSettings& settings_;
    std::map<std::string, std::vector<std::int64_t>> shapes_;
};

}  // namespace

std::map<std::string, std::vector<std::int64_t>> parameter_shapes(const UNetSettings& settings) {
    const UNetPlan plan = plan_unet(settings);
    ShapeList list(settings);
    list.add_linear("time_embed.0", settings.model_channels, plan.embedding_width);
    list.add_linear("time_embed.2", plan.embedding_width, plan.embedding_width);
    if (settings.classes > 0) list.add_embedding("label_emb", settings.classes, plan.embedding_width);
    for (const auto& block : plan.input_blocks) {
        for (const LayerPlan& layer : block) list.add_layer(layer, plan.embedding_width);
    }
    for (const LayerPlan& layer : plan.middle) list.add_layer(layer, plan.embedding_width);
    for (const auto& block : plan.output_blocks) {
        for (const LayerPlan& layer : block) list.add_layer(layer, plan.embedding_width);
    }
    list.add_norm("out.0", plan.final_channels);
    list.add_convolution("out.2", plan.final_channels, settings.out_channels, 3);
    return list.take();
}

}  // namespace pipeline
