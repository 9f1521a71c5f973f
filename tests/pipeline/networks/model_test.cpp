#include "pipeline/networks/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include "pipeline/networks/safetensors.h"
#include "tests/pipeline/networks/refusal.h"
#include "tests/support/paths.h"

using testing::AllOf;
using testing::HasSubstr;

namespace {

std::filesystem::path default_model() {
    return test_support::source_folder() / "jobs" / "quickstart" / "model";
}
std::filesystem::path golden_weights() {
    return test_support::golden_folder() / "weights";
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
    return ((a - b).norm() / b.norm()).item<double>();
}

std::string description_refusal(const std::filesystem::path& path) {
    return refusal([&] { pipeline::describe_model(path); });
}

}  // namespace

TEST(Model, DefaultModelIsDescribedFromFolderAndFile) {
    for (const auto& path : {default_model(), default_model() / "model.safetensors"}) {
        const auto model = pipeline::describe_model(path);
        EXPECT_EQ(model.weights_file, default_model() / "model.safetensors");
        EXPECT_EQ(model.settings_file, default_model() / "config.json");
        EXPECT_EQ(model.parameters, 3'319'075);
        EXPECT_EQ(model.noise_schedule().size(), 1000);
    }
    EXPECT_EQ(pipeline::describe_model(golden_weights() / "gd_a.safetensors").settings_file,
              golden_weights() / "gd_a.json");
}

TEST(Model, PredictsAnImageAloneAsInABatch) {
    pipeline::Model model(pipeline::describe_model(default_model()));
    const at::Tensor x = at::randn({4, 3, 64, 64});
    const auto batch = model.predict(x, 300);
    ASSERT_EQ(batch.epsilon.sizes(), x.sizes());
    EXPECT_FALSE(batch.epsilon.requires_grad());
    EXPECT_FALSE(batch.variance_fraction.defined());
    EXPECT_FALSE(model.has_learned_variance());
    for (int i = 0; i < 4; ++i) {
        const at::Tensor row = x.narrow(0, i, 1);
        EXPECT_LT(relative_difference(batch.epsilon.narrow(0, i, 1), model.predict(row, 300).epsilon), 1e-5) << i;
    }
    // At a high noise level a trained network finds nearly all of the noise.
    EXPECT_LT(relative_difference(model.predict(x, 999).epsilon, x), 0.1);
}

TEST(Model, DifferentiablePredictionIsThePredictionAndItsGradient) {
    pipeline::Model model(pipeline::describe_model(golden_weights() / "gd_a.safetensors"));
    const at::Tensor x = at::randn({2, 3, 32, 32});
    const at::Tensor w = at::randn(x.sizes());
    const auto plain = model.predict(x, 200.5);
    auto result = model.predict_differentiably(x, 200.5);
    EXPECT_EQ((result.prediction.epsilon - plain.epsilon).abs().max().item<float>(), 0.0F);
    ASSERT_TRUE(result.prediction.variance_fraction.defined());
    EXPECT_EQ((result.prediction.variance_fraction - plain.variance_fraction).abs().max().item<float>(), 0.0F);
    EXPECT_FALSE(result.prediction.epsilon.requires_grad());
    EXPECT_FALSE(x.requires_grad());

    // Against a central difference along a direction: <w, ε(x + h d) − ε(x − h d)>/2h = <Jᵀw, d>
    const at::Tensor gradient = result.vjp(w);
    EXPECT_FALSE(gradient.requires_grad());
    const at::Tensor d = gradient / gradient.norm();
    const double h = 0.05;
    const auto side = [&](double step) { return model.predict(x + step * d, 200.5).epsilon.to(at::kDouble); };
    const double slope = (((side(h) - side(-h)) * w).sum() / (2 * h)).item<double>();
    EXPECT_NEAR(slope / gradient.norm().item<double>(), 1.0, 0.01);
    EXPECT_THROW(result.vjp(w), std::logic_error);
}

