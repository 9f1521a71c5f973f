#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pipeline/networks/model.h"
#include "tests/pipeline/networks/refusal.h"
#include "tests/support/paths.h"

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

namespace {

/// Describes settings written into a file of their own.
pipeline::ModelDescription described(const std::string& text) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "m.json", text);
    return pipeline::describe_guided_diffusion(folder / "m.json");
}

std::string refused_settings(const std::string& text) {
    return refusal([&] { described(text); });
}

/// Flags of a small network, all that matter given, with some replaced or added.
std::string flags_with(const std::string& more) {
    return R"({"image_size":32,"num_channels":32,"num_res_blocks":1,"channel_mult":"1,2","learn_sigma":true,)"
           R"("attention_resolutions":"16","num_head_channels":32,"use_scale_shift_norm":true,"resblock_updown":true,)"
           R"("use_new_attention_order":false,"diffusion_steps":1000,"noise_schedule":"linear")" +
           (more.empty() ? "" : "," + more) + "}";
}

}  // namespace

TEST(GuidedDiffusionSettings, GoldenFilesAreRead) {
    const auto weights = test_support::golden_folder() / "weights";
    const auto a = pipeline::describe_guided_diffusion(weights / "gd_a.json");
    EXPECT_EQ(a.format, "guided-diffusion");
    EXPECT_EQ(a.image_size, 32);
    EXPECT_EQ(a.network.out_channels, 6);
    EXPECT_TRUE(a.has_learned_variance());
    EXPECT_EQ(a.variance, pipeline::VarianceKind::learned_range);
    EXPECT_THAT(a.network.channel_multipliers, ElementsAre(1, 2, 2));
    EXPECT_THAT(a.network.attention_factors, ElementsAre(2, 4));
    EXPECT_EQ(a.network.head_channels, 32);
    EXPECT_TRUE(a.network.has_residual_resampling);
    EXPECT_EQ(a.network.size_multiple(), 4);

    const auto b = pipeline::describe_guided_diffusion(weights / "gd_b.json");
    EXPECT_EQ(b.network.classes, 10);
    EXPECT_EQ(b.network.head_channels, -1);
    EXPECT_EQ(b.network.heads, 4);
    EXPECT_TRUE(b.network.is_new_attention_order);
    EXPECT_FALSE(b.network.has_scale_shift_norm);
    EXPECT_FALSE(b.network.has_residual_resampling);
    EXPECT_EQ(b.variance, pipeline::VarianceKind::fixed_large) << "guided-diffusion's rule without learn_sigma";
    EXPECT_THAT(b.notes, Contains(HasSubstr("sigma_small is not given")));
}

TEST(GuidedDiffusionSettings, DefaultModelIsReadFromItsNestedFile) {
    const auto model =
        pipeline::describe_guided_diffusion(test_support::source_folder() / "jobs/quickstart/model/config.json");
    EXPECT_EQ(model.image_size, 64);
    EXPECT_EQ(model.timesteps, 1000);
    EXPECT_EQ(model.schedule, "linear");
    EXPECT_EQ(model.variance, pipeline::VarianceKind::fixed_small);
    EXPECT_THAT(model.network.channel_multipliers, ElementsAre(1, 1, 2, 4));
    EXPECT_THAT(model.network.attention_factors, ElementsAre(8));
    EXPECT_THAT(model.notes, IsEmpty()) << model.notes.front();
}

