#include "pipeline/networks/diffusers_names.h"

#include <array>
#include <string_view>
#include <utility>

#include <ATen/ops/cat.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/unet_plan.h"

namespace pipeline {
namespace {

struct Suffix {
    std::string_view ours, theirs;
};
constexpr std::array residual_suffixes = {
    Suffix{"in_layers.0", "norm1"},  Suffix{"in_layers.2", "conv1"},  Suffix{"emb_layers.1", "time_emb_proj"},
    Suffix{"out_layers.0", "norm2"}, Suffix{"out_layers.3", "conv2"}, Suffix{"skip_connection", "conv_shortcut"},
};
constexpr std::array old_attention_names = {Suffix{"query", "to_q"}, Suffix{"key", "to_k"}, Suffix{"value", "to_v"},
                                            Suffix{"proj_attn", "to_out.0"}};

bool is_residual(LayerKind kind) {
    return kind == LayerKind::residual || kind == LayerKind::residual_down || kind == LayerKind::residual_up;
}

/// Walks the plan as diffusers numbers its blocks.
class NameWalk {
  public:
    explicit NameWalk(const UNetSettings& settings) : settings_(settings), plan_(plan_unet(settings)) {}

    DiffusersNames walk() {
        add("time_embed.0", "time_embedding.linear_1");
        add("time_embed.2", "time_embedding.linear_2");
        if (settings_.classes > 0) names_["label_emb.weight"] = {"class_embedding.weight"};
        add(trimmed(plan_.input_blocks.front().front().name), "conv_in");
        walk_down();
        for (int i = 0, residual = 0; i < static_cast<int>(plan_.middle.size()); ++i) {
            const LayerPlan& layer = plan_.middle[static_cast<std::size_t>(i)];
            add_layer(layer, "mid_block", is_residual(layer.kind) ? residual++ : 0);
        }
        walk_up();
        add("out.0", "conv_norm_out");
        add("out.2", "conv_out");
        return std::move(names_);
    }

  private:
    static std::string trimmed(const std::string& name) { return name.substr(0, name.size() - 1); }

    void add(const std::string& ours, const std::string& theirs) {
        for (const char* kind : {".weight", ".bias"}) names_[ours + kind] = {theirs + kind};
    }

    void add_layer(const LayerPlan& layer, const std::string& block, int number) {
        const std::string place = "." + std::to_string(number);
        switch (layer.kind) {
            case LayerKind::attention: {
                const std::string theirs = block + ".attentions" + place;
                add(layer.name + "norm", theirs + ".group_norm");
                add(layer.name + "proj_out", theirs + ".to_out.0");
                for (const std::string kind : {".weight", ".bias"}) {
                    names_[layer.name + "qkv" + kind] = {theirs + ".to_q" + kind, theirs + ".to_k" + kind,
                                                         theirs + ".to_v" + kind};
                }
                return;
            }
            case LayerKind::convolution_down:
                add(layer.name + "op", block + ".downsamplers.0.conv");
                return;
            case LayerKind::convolution_up:
                add(layer.name + "conv", block + ".upsamplers.0.conv");
                return;
            default:
                break;
        }
        for (const Suffix& suffix : residual_suffixes) {
            if (suffix.ours == "skip_connection" && layer.in_channels == layer.out_channels) continue;
            add(layer.name + std::string(suffix.ours), block + ".resnets" + place + "." + std::string(suffix.theirs));
        }
    }

    void walk_down() {
        std::size_t at = 1;
        for (int level = 0; level < settings_.levels(); ++level) {
            const std::string block = "down_blocks." + std::to_string(level);
            for (int i = 0; i < settings_.res_blocks; ++i, ++at) {
                for (const LayerPlan& layer : plan_.input_blocks[at]) add_layer(layer, block, i);
            }
            if (level + 1 < settings_.levels()) add_layer(plan_.input_blocks[at++].front(), block, 0);
        }
    }

    void walk_up() {
        std::size_t at = 0;
        for (int level = 0; level < settings_.levels(); ++level) {
            const std::string block = "up_blocks." + std::to_string(level);
            for (int i = 0; i <= settings_.res_blocks; ++i, ++at) {
                for (const LayerPlan& layer : plan_.output_blocks[at]) add_layer(layer, block, i);
            }
        }
    }

    const UNetSettings& settings_;
    const UNetPlan plan_;
    DiffusersNames names_;
};

bool is_attention(const std::string& name) {
    return name.find(".attentions.") != std::string::npos;
}

/// "….attentions.0.query.weight" → "….attentions.0.to_q.weight".
std::string todays_name(const std::string& name) {
    if (!is_attention(name)) return name;
    for (const Suffix& old : old_attention_names) {
        for (const std::string kind : {".weight", ".bias"}) {
            const std::string ending = "." + std::string(old.ours) + kind;
            if (name.ends_with(ending)) {
                return name.substr(0, name.size() - ending.size()) + "." + std::string(old.theirs) + kind;
            }
        }
    }
    return name;
}

bool is_squeezable(const std::string& name, const std::vector<std::int64_t>& shape) {
    return is_attention(name) && name.ends_with(".weight") && shape.size() == 4 && shape[2] == 1 && shape[3] == 1;
}

}  // namespace

DiffusersNames diffusers_names(const UNetSettings& settings) {
    return NameWalk(settings).walk();
}

std::map<std::string, std::vector<std::int64_t>> diffusers_shapes(const UNetSettings& settings) {
    std::map<std::string, std::vector<std::int64_t>> shapes;
    const auto ours = parameter_shapes(settings);
    for (const auto& [name, theirs] : diffusers_names(settings)) {
        std::vector<std::int64_t> shape = ours.at(name);
        shape[0] /= static_cast<std::int64_t>(theirs.size());
        if (is_attention(theirs.front()) && shape.size() == 3) shape.pop_back();
        for (const std::string& part : theirs) shapes[part] = shape;
    }
    return shapes;
}

TensorHeaders with_todays_names(TensorHeaders headers) {
    TensorHeaders renamed;
    for (auto& [name, header] : headers) {
        if (is_squeezable(name, header.shape)) header.shape.resize(2);
        renamed[todays_name(name)] = std::move(header);
    }
    return renamed;
}

TensorMap from_diffusers(const TensorMap& tensors, const UNetSettings& settings, const std::string& file) {
    const c10::NoGradGuard no_gradient;
    TensorMap renamed;
    TensorHeaders headers;
    for (const auto& [name, tensor] : tensors) {
        const std::vector<std::int64_t> shape = tensor.sizes().vec();
        const std::string today = todays_name(name);
        renamed[today] = is_squeezable(name, shape) ? tensor.flatten(1) : tensor;
        headers[today] = {tensor.is_floating_point() ? "F32" : "other", renamed[today].sizes().vec()};
    }
    check_parameters(file, diffusers_shapes(settings), headers);

    const auto shapes = parameter_shapes(settings);
    TensorMap ours;
    for (const auto& [name, theirs] : diffusers_names(settings)) {
        std::vector<at::Tensor> parts;
        for (const std::string& part : theirs) parts.push_back(renamed.at(part));
        const at::Tensor joined = parts.size() == 1 ? parts.front() : at::cat(parts);
        ours[name] = joined.view(shapes.at(name));
    }
    return ours;
}

}  // namespace pipeline