TEST(Model, TimestepsAreRescaledWhereTheCheckpointSaysSo) {
    auto description = pipeline::describe_model(golden_weights() / "gd_e.safetensors");
    pipeline::Model plain(description);
    description.timesteps = 500;
    description.rescales_timesteps = true;
    pipeline::Model rescaled(description);
    const at::Tensor x = at::randn({1, 3, 16, 16});
    EXPECT_EQ((rescaled.predict(x, 100).epsilon - plain.predict(x, 200).epsilon).abs().max().item<float>(), 0.0F);
    EXPECT_GT((rescaled.predict(x, 100).epsilon - plain.predict(x, 100).epsilon).abs().max().item<float>(), 1e-4F);
}

TEST(Model, TimestepOnTheDeviceIsTheSameTimestep) {
    auto description = pipeline::describe_model(golden_weights() / "gd_a.safetensors");
    description.timesteps = 500;
    description.rescales_timesteps = true;
    const at::Tensor x = at::randn({2, 3, 32, 32});
    for (const auto kind : {pipeline::PredictionKind::epsilon, pipeline::PredictionKind::sample,
                            pipeline::PredictionKind::v_prediction}) {
        description.prediction = kind;
        pipeline::Model model(description);
        const at::Tensor place = at::full({}, 321.0, at::kDouble);
        const auto number = model.predict(x, 321), found = model.predict(x, pipeline::Timestep::on_device(place));
        EXPECT_TRUE(number.epsilon.equal(found.epsilon)) << pipeline::to_string(kind);
        EXPECT_TRUE(number.variance_fraction.equal(found.variance_fraction)) << pipeline::to_string(kind);
    }
}

TEST(Model, Bfloat16KeepsWhatMustBeExactInFloat32) {
    const auto description = pipeline::describe_model(golden_weights() / "gd_a.safetensors");
    pipeline::Model exact(description);
    pipeline::Model reduced(description, {.device = at::kCPU, .precision = pipeline::Precision::bfloat16});
    int in_bfloat16 = 0, in_float32 = 0;
    for (const at::Tensor& parameter : reduced.parameters()) {
        (parameter.scalar_type() == at::kBFloat16 ? in_bfloat16 : in_float32) += 1;
        if (parameter.dim() == 2) {
            EXPECT_EQ(parameter.scalar_type(), at::kFloat);
        }
    }
    EXPECT_GT(in_bfloat16, in_float32 / 2);
    const at::Tensor x = at::randn({2, 3, 32, 32});
    const auto wanted = exact.predict(x, 200), found = reduced.predict(x, 200);
    EXPECT_EQ(found.epsilon.scalar_type(), at::kFloat);
    const double deviation = relative_difference(found.epsilon, wanted.epsilon);
    std::printf("bfloat16 against float32: %.2g\n", deviation);
    EXPECT_LT(deviation, 0.02);
    EXPECT_GT(deviation, 1e-5);
    const at::Tensor w = at::randn(x.sizes());
    const at::Tensor gradient = reduced.predict_differentiably(x, 200).vjp(w);
    EXPECT_EQ(gradient.scalar_type(), at::kFloat);
    EXPECT_LT(relative_difference(gradient, exact.predict_differentiably(x, 200).vjp(w)), 0.05);
}

TEST(Model, WithoutWeightsIsFilledThroughItsParameters) {
    const auto description = pipeline::describe_model(golden_weights() / "gd_e.safetensors");
    pipeline::Model source(description);
    const auto replica = pipeline::Model::without_weights(description);
    const at::Tensor x = at::randn({1, 3, 16, 16});
    EXPECT_EQ(replica->predict(x, 10).epsilon.abs().max().item<float>(), 0.0F);
    const auto from = source.parameters();
    const auto to = replica->parameters();
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
    EXPECT_EQ((replica->predict(x, 10).epsilon - source.predict(x, 10).epsilon).abs().max().item<float>(), 0.0F);
}

