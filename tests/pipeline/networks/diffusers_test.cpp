#include "pipeline/networks/diffusers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>

#include "pipeline/networks/diffusers_names.h"
#include "pipeline/networks/guided_diffusion.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/settings_file.h"
#include "tests/pipeline/networks/refusal.h"
#include "tests/pipeline/networks/torch_writer.h"
#include "tests/support/paths.h"

using testing::Contains;
using testing::HasSubstr;
namespace tw = torch_writer;
namespace fs = std::filesystem;

namespace {

fs::path golden(const std::string& name) {
    return test_support::golden_folder() / "weights" / name;
}

const fs::path config_c = golden("diffusers_c") / "config.json";
const fs::path scheduler_c = golden("diffusers_c") / "scheduler_config.json";

float difference(const at::Tensor& one, const at::Tensor& other) {
    return (one - other).abs().max().item<float>();
}

/// Predictions of two checkpoints at one point.
float difference(const fs::path& one, const fs::path& other, int side) {
    const at::Tensor x = at::randn({1, 3, side, side});
    pipeline::Model first(pipeline::describe_model(one)), second(pipeline::describe_model(other));
    return difference(first.predict(x, 321).epsilon, second.predict(x, 321).epsilon);
}

pipeline::ModelDescription describe(const nlohmann::json& unet, const nlohmann::json& scheduler) {
    return pipeline::describe_diffusers(unet, "config.json", scheduler, "scheduler_config.json");
}

/// The golden network's settings with some keys changed; null takes a key away.
nlohmann::json changed(nlohmann::json settings, const nlohmann::json& changes) {
    for (const auto& [key, value] : changes.items()) {
        if (value == "(absent)") {
            settings.erase(key);
        } else {
            settings[key] = value;
        }
    }
    return settings;
}

pipeline::ModelDescription with_unet(const nlohmann::json& changes) {
    return describe(changed(pipeline::read_settings_file(config_c), changes),
                    pipeline::read_settings_file(scheduler_c));
}

pipeline::ModelDescription with_scheduler(const nlohmann::json& changes) {
    return describe(pipeline::read_settings_file(config_c),
                    changed(pipeline::read_settings_file(scheduler_c), changes));
}

std::string refused_unet(const nlohmann::json& changes) {
    return refusal([&] { with_unet(changes); });
}

std::string refused_scheduler(const nlohmann::json& changes) {
    return refusal([&] { with_scheduler(changes); });
}

void copy_settings(const fs::path& folder) {
    fs::copy(config_c, folder / "config.json");
    fs::copy(scheduler_c, folder / "scheduler_config.json");
}

}  // namespace

TEST(Diffusers, OldAttentionNamesAndBothLayoutsAreTheSameNetwork) {
    EXPECT_EQ(difference(golden("diffusers_d"), golden("diffusers_d_old_keys"), 64), 0.0F);
}

TEST(Diffusers, ShardsAreOneCheckpoint) {
    const test_support::TemporaryFolder folder;
    copy_settings(folder.path());
    pipeline::TensorMap parts[2];
    nlohmann::json index = {{"metadata", {{"total_size", 0}}}, {"weight_map", nlohmann::json::object()}};
    int count = 0;
    for (const auto& [name, tensor] :
         pipeline::read_safetensors(golden("diffusers_c") / "diffusion_pytorch_model.safetensors")) {
        const int part = count++ % 2;
        parts[part][name] = tensor;
        index["weight_map"][name] = "part-" + std::to_string(part) + ".safetensors";
    }
    for (const int part : {0, 1}) {
        pipeline::write_safetensors(folder / ("part-" + std::to_string(part) + ".safetensors"), parts[part]);
    }
    const fs::path index_file = folder / "diffusion_pytorch_model.safetensors.index.json";
    std::ofstream(index_file) << index;
    EXPECT_EQ(difference(folder.path(), golden("diffusers_c"), 32), 0.0F);

    index["weight_map"]["conv_in.weight"] = "../part-0.safetensors";
    std::ofstream(index_file) << index;
    EXPECT_THAT(refusal([&] { pipeline::describe_model(folder.path()); }), HasSubstr("is no plain name"));
    index["weight_map"]["conv_in.weight"] = "part-2.safetensors";
    std::ofstream(index_file) << index;
    EXPECT_THAT(refusal([&] { pipeline::describe_model(folder.path()); }),
                HasSubstr("names part-2.safetensors, which is not there"));
}

