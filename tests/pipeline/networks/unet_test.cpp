#include "pipeline/networks/unet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "pipeline/networks/embedded_timesteps.h"
#include "pipeline/networks/model.h"
#include "tests/pipeline/networks/refusal.h"
#include "tests/support/paths.h"

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

std::int64_t count_parameters(const pipeline::UNetSettings& settings) {
    std::int64_t count = 0;
    for (const auto& [name, shape] : pipeline::parameter_shapes(settings)) {
        count += std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    }
    return count;
}

/// The published networks at 256 pixels.
pipeline::UNetSettings adm_256(int channels, int res_blocks, std::vector<int> attention) {
    pipeline::UNetSettings settings;
    settings.out_channels = 6;
    settings.model_channels = channels;
    settings.res_blocks = res_blocks;
    settings.channel_multipliers = {1, 1, 2, 2, 4, 4};
    settings.attention_factors = std::move(attention);
    settings.head_channels = 64;
    settings.has_scale_shift_norm = true;
    settings.has_residual_resampling = true;
    return settings;
}

pipeline::UNetSettings tiny_unet() {
    pipeline::UNetSettings settings;
    settings.model_channels = 32;
    settings.res_blocks = 1;
    settings.channel_multipliers = {1, 1};
    settings.head_channels = 32;
    return settings;
}

pipeline::TensorMap zero_tensors(const pipeline::UNetSettings& settings) {
    pipeline::TensorMap weights;
    for (const auto& [name, shape] : pipeline::parameter_shapes(settings)) weights[name] = at::zeros(shape);
    return weights;
}

}  // namespace

TEST(UNet, ParametersOfPublishedNetworksAreCounted) {
    EXPECT_EQ(count_parameters(adm_256(128, 1, {16})), 93'563'910);
    EXPECT_EQ(count_parameters(adm_256(256, 2, {8, 16, 32})), 552'814'086);
}

TEST(UNet, CostOfPublishedNetworksIsKnown) {
    EXPECT_NEAR(pipeline::forward_flop(adm_256(128, 1, {16}), 256, 256) / 388e9, 1.0, 0.02);
    EXPECT_NEAR(pipeline::forward_flop(adm_256(256, 2, {8, 16, 32}), 256, 256) / 2240e9, 1.0, 0.02);
    const auto flowers =
        pipeline::describe_guided_diffusion(test_support::source_folder() / "jobs/quickstart/model/config.json");
    EXPECT_NEAR(pipeline::forward_flop(flowers.network, 64, 64) / 1.76e9, 1.0, 0.01);
}

TEST(UNet, HeadsOnTheWayUpMayDiffer) {
    auto settings = tiny_unet();
    settings.head_channels = -1;
    settings.heads = 4;
    settings.attention_factors = {1, 2};
    pipeline::TensorMap weights = zero_tensors(settings);
    for (auto& [name, tensor] : weights) tensor = at::randn(tensor.sizes()) * 0.2;
    const at::Tensor x = at::randn({1, 3, 8, 8});
    const at::Tensor t = at::tensor({10.0F});
    const auto out = [&](int heads_upsample) {
        settings.heads_upsample = heads_upsample;
        return pipeline::UNet(settings, weights).forward(x, t);
    };
    EXPECT_EQ((out(-1) - out(4)).abs().max().item<float>(), 0.0F);
    EXPECT_GT((out(-1) - out(2)).abs().max().item<float>(), 1e-4F);
}

TEST(UNet, NamesAndShapesAreCheckedStrictly) {
    const auto settings = tiny_unet();
    auto weights = zero_tensors(settings);
    weights.erase("out.2.bias");
    weights["extra\n"] = at::zeros({1});
    weights["out.0.weight"] = at::zeros({33});
    weights["time_embed.0.bias"] = at::zeros({128}, at::kLong);
    EXPECT_THAT(
        refusal([&] { pipeline::UNet(settings, weights); }),
        AllOf(HasSubstr("1 missing (out.2.bias)"), HasSubstr("1 unexpected (extra\\x0a)"),
              HasSubstr("1 misshapen (out.0.weight is [33], expected [32])"), HasSubstr("time_embed.0.bias is Long")));
}

TEST(UNet, LongListsAreCutAfterTen) {
    const auto wanted = pipeline::parameter_shapes(tiny_unet());
    const std::string message = refusal([&] { pipeline::check_parameters("file", wanted, {}); });
    EXPECT_THAT(message, HasSubstr("file: the tensors do not match the settings: " + std::to_string(wanted.size()) +
                                   " missing ("));
    EXPECT_EQ(std::count(message.begin(), message.end(), ','), 10) << message;
    EXPECT_THAT(message, HasSubstr(", …)"));
}

TEST(UNet, SettingsThatFitNoNetworkAreRefused) {
    auto settings = tiny_unet();
    settings.channel_multipliers = {};
    EXPECT_THAT(refusal([&] { pipeline::parameter_shapes(settings); }),
                HasSubstr("number of levels is 0, allowed are 1 to 12"));
    settings = tiny_unet();
    settings.model_channels = 40;
    EXPECT_THAT(refusal([&] { pipeline::parameter_shapes(settings); }), HasSubstr("do not divide the 40 channels"));
}