TEST(Model, ClassConditionalNetworksAreAskedForAClassEachRow) {
    const auto description = pipeline::describe_model(golden_weights() / "gd_b.safetensors");
    ASSERT_EQ(description.network.classes, 10);
    pipeline::Model model(description);
    const at::Tensor x = at::randn({2, 3, 32, 32});
    EXPECT_THROW(model.condition_on({}), std::invalid_argument);
    EXPECT_THROW(model.condition_on(at::full({2}, 10, at::kLong)), std::invalid_argument);
    EXPECT_THROW(model.condition_on(at::full({2}, -1, at::kLong)), std::invalid_argument);
    EXPECT_THROW(model.predict(x, 5), std::invalid_argument) << "not conditioned yet";

    at::Tensor labels = at::full({2}, 3, at::kLong);
    labels[1] = 7;
    model.condition_on(labels);
    const at::Tensor both = model.predict(x, 300).epsilon;
    const pipeline::UNet network(description.network, pipeline::read_model_weights(description));
    const at::Tensor expected = network.forward(x, at::full({2}, 300.0F), labels);
    EXPECT_EQ((both - expected).abs().max().item<float>(), 0.0F);
    model.condition_on(at::full({2}, 3, at::kLong));
    const at::Tensor same = model.predict(x, 300).epsilon;
    EXPECT_EQ((both[0] - same[0]).abs().max().item<float>(), 0.0F);
    EXPECT_GT((both[1] - same[1]).abs().max().item<float>(), 1e-3F);

    pipeline::Model plain(pipeline::describe_model(golden_weights() / "gd_e.safetensors"));
    EXPECT_THROW(plain.condition_on(labels), std::invalid_argument);
    EXPECT_NO_THROW(plain.condition_on({}));
}

TEST(Model, WrongPathsAreRefusedWithWhatWasLookedFor) {
    const test_support::TemporaryFolder folder;
    EXPECT_THAT(description_refusal(folder / "none"), HasSubstr("none: no such file or folder"));
    EXPECT_THAT(description_refusal(folder.path()), HasSubstr("no model.safetensors"));
    std::filesystem::copy(golden_weights() / "gd_e.safetensors", folder / "model.safetensors");
    EXPECT_THAT(description_refusal(folder.path()), HasSubstr("no config.json"));
    EXPECT_THAT(description_refusal(folder / "model.safetensors"), HasSubstr("looked for model.json and config.json"));
    std::filesystem::copy(golden_weights() / "gd_e.json", folder / "model.json");
    EXPECT_EQ(description_refusal(folder / "model.safetensors"), "");
}

TEST(Model, PicklesGiveTheSameNetworkWhateverTheirName) {
    const test_support::TemporaryFolder folder;
    std::filesystem::copy(golden_weights() / "gd_e.json", folder / "config.json");
    pipeline::Model model(pipeline::describe_model(golden_weights() / "gd_e.safetensors"));
    const at::Tensor x = at::randn({1, 3, 16, 16});
    for (const char* name : {"gd_e.pt", "gd_e_legacy.pt"}) {
        std::filesystem::copy(golden_weights() / name, folder / (std::string(name) + ".anything"));
        pipeline::Model same(pipeline::describe_model(folder / (std::string(name) + ".anything")));
        EXPECT_EQ((same.predict(x, 100).epsilon - model.predict(x, 100).epsilon).abs().max().item<float>(), 0.0F);
    }
}

TEST(Model, CheckpointsOfOtherSettingsAreRefusedWithTheNames) {
    const test_support::TemporaryFolder folder;
    std::filesystem::copy(golden_weights() / "gd_e.safetensors", folder / "m.safetensors");
    std::filesystem::copy(golden_weights() / "gd_a.json", folder / "m.json");
    const std::string message = description_refusal(folder / "m.safetensors");
    EXPECT_THAT(message, AllOf(HasSubstr("m.safetensors: the tensors do not match the settings: "),
                               HasSubstr(" missing (input_blocks."), HasSubstr(" misshapen (")));
    EXPECT_LT(message.size(), 3000U);
}
