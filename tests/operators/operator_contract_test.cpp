// What every operator promises, over one list.

#include <cmath>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include "operators/make_operator.h"
#include "tests/operators/operator_list.h"

namespace {

using operators::Shape;
using test_operators::batch;
using test_operators::ListedOperator;
using test_operators::values;

class OperatorContract : public testing::TestWithParam<ListedOperator> {
  protected:
    const operators::MeasurementOperator& A = *GetParam().A;
    const at::Tensor x = values(A.x_shape(), 1);
    const at::Tensor v = values(A.y_shape(), 2);
};

double inner_product(const at::Tensor& a, const at::Tensor& b) {
    return (a * b).sum().item<double>();
}
double length_of(const at::Tensor& a) {
    return std::sqrt(inner_product(a, a));
}
double largest(const at::Tensor& a) {
    return a.abs().max().item<double>();
}

std::string message_of(const auto& call) {
    try {
        call();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing thrown";
}

TEST_P(OperatorContract, AdjointHasTheSameInnerProduct) {
    const auto* linear = dynamic_cast<const operators::LinearOperator*>(&A);
    ASSERT_NE(linear, nullptr);
    const at::Tensor Ax = linear->forward(x);
    const at::Tensor Atv = linear->adjoint(v);
    ASSERT_EQ(Ax.scalar_type(), at::kDouble);
    ASSERT_EQ(Atv.sizes(), x.sizes());
    EXPECT_LE(std::abs(inner_product(Ax, v) - inner_product(x, Atv)), 1e-10 * length_of(Ax) * length_of(v));
    EXPECT_LE(std::abs(inner_product(Ax, v) - inner_product(x, Atv)), 1e-10 * std::abs(inner_product(Ax, v)));
}

TEST_P(OperatorContract, VjpIsTheGradientThatAutogradFinds) {
    const at::Tensor leaf = x.clone().set_requires_grad(true);
    const at::Tensor found = torch::autograd::grad({A.forward(leaf)}, {leaf}, {v}).at(0);
    EXPECT_LE(largest(found - A.vjp(x, v)), 1e-13 * std::max(1.0, largest(found)));
}

TEST_P(OperatorContract, VjpNeedsNoGradients) {
    const at::NoGradGuard no_gradients;
    EXPECT_EQ(A.vjp(x, v).sizes(), x.sizes());
}

TEST_P(OperatorContract, Float32StaysFloat32AndAgreesWithDouble) {
    const at::Tensor Ax = A.forward(x.to(at::kFloat));
    const at::Tensor vjp = A.vjp(x.to(at::kFloat), v.to(at::kFloat));
    EXPECT_EQ(Ax.scalar_type(), at::kFloat);
    EXPECT_EQ(vjp.scalar_type(), at::kFloat);
    EXPECT_LE(largest(Ax.to(at::kDouble) - A.forward(x)), 2e-5);
    EXPECT_LE(largest(vjp.to(at::kDouble) - A.vjp(x, v)), 2e-5);
}

TEST_P(OperatorContract, ArgumentsAreLeftAsTheyWere) {
    const at::Tensor x_before = x.clone();
    const at::Tensor v_before = v.clone();
    A.forward(x);
    A.vjp(x, v);
    EXPECT_TRUE(x.equal(x_before));
    EXPECT_TRUE(v.equal(v_before));
}

TEST_P(OperatorContract, ResultHasTheShapeItNames) {
    const Shape& y = A.y_shape();
    EXPECT_THAT(A.forward(x).sizes().vec(), testing::ElementsAre(batch, y.channels, y.height, y.width));
}

TEST_P(OperatorContract, UnobservedEntriesAreZeroAndObservedOnesDependOnX) {
    const at::Tensor observed = A.observed();
    if (!observed.defined()) {
        // Every entry of y answers to x: no entry is the same for two images.
        EXPECT_GT((A.forward(x) - A.forward(x + 1.5)).abs().min().item<double>(), 0);
        return;
    }
    const at::Tensor weight = observed.to(at::kDouble);
    EXPECT_EQ(largest(A.forward(x) * (1 - weight)), 0);
    EXPECT_GT(((A.forward(x) - A.forward(x + 1.5)).abs() + (1 - weight)).min().item<double>(), 0);
}

TEST_P(OperatorContract, WrongShapesAreRefusedWithBothShapes) {
    const Shape& shape = A.x_shape();
    const Shape& y_shape = A.y_shape();
    const at::Tensor wide = at::zeros({batch, shape.channels, shape.height, shape.width + 1});
    const at::Tensor wide_v = at::zeros({batch, y_shape.channels, y_shape.height, y_shape.width + 1});
    const at::Tensor channels = at::zeros({batch, shape.channels + 1, shape.height, shape.width});
    const at::Tensor flat = at::zeros({shape.channels, shape.height, shape.width});
    for (const at::Tensor& wrong : {wide, channels, flat}) {
        EXPECT_THAT(message_of([&] { A.forward(wrong); }),
                    testing::AllOf(testing::HasSubstr(A.name() + ": x has shape " + operators::shape_of(wrong)),
                                   testing::HasSubstr("expected " + to_string(shape))));
        EXPECT_THAT(message_of([&] { A.vjp(wrong, v); }), testing::HasSubstr("expected " + to_string(shape)));
    }
    EXPECT_THAT(message_of([&] { A.vjp(x, wide_v); }),
                testing::AllOf(testing::HasSubstr(": v has shape " + operators::shape_of(wide_v)),
                               testing::HasSubstr("expected " + to_string(y_shape))));
    EXPECT_THAT(message_of([&] { A.vjp(x, v.narrow(0, 0, 2)); }), testing::HasSubstr("expected as many rows in both"));
    EXPECT_THAT(message_of([&] { A.forward({}); }), testing::HasSubstr("x has shape [undefined]"));
}

INSTANTIATE_TEST_SUITE_P(List, OperatorContract, testing::ValuesIn(test_operators::all_operators()),
                         [](const auto& test) { return test.param.label; });

TEST(OperatorTable, EveryOperatorIsInTheContractTest) {
    std::set<std::string, std::less<>> tested;
    for (const ListedOperator& listed : test_operators::all_operators()) {
        tested.insert(listed.name);
        EXPECT_EQ(listed.A->name(), listed.name);
    }
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        EXPECT_TRUE(tested.contains(entry.name)) << entry.name;
    }
}

TEST(OperatorTable, EntriesAreComplete) {
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        EXPECT_EQ(&operators::find_operator(entry.name), &entry);
        EXPECT_FALSE(entry.summary.empty());
        EXPECT_NE(entry.make, nullptr);
        for (const operators::Option& option : entry.options) EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_NO_THROW(operators::Settings::defaults(entry.options));
    }
}