TEST(Diffusers, PicklesOfTheOldFoldersAreRead) {
    const test_support::TemporaryFolder folder;
    copy_settings(folder.path());
    std::vector<std::string> items;
    std::vector<std::pair<std::string, std::string>> storages;
    for (const auto& [name, tensor] :
         pipeline::read_safetensors(golden("diffusers_c") / "diffusion_pytorch_model.safetensors")) {
        const at::Tensor values = tensor.to(at::kFloat).contiguous();
        const std::string key = std::to_string(storages.size());
        items.push_back(tw::text(name));
        items.push_back(
            tw::tensor({.key = key, .elements = values.numel()}, 0, values.sizes().vec(), values.strides().vec()));
        storages.emplace_back(key, std::string(static_cast<const char*>(values.const_data_ptr()), values.nbytes()));
    }
    std::ofstream(folder / "diffusion_pytorch_model.bin", std::ios::binary)
        << tw::zip_file(tw::protocol() + tw::dictionary(items) + ".", storages);
    EXPECT_EQ(difference(folder.path(), golden("diffusers_c"), 32), 0.0F);
}

TEST(Diffusers, ConvertedToOurSettingsIsTheSameNetwork) {
    for (const char* name : {"diffusers_c", "diffusers_d"}) {
        const test_support::TemporaryFolder folder;
        const auto model = pipeline::describe_model(golden(name));
        pipeline::write_safetensors(folder / "model.safetensors", pipeline::read_model_weights(model));
        std::ofstream(folder / "config.json") << pipeline::guided_diffusion_flags(model);
        EXPECT_EQ(difference(folder.path(), golden(name), model.image_size), 0.0F) << name;
        EXPECT_EQ(pipeline::settings_text(pipeline::describe_model(folder.path())), pipeline::settings_text(model));
    }
}