TEST(GuidedDiffusionSettings, AllFormsGiveTheSame) {
    const std::string model = R"({"image_size":32,"num_channels":64,"channel_mult":[1,2],"num_head_channels":64})";
    const std::string diffusion =
        R"({"diffusion_steps":500,"noise_schedule":"cosine","rescale_timesteps":true,"sigma_small":true})";
    const std::string flat = model.substr(0, model.size() - 1) + "," + diffusion.substr(1);
    for (const std::string& text : {flat, R"({"model":)" + model + R"(,"diffusion":)" + diffusion + "}",
                                    R"({"model":{"unet":)" + model + R"(,"diffusion":)" + diffusion + "}}",
                                    R"({"format":"guided-diffusion","model":{"unet":)" + model + R"(},"diffusion":)" +
                                        diffusion + R"(,"cost":1})"}) {
        const auto read = described(text);
        EXPECT_EQ(read.network.model_channels, 64) << text;
        EXPECT_THAT(read.network.channel_multipliers, ElementsAre(1, 2)) << text;
        EXPECT_EQ(read.timesteps, 500) << text;
        EXPECT_EQ(read.schedule, "cosine") << text;
        EXPECT_TRUE(read.rescales_timesteps) << text;
        EXPECT_EQ(read.variance, pipeline::VarianceKind::fixed_small) << text;
    }
}