TEST(UNet, WrongInputsThrowWithBothShapes) {
    const auto settings = tiny_unet();
    const pipeline::UNet network(settings, zero_tensors(settings));
    const auto message = [&](const at::Tensor& x, const at::Tensor& t, const at::Tensor& labels = {}) -> std::string {
        try {
            network.forward(x, t, labels);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "";
    };
    const at::Tensor t = at::zeros({1});
    EXPECT_THAT(message(at::zeros({1, 3, 9, 8}), t),
                HasSubstr("[1, 3, 9, 8], expected [N, 3, H, W] with H and W multiples of 2"));
    EXPECT_THAT(message(at::zeros({1, 1, 8, 8}), t), HasSubstr("[1, 1, 8, 8]"));
    EXPECT_THAT(message(at::zeros({3, 8, 8}), t), HasSubstr("[3, 8, 8]"));
    EXPECT_THAT(message(at::zeros({1, 3, 8, 8}, at::kDouble), t),
                HasSubstr("x is Double on cpu, expected Float on cpu"));
    EXPECT_THAT(message(at::zeros({2, 3, 8, 8}), t), HasSubstr("t has shape [1], expected [2]"));
    EXPECT_THAT(message(at::zeros({1, 3, 8, 8}), t, at::zeros({1}, at::kLong)), HasSubstr("knows no classes"));
    EXPECT_EQ(message(at::zeros({1, 3, 8, 8}), t), "");
}

TEST(UNet, LabelsAreNeededExactlyWhereThereAreClasses) {
    auto settings = tiny_unet();
    settings.classes = 3;
    const pipeline::UNet network(settings, zero_tensors(settings));
    const at::Tensor x = at::zeros({1, 3, 8, 8});
    EXPECT_THROW(network.forward(x, at::zeros({1})), std::invalid_argument);
    EXPECT_THROW(network.forward(x, at::zeros({1}), at::tensor({3}, at::kLong)), std::invalid_argument);
    EXPECT_THROW(network.forward(x, at::zeros({1}), at::tensor({1}, at::kInt)), std::invalid_argument);
    EXPECT_NO_THROW(network.forward(x, at::zeros({1}), at::tensor({2}, at::kLong)));
}

TEST(UNet, WritingIntoParametersChangesTheNetworkAlone) {
    const auto settings = tiny_unet();
    auto weights = zero_tensors(settings);
    const pipeline::UNet network(settings, weights);
    const auto shapes = pipeline::parameter_shapes(settings);
    const auto parameters = network.parameters();
    ASSERT_EQ(parameters.size(), shapes.size());
    std::size_t i = 0;
    for (const auto& [name, shape] : shapes) {
        EXPECT_EQ(parameters[i].sizes().vec(), shape) << name;
        EXPECT_FALSE(parameters[i].requires_grad());
        if (name == "out.2.bias") parameters[i].fill_(0.5);
        ++i;
    }
    const at::Tensor out = network.forward(at::zeros({1, 3, 8, 8}), at::zeros({1}));
    EXPECT_EQ(out.min().item<float>(), 0.5F);
    EXPECT_EQ(out.max().item<float>(), 0.5F);
    EXPECT_EQ(weights.at("out.2.bias").max().item<float>(), 0.0F);
}

TEST(EmbeddedTimesteps, AreWhatTheFormulaSaysInAnyBatch) {
    const auto settings = tiny_unet();
    auto weights = zero_tensors(settings);
    for (const char* layer : {"time_embed.0.", "time_embed.2."}) {
        for (const char* name : {"weight", "bias"}) weights.at(std::string(layer) + name).normal_();
    }
    const pipeline::EmbeddedTimesteps embedded(settings, weights, at::kFloat);
    const at::Tensor t = at::tensor({999.0F, 0.5F, 999.0F, 0.0F, std::nanf("")});
    const auto expected = [&] {
        // Sine and cosine in float32: at t = 999 the argument's rounding alone is 6e-5.
        const at::Tensor g = pipeline::timestep_embedding(t, settings.model_channels).to(at::kDouble);
        const auto linear = [&](const at::Tensor& x, const std::string& layer) {
            return at::linear(x, weights.at(layer + ".weight").to(at::kDouble),
                              weights.at(layer + ".bias").to(at::kDouble));
        };
        return linear(at::silu(linear(g, "time_embed.0")), "time_embed.2");
    };
    for (int change = 0; change < 2; ++change) {
        const at::Tensor e = embedded(t);
        const at::Tensor exact = expected().slice(0, 0, 4);
        EXPECT_LT((e.slice(0, 0, 4) - exact).abs().max().item<double>(), 2e-6 * exact.abs().max().item<double>());
        EXPECT_TRUE(e[4].isnan().all().item<bool>());
        EXPECT_TRUE(e[0].equal(e[2]));
        for (std::int64_t row = 0; row < 4; ++row) {
            const at::Tensor alone = embedded(t.narrow(0, row, 1));
            EXPECT_TRUE(alone[0].equal(e[row])) << "bits of row " << row;
            alone.zero_();  // memory of its own: what is kept does not change
        }
        EXPECT_TRUE(embedded(t).slice(0, 0, 4).equal(e.slice(0, 0, 4)));
        weights.at("time_embed.2.weight").mul_(2);  // weights that have changed are seen
    }
}

TEST(TimestepEmbedding, TakesRealTimestepsAndOddWidths) {
    const at::Tensor embedding = pipeline::timestep_embedding(at::tensor({0.5F}), 5);
    ASSERT_EQ(embedding.sizes().vec(), (std::vector<std::int64_t>{1, 5}));
    EXPECT_NEAR(embedding[0][0].item<float>(), std::cos(0.5), 1e-7);
    EXPECT_NEAR(embedding[0][1].item<float>(), std::cos(0.5 * 0.01), 1e-7) << "f_1 = 10⁴^(−1/2)";
    EXPECT_NEAR(embedding[0][2].item<float>(), std::sin(0.5), 1e-7);
    EXPECT_EQ(embedding[0][4].item<float>(), 0.0F);
}
