#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "pipeline/networks/guided_diffusion.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/model_presets.h"
#include "pipeline/networks/shape_settings.h"
#include "tests/pipeline/networks/refusal.h"
#include "tests/support/paths.h"

using testing::AllOf;
using testing::HasSubstr;

namespace {

std::filesystem::path golden_weights() {
    return test_support::golden_folder() / "weights";
}

pipeline::ModelDescription describe(std::string_view preset) {
    const pipeline::ModelPreset* found = pipeline::find_model_preset(preset);
    return pipeline::describe_guided_diffusion(nlohmann::json::parse(found->flags), std::string(preset));
}

pipeline::TensorHeaders headers_of(const pipeline::UNetSettings& network) {
    pipeline::TensorHeaders headers;
    for (const auto& [name, shape] : pipeline::parameter_shapes(network)) headers[name] = {"F32", shape};
    return headers;
}

std::int64_t parameters_of(const pipeline::UNetSettings& network) {
    std::int64_t sum = 0;
    for (const auto& [name, header] : headers_of(network)) {
        std::int64_t count = 1;
        for (const std::int64_t size : header.shape) count *= size;
        sum += count;
    }
    return sum;
}

}  // namespace

TEST(Presets, HaveTheParametersOfThePublishedFiles) {
    EXPECT_EQ(parameters_of(describe("ffhq_10m").network), 93'563'910);
    EXPECT_EQ(parameters_of(describe("imagenet256").network), 552'814'086);
    EXPECT_EQ(parameters_of(describe("lsun").network), 552'814'086);
    // Published as 420.5 and 295.1 million
    EXPECT_NEAR(static_cast<double>(parameters_of(describe("imagenet128_classes").network)), 420.5e6, 2e6);
    EXPECT_NEAR(static_cast<double>(parameters_of(describe("imagenet64_classes").network)), 295.1e6, 2e6);
}

TEST(Presets, AreThoseOfTheJobOptionAndSettled) {
    std::string words;
    for (const pipeline::ModelPreset& preset : pipeline::model_presets()) {
        words += (words.empty() ? "" : "|") + std::string(preset.name);
        EXPECT_TRUE(describe(preset.name).notes.empty()) << preset.name << " leaves nothing to a default";
    }
    EXPECT_EQ(words, pipeline::model_preset_words);
    EXPECT_EQ(pipeline::preset_of_file_name("ffhq_10m.pt"), pipeline::find_model_preset("ffhq_10m"));
    EXPECT_EQ(pipeline::preset_of_file_name("ffhq"), nullptr);
    EXPECT_EQ(pipeline::preset_of_file_name(""), nullptr);
}

TEST(ShapeSettings, RecoverWhatShapesTell) {
    for (const pipeline::ModelPreset& preset : pipeline::model_presets()) {
        const pipeline::UNetSettings network = describe(preset.name).network;
        const auto found = pipeline::settings_of_shapes(headers_of(network));
        ASSERT_TRUE(found) << preset.name;
        EXPECT_EQ(found->at("num_channels"), network.model_channels) << preset.name;
        EXPECT_EQ(found->at("num_res_blocks"), network.res_blocks) << preset.name;
        EXPECT_EQ(found->at("channel_mult").get<std::vector<double>>(), network.channel_multipliers) << preset.name;
        EXPECT_EQ(found->at("attention_factors").get<std::vector<int>>(), network.attention_factors) << preset.name;
        EXPECT_EQ(found->at("resblock_updown"), network.has_residual_resampling) << preset.name;
        EXPECT_EQ(found->at("use_scale_shift_norm"), network.has_scale_shift_norm) << preset.name;
        EXPECT_EQ(found->at("learn_sigma"), network.out_channels == 6) << preset.name;
        EXPECT_EQ(found->at("class_cond"), network.classes > 0) << preset.name;
    }
    EXPECT_FALSE(pipeline::settings_of_shapes({}));
    EXPECT_FALSE(pipeline::settings_of_shapes({{"conv_in.weight", {"F32", {3, 3, 3, 3}}}}));
}

TEST(ShapeSettings, FillWhatASettingsFileLeavesOpen) {
    const test_support::TemporaryFolder folder;
    for (const char* name : {"gd_a", "gd_b", "gd_e"}) {
        const auto whole = pipeline::describe_model(golden_weights() / (std::string(name) + ".safetensors"));
        std::filesystem::copy(whole.weights_file, folder / (std::string(name) + ".safetensors"));
        nlohmann::json few;
        const nlohmann::json all = pipeline::guided_diffusion_flags(whole);
        for (const char* flag : {"image_size", "num_heads", "num_head_channels", "use_new_attention_order"}) {
            few[flag] = all.at(flag);
        }
        std::ofstream(folder / (std::string(name) + ".json")) << few;
        const auto filled = pipeline::describe_model(folder / (std::string(name) + ".safetensors"));
        EXPECT_EQ(parameters_of(filled.network), parameters_of(whole.network)) << name;
        EXPECT_EQ(filled.network.attention_factors.size(),
                  whole.network.attention_factors.size() - (name == std::string("gd_e") ? 1 : 0))
            << name << ": a factor that no level has leaves no trace";
        EXPECT_THAT(filled.notes, testing::Contains(HasSubstr("from the tensors' shapes"))) << name;
    }
}

TEST(Presets, AreAskedForWhereNothingElseTells) {
    const test_support::TemporaryFolder folder;
    std::filesystem::copy(golden_weights() / "gd_e.pt", folder / "mine.pt");
    const auto refused = [&](const std::string& file, const std::string& preset) {
        return refusal([&] { pipeline::describe_model(folder / file, preset); });
    };
    EXPECT_THAT(refused("mine.pt", ""), AllOf(HasSubstr("mine.pt: no settings: looked for mine.json and config.json"),
                                              HasSubstr("num_channels 32"), HasSubstr("model-preset (ffhq_10m, ")));
    EXPECT_THAT(refused("mine.pt", "ffhq"), HasSubstr("'ffhq' is none, allowed are ffhq_10m"));
    EXPECT_THAT(refused("mine.pt", "ffhq_10m"),
                AllOf(HasSubstr("do not match"), HasSubstr("(preset ffhq_10m); the shapes suggest")));
    // The published name stands for its preset, and the tensors are held to it
    std::filesystem::copy(golden_weights() / "gd_e.pt", folder / "ffhq_10m.pt");
    EXPECT_THAT(refused("ffhq_10m.pt", ""), HasSubstr("(preset ffhq_10m)"));
}

TEST(Settings, WrittenDownAndReadAgainAreTheSame) {
    for (const char* name : {"gd_a", "gd_b", "gd_e"}) {
        const auto model = pipeline::describe_guided_diffusion(golden_weights() / (std::string(name) + ".json"));
        const auto again = pipeline::describe_guided_diffusion(pipeline::guided_diffusion_flags(model), "again");
        EXPECT_EQ(pipeline::settings_text(model), pipeline::settings_text(again)) << name;
    }
}