TEST(Diffusers, AbsentKeysHaveTheClassDefaults) {
    const auto model = describe({{"sample_size", 64}}, nlohmann::json::object());
    EXPECT_EQ(model.network.model_channels, 224);
    EXPECT_THAT(model.network.channel_multipliers, testing::ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(model.network.attention_factors, testing::ElementsAre(2, 4, 8));
    EXPECT_FALSE(model.network.attention_factors_up.has_value());
    EXPECT_EQ(model.network.head_channels, 8);
    EXPECT_EQ(model.network.norm_epsilon, 1e-5);
    EXPECT_FALSE(model.network.embedding.is_sine_first);
    EXPECT_FALSE(model.network.pads_right_and_bottom);
    EXPECT_EQ(model.variance, pipeline::VarianceKind::fixed_small);
    EXPECT_TRUE(model.clips);
    EXPECT_THAT(model.notes, Contains(HasSubstr("attention_head_dim is not given: 8 assumed, UNet2DModel's default")));
    // One head where the file is older than the key, or the key is null
    EXPECT_EQ(with_unet({{"attention_head_dim", "(absent)"}, {"_diffusers_version", "0.0.4"}}).network.head_channels,
              -1);
    EXPECT_EQ(with_unet({{"attention_head_dim", "(absent)"}, {"norm_num_groups", 8}}).network.head_channels, 8);
    EXPECT_EQ(with_unet({{"attention_head_dim", nullptr}}).network.head_channels, -1);
}

TEST(Diffusers, AttentionMayDifferOnTheWayUp) {
    const auto model = with_unet({{"up_block_types", {"UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"}}});
    EXPECT_THAT(model.network.attention_factors, testing::ElementsAre(2));
    ASSERT_TRUE(model.network.attention_factors_up.has_value());
    EXPECT_THAT(*model.network.attention_factors_up, testing::ElementsAre(4));
    const auto shapes = pipeline::diffusers_shapes(model.network);
    EXPECT_TRUE(shapes.contains("up_blocks.1.attentions.2.to_q.weight"));
    EXPECT_FALSE(shapes.contains("up_blocks.2.attentions.0.to_q.weight"));
    EXPECT_TRUE(shapes.contains("down_blocks.1.attentions.1.to_out.0.bias"));
}

TEST(Diffusers, WhatTheNetworkCannotBeIsRefusedByItsName) {
    EXPECT_THAT(refused_unet({{"_class_name", "UNet2DConditionModel"}}),
                HasSubstr("_class_name is \"UNet2DConditionModel\", allowed is UNet2DModel"));
    EXPECT_THAT(refused_unet({{"time_embedding_type", "fourier"}}), HasSubstr("time_embedding_type is \"fourier\""));
    EXPECT_THAT(refused_unet({{"down_block_types", {"SkipDownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"}}}),
                HasSubstr("down_block_types is \"SkipDownBlock2D\", allowed are DownBlock2D and AttnDownBlock2D"));
    EXPECT_THAT(refused_unet({{"down_block_types", {"DownBlock2D"}}}), HasSubstr("a list of 1"));
    EXPECT_THAT(refused_unet({{"act_fn", "gelu"}}), HasSubstr("act_fn is \"gelu\""));
    EXPECT_THAT(refused_unet({{"downsample_type", "resnet"}}), HasSubstr("downsample_type is \"resnet\""));
    EXPECT_THAT(refused_unet({{"mid_block_scale_factor", 0.7}}), HasSubstr("mid_block_scale_factor is 0.7"));
    EXPECT_THAT(refused_unet({{"class_embed_type", "timestep"}}), HasSubstr("class_embed_type is \"timestep\""));
    EXPECT_THAT(refused_unet({{"sample_size", "(absent)"}}), HasSubstr("sample_size is not given"));
    EXPECT_THAT(refused_unet({{"sample_size", {32, 64}}}), HasSubstr("sample_size is [32,64]"));
    EXPECT_THAT(refused_unet({{"out_channels", 4}}), HasSubstr("out_channels is 4"));
    EXPECT_THAT(refused_unet({{"norm_num_groups", 3}}), HasSubstr("3 groups of GroupNorm do not divide"));
    EXPECT_THAT(refused_unet({{"block_out_channels", {8, 16.5, 16, 16}}}), HasSubstr("block_out_channels"));
    EXPECT_THAT(with_unet({{"a_key_of_tomorrow", 1}}).notes, Contains(HasSubstr("a_key_of_tomorrow")));
}

TEST(Diffusers, WhatTheSchedulerCannotBeIsRefusedByItsName) {
    EXPECT_THAT(refused_scheduler({{"_class_name", "ScoreSdeVeScheduler"}}), HasSubstr("\"ScoreSdeVeScheduler\""));
    EXPECT_THAT(refused_scheduler({{"thresholding", true}}), HasSubstr("thresholding is true, allowed is false"));
    EXPECT_THAT(refused_scheduler({{"rescale_betas_zero_snr", true}}), HasSubstr("rescale_betas_zero_snr is true"));
    EXPECT_THAT(refused_scheduler({{"beta_schedule", "laplace"}}), HasSubstr("beta_schedule is \"laplace\""));
    EXPECT_THAT(refused_scheduler({{"prediction_type", "flow"}}), HasSubstr("prediction_type is \"flow\""));
    EXPECT_THAT(refused_scheduler({{"variance_type", "fixed_large_log"}}), HasSubstr("fixed_large_log"));
    EXPECT_THAT(refused_scheduler({{"variance_type", "learned_range"}}), HasSubstr("twice in_channels"));
    EXPECT_THAT(refused_scheduler({{"clip_sample_range", 2}}), HasSubstr("clip_sample_range is 2"));
    EXPECT_THAT(refused_scheduler({{"trained_betas", {0.1, 0.2}}}), HasSubstr("a list of 2"));
    EXPECT_THAT(refused_scheduler({{"beta_end", 3}}), HasSubstr("beta is "));
    EXPECT_EQ(refused_scheduler({{"clip_sample", false}, {"clip_sample_range", 2}}), "");
}

TEST(Diffusers, SchedulersGiveTheirBetas) {
    const auto beta = [](const nlohmann::json& changes, int t) {
        return with_scheduler(changes).noise_schedule().beta(t);
    };
    EXPECT_EQ(beta({{"beta_start", 0.001}}, 0), 0.001);
    EXPECT_EQ(beta({}, 999), 0.02);
    const double root = (std::sqrt(1e-4) + std::sqrt(0.02)) / 2;
    EXPECT_NEAR(beta({{"beta_schedule", "scaled_linear"}, {"num_train_timesteps", 1001}}, 500), root * root, 1e-15);
    EXPECT_NEAR(beta({{"beta_schedule", "sigmoid"}, {"num_train_timesteps", 1001}}, 500), (1e-4 + 0.02) / 2, 1e-15);
    EXPECT_NEAR(beta({{"beta_schedule", "sigmoid"}}, 0), 1e-4 + 0.0199 / (1 + std::exp(6.0)), 1e-15);
    EXPECT_EQ(beta({{"beta_schedule", "squaredcos_cap_v2"}}, 999), 0.999);
    EXPECT_EQ(beta({{"trained_betas", {0.25, 0.5}}, {"num_train_timesteps", 2}}, 1), 0.5);
    EXPECT_EQ(with_scheduler({{"clip_sample", false}}).clips, false);
    EXPECT_EQ(with_scheduler({{"steps_offset", 1}}).steps_offset, 1);
}

TEST(PredictionTypes, EpsilonFollowsFromSampleAndVelocity) {
    auto description = pipeline::describe_model(golden("gd_a.safetensors"));
    pipeline::Model plain(description);
    const at::Tensor x = at::randn({2, 3, 32, 32});
    const at::Tensor w = at::randn(x.sizes());
    for (const int t : {0, 17, 400, 999}) {
        // What the network says, read as ε, as x₀ and as v
        const at::Tensor said = plain.predict(x, t).epsilon.to(at::kDouble);
        const double alpha_bar = description.noise_schedule().alpha_bar(t);
        const double signal = std::sqrt(alpha_bar), noise = std::sqrt(1 - alpha_bar);
        description.prediction = pipeline::PredictionKind::sample;
        const at::Tensor of_sample = pipeline::Model(description).predict(x, t).epsilon.to(at::kDouble);
        description.prediction = pipeline::PredictionKind::v_prediction;
        pipeline::Model velocity(description);
        const at::Tensor of_velocity = velocity.predict(x, t).epsilon.to(at::kDouble);

        // x_t = √ᾱ x₀ + √(1−ᾱ) ε and v = √ᾱ ε − √(1−ᾱ) x₀ hold again
        EXPECT_LT((signal * said + noise * of_sample - x).abs().max().item<double>(), 1e-4) << t;
        const at::Tensor x0 = (x - noise * of_velocity) / signal;
        EXPECT_LT((signal * of_velocity - noise * x0 - said).abs().max().item<double>() * signal, 1e-4) << t;

        // The gradient goes through the conversion: J_ε = √ᾱ J_said + √(1−ᾱ) I
        const at::Tensor inner = plain.predict_differentiably(x, t).vjp(w);
        const at::Tensor outer = velocity.predict_differentiably(x, t).vjp(w);
        EXPECT_LT(difference(outer, signal * inner + noise * w), 1e-4F) << t;
    }
    pipeline::Model velocity(description);
    EXPECT_THROW(velocity.predict(x, 17.5), std::invalid_argument);
    EXPECT_THROW(velocity.predict(x, 1000), std::invalid_argument);
}