TEST(OperatorTable, UnknownNameIsAnsweredWithTheNamesThereAre) {
    const std::string message = message_of([] { operators::find_operator("blur"); });
    EXPECT_TRUE(message.starts_with("operator 'blur' is unknown, expected one of ")) << message;
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        EXPECT_THAT(message, testing::ContainsRegex("[ ]" + std::string(entry.name) + "(,|$)"));
    }
}

TEST(OperatorTable, MissingParameterIsNamed) {
    const operators::OperatorEntry& entry = operators::find_operator("kernel");
    EXPECT_EQ(message_of([&] { entry.make({}, {3, 8, 8}, {}); }), "kernel: parameter 'kernel' is missing");
}

// A row must not depend on its neighbours: batch of 4 against each image alone, with its own mask.
TEST(OperatorRows, RowOfABatchEqualsItsOwnRun) {
    const Shape image{3, 32, 40};
    const operators::NoiseStream noise(8);
    const std::vector<std::uint64_t> images{4, 9, 2, 7};
    const at::Tensor x = values(image, 5).to(at::kFloat);
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        operators::Settings settings = operators::Settings::defaults(entry.options);
        if (entry.resolve != nullptr) entry.resolve(settings, image);
        const auto parameters = [&](std::span<const std::uint64_t> numbers) -> operators::Parameters {
            if (entry.draw != nullptr) return entry.draw(settings, image, noise, numbers);
            if (entry.file_parameter == "mask") return {{"mask", (values({1, 32, 40}, 3, 1) > 0).to(at::kFloat)}};
            if (entry.file_parameter == "kernel") return {{"kernel", values({1, 7, 5}, 4, 1).reshape({7, 5})}};
            return {};
        };
        const auto together = entry.make(settings, image, parameters(images));
        const at::Tensor v = values(together->y_shape(), 6).to(at::kFloat);
        for (std::int64_t row = 0; row < batch; ++row) {
            const auto alone = entry.make(settings, image, parameters(std::span(images).subspan(std::size_t(row), 1)));
            const at::Tensor own = x.narrow(0, row, 1);
            EXPECT_LE(largest(together->forward(x).narrow(0, row, 1) - alone->forward(own)), 1e-5) << entry.name;
            const at::Tensor own_v = v.narrow(0, row, 1);
            EXPECT_LE(largest(together->vjp(x, v).narrow(0, row, 1) - alone->vjp(own, own_v)), 1e-5) << entry.name;
        }
    }
}

}  // namespace