TEST(GuidedDiffusionSettings, AbsentFlagsTakeTheScriptsDefaultsAndAreNoted) {
    const auto model = described(R"({"image_size":64})");
    EXPECT_EQ(model.network.model_channels, 128);
    EXPECT_EQ(model.network.res_blocks, 2);
    EXPECT_EQ(model.network.heads, 4);
    EXPECT_EQ(model.network.head_channels, -1);
    EXPECT_TRUE(model.network.has_scale_shift_norm);
    EXPECT_FALSE(model.network.has_residual_resampling);
    EXPECT_THAT(model.network.channel_multipliers, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(model.network.attention_factors, ElementsAre(4, 8));
    for (const char* flag : {"num_channels", "num_res_blocks", "channel_mult", "attention_resolutions", "num_heads",
                             "num_head_channels", "use_new_attention_order", "use_scale_shift_norm", "resblock_updown",
                             "learn_sigma", "diffusion_steps", "noise_schedule", "sigma_small"}) {
        EXPECT_THAT(model.notes, Contains(StartsWith(std::string(flag) + " is not given")));
    }
    EXPECT_THAT(model.notes, Not(Contains(StartsWith("image_size"))));
    EXPECT_THAT(described(flags_with("")).notes, IsEmpty());
}

TEST(GuidedDiffusionSettings, MultipliersDefaultBySize) {
    const auto multipliers = [](int size) {
        return described(R"({"channel_mult":"","image_size":)" + std::to_string(size) + "}")
            .network.channel_multipliers;
    };
    EXPECT_THAT(multipliers(64), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(multipliers(128), ElementsAre(1, 1, 2, 3, 4));
    EXPECT_THAT(multipliers(256), ElementsAre(1, 1, 2, 2, 4, 4));
    EXPECT_THAT(multipliers(512), ElementsAre(0.5, 1, 1, 2, 2, 4, 4));
    EXPECT_THAT(refused_settings(R"({"image_size":96})"), AllOf(HasSubstr("channel_mult"), HasSubstr("not 96")));
}

TEST(GuidedDiffusionSettings, WrongTypesAndValuesAreRefusedByFlag) {
    const auto refused = [](const std::string& flag) {
        return refused_settings("{" + flag + R"(,"channel_mult":"1,2"})");
    };
    EXPECT_THAT(refused(R"("num_channels":"32")"),
                HasSubstr("m.json: num_channels is \"32\", allowed are whole numbers 2 to 8192"));
    EXPECT_THAT(refused(R"("num_channels":32.5)"), HasSubstr("num_channels is 32.5"));
    EXPECT_THAT(refused(R"("num_channels":-32)"), HasSubstr("num_channels is -32"));
    EXPECT_THAT(refused(R"("num_channels":18446744073709551615)"), HasSubstr("num_channels is 18446744073709551615"));
    EXPECT_THAT(refused(R"("num_channels":48)"), HasSubstr("32 groups of GroupNorm do not divide the 48 channels"));
    EXPECT_THAT(refused(R"("learn_sigma":1)"), HasSubstr("learn_sigma is 1, allowed are true and false"));
    EXPECT_THAT(refused(R"("noise_schedule":"sqrt")"),
                HasSubstr("noise_schedule is \"sqrt\", allowed are linear, cosine, scaled_linear"));
    EXPECT_THAT(refused(R"("prediction_type":"score")"),
                HasSubstr("prediction_type is \"score\", allowed are epsilon"));
    EXPECT_THAT(refused(R"("beta_end":2)"), HasSubstr("beta is "));
    EXPECT_THAT(refused(R"("noise_schedule":"trained")"), HasSubstr("trained_betas is a list of 0"));
    EXPECT_THAT(refused(R"("num_head_channels":48)"), HasSubstr("48 channels per head do not divide"));
    EXPECT_THAT(refused(R"("num_heads":7)"), HasSubstr("7 heads do not divide"));
    EXPECT_THAT(refused(R"("attention_resolutions":"0")"), HasSubstr("attention_resolutions"));
    EXPECT_THAT(refused(R"("attention_resolutions":"16,,8")"), HasSubstr("attention_resolutions is \"16,,8\""));
    EXPECT_THAT(refused(R"("attention_resolutions":"16,")"), HasSubstr("attention_resolutions is \"16,\""));
    EXPECT_THAT(refused(R"("attention_resolutions":true)"), HasSubstr("attention_resolutions is true"));
    EXPECT_THAT(refused(R"("diffusion_steps":5)"), HasSubstr("m.json: "));
    EXPECT_THAT(refused(R"("dims":3)"), HasSubstr("dims is 3"));
    EXPECT_THAT(refused_settings(R"({"channel_mult":"1,x"})"), HasSubstr("channel_mult is \"1,x\""));
    EXPECT_THAT(refused_settings(R"({"channel_mult":"1,1000"})"), HasSubstr("channel multiplier is 1000"));
}

TEST(GuidedDiffusionSettings, OtherFilesAreRefused) {
    EXPECT_THAT(refused_settings("[1]"), HasSubstr("holds no JSON object"));
    EXPECT_THAT(refused_settings("{\"image_size\":64"), AllOf(HasSubstr("not valid JSON"), Not(HasSubstr("\n"))));
    EXPECT_THAT(refused_settings("{}"), HasSubstr("none of guided-diffusion's flags"));
    EXPECT_THAT(refused_settings(R"({"image_size":64,"image_size":32})"), HasSubstr("'image_size' occurs twice"));
    EXPECT_THAT(refused_settings(R"({"_class_name":"UNet2DModel"})"), HasSubstr("diffusers"));
    EXPECT_THAT(refused_settings(R"({"format":"other","model":{}})"), HasSubstr("format is \"other\""));
    EXPECT_THAT(refused_settings(R"({"model":7})"), HasSubstr("'model' holds no JSON object"));
    EXPECT_THAT(refused_settings(R"({"diffusion":{}})"), HasSubstr("no 'model'"));
    EXPECT_THAT(refused_settings(R"({"model":{"image_size":64,"model_channels":32}})"), HasSubstr("model_channels"));
    EXPECT_THAT(refused_settings(R"({"model":{"image_size":64,"learn_sigma":true},"diffusion":{"learn_sigma":false}})"),
                HasSubstr("learn_sigma is true in one place and false in another"));
}

TEST(GuidedDiffusionSettings, UnknownFlagsAndRespacingAreNoted) {
    EXPECT_THAT(described(flags_with(R"("dropout":0.1,"use_fp16":true,"model_path":"x.pt","use_kl":false)")).notes,
                IsEmpty());
    EXPECT_THAT(described(flags_with(R"("zzz":1,"attn":2)")).notes, ElementsAre("not known and not used: attn, zzz"));
    EXPECT_THAT(described(flags_with(R"("timestep_respacing":"")")).notes, IsEmpty());
    EXPECT_THAT(described(flags_with(R"("timestep_respacing":"250")")).notes,
                ElementsAre(HasSubstr("timestep_respacing \"250\" is not used")));
}
