#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/pipeline/samplers/oracle_chain.h"

namespace {

using gaussian_oracle::settings_of;
using operators::Value;
using pipeline::MethodContext;
using testing::HasSubstr;

std::string refusal(const std::function<void()>& action) {
    try {
        action();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

Value word(const char* text) {
    return std::string(text);
}

double zeta(const MethodContext& context, const char* preset, const char* unit = "auto") {
    return settings_of("dps", {{"preset", word(preset)}, {"zeta-unit", word(unit)}}, context).real("zeta");
}

TEST(MethodTable, HasEveryMethodOnceWithAllThatIsKnownOfIt) {
    std::set<std::string_view> names;
    for (const pipeline::MethodEntry& entry : pipeline::method_table()) {
        EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
        EXPECT_EQ(&pipeline::find_method(entry.name), &entry);
        EXPECT_FALSE(entry.summary.empty()) << entry.name;
        EXPECT_FALSE(entry.paper.empty()) << entry.name;
        EXPECT_NE(entry.network_calls, nullptr) << entry.name;
        EXPECT_NE(entry.make, nullptr) << entry.name;
        for (const operators::Option& option : entry.options) EXPECT_FALSE(option.help.empty()) << option.name;
    }
    EXPECT_THAT(names, testing::IsSupersetOf({"ddpm", "ddim", "sdedit", "forward_reverse", "score_ald", "dps"}));
    const std::string message = refusal([] { pipeline::find_method("dsp"); });
    EXPECT_TRUE(message.starts_with("method: 'dsp' is not one of ")) << message;
    for (const std::string_view name : names) EXPECT_THAT(message, HasSubstr(std::string(name)));
}

TEST(MethodTable, DefaultsAreConcreteOnceResolved) {
    for (const pipeline::MethodEntry& entry : pipeline::method_table()) {
        for (const auto& [name, value] : settings_of(entry.name)) {
            EXPECT_NE(value, word("auto")) << entry.name << "." << name;
        }
    }
    EXPECT_EQ(settings_of("ddim").real("eta"), 0);
    EXPECT_EQ(settings_of("sdedit").integer("t-start"), 500);
    EXPECT_EQ(settings_of("sdedit").integer("repeats"), 1);
    EXPECT_EQ(settings_of("sdedit", {{"preset", word("original")}}).integer("repeats"), 3);
    EXPECT_EQ(settings_of("sdedit", {{"preset", word("original")}, {"repeats", std::int64_t{2}}}).integer("repeats"),
              2);
    EXPECT_EQ(settings_of("forward_reverse").integer("t-start"), 100);
    EXPECT_EQ(settings_of("score_ald").word("preset"), "jalal");
    EXPECT_EQ(settings_of("score_ald").real("gamma-first"), 15);
    EXPECT_EQ(settings_of("score_ald").real("gamma-last"), 10);
}

TEST(MethodTable, InputsAndCosts) {
    EXPECT_EQ(pipeline::find_method("ddim").input, pipeline::MethodInput::nothing);
    EXPECT_EQ(pipeline::find_method("dps").input, pipeline::MethodInput::measurement);
    EXPECT_EQ(pipeline::find_method("dps").cost_per_call, 2.4);
    const pipeline::MethodEntry& forward_reverse = pipeline::find_method("forward_reverse");
    EXPECT_EQ(forward_reverse.input, pipeline::MethodInput::truth);
    EXPECT_EQ(forward_reverse.default_operator, "identity");
    EXPECT_EQ(forward_reverse.default_sigma_y, "0");
}

TEST(DpsZeta, AutoIsThePresetsValueForTheOperatorTimesTheStepsThatAreMissing) {
    EXPECT_DOUBLE_EQ(zeta({"gaussian_blur", 1000, 1000}, "code"), 0.3);
    EXPECT_DOUBLE_EQ(zeta({"kernel", 1000, 1000}, "code"), 0.3);
    for (const char* name : {"box", "random", "mask", "identity"}) {
        EXPECT_DOUBLE_EQ(zeta({name, 1000, 1000}, "code"), 0.5) << name;
    }
    EXPECT_DOUBLE_EQ(zeta({"box", 250, 1000}, "code"), 2.0);
    EXPECT_DOUBLE_EQ(zeta({"gaussian_blur", 100, 1000}, "paper"), 10.0);
    // The other unit says the same step
    EXPECT_DOUBLE_EQ(zeta({"box", 1000, 1000}, "code", "paper"), 0.25);
    EXPECT_DOUBLE_EQ(zeta({"box", 1000, 1000}, "paper", "code"), 2.0);
    EXPECT_EQ(settings_of("dps", {{"preset", word("paper")}}).word("zeta-unit"), "paper");
    EXPECT_EQ(settings_of("dps").word("zeta-unit"), "code");
}

TEST(DpsZeta, GivenNumberIsTakenAsItIs) {
    EXPECT_EQ(settings_of("dps", {{"zeta", 4.0}}, {"box", 100, 1000}).real("zeta"), 4.0);
}

TEST(DpsZeta, AutoIsRefusedWhereNothingIsKnown) {
    EXPECT_THAT(refusal([] {
                    settings_of("dps", {}, {"phase_retrieval", 1000, 1000});
                }),
                HasSubstr("dps.zeta: auto is not known for operator phase_retrieval"));
    EXPECT_THAT(refusal([] { settings_of("dps", {{"normalise", word("gradient")}}); }), HasSubstr("dps.zeta: auto"));
    EXPECT_THAT(refusal([] {
                    settings_of("dps", {{"normalise", word("gradient")}, {"zeta", 1.0}, {"zeta-unit", word("paper")}});
                }),
                HasSubstr("dps.zeta-unit: paper"));
}

TEST(Sdedit, TStartOutsideTheChainIsRefused) {
    EXPECT_THAT(refusal([] {
                    settings_of("sdedit", {{"t-start", std::int64_t{1001}}});
                }),
                "sdedit.t-start: 1001 is not a level of the checkpoint, allowed are 1 to 1000");
    EXPECT_THAT(refusal([] {
                    settings_of("forward_reverse", {{"t-start", std::int64_t{0}}});
                }),
                HasSubstr("forward_reverse.t-start: 0"));
    const auto schedule = pipeline::NoiseSchedule::linear(1000).respaced({10, 500});
    const auto calls = [&](std::int64_t t_start) {
        return pipeline::find_method("sdedit").network_calls(settings_of("sdedit", {{"t-start", t_start}}), schedule);
    };
    EXPECT_EQ(calls(11), 1);
    EXPECT_EQ(calls(500), 1);
    EXPECT_EQ(calls(501), 2);
    EXPECT_THAT(refusal([&] { calls(10); }), HasSubstr("sdedit.t-start: 10 leaves nothing to run"));
}

TEST(Samplers, RefuseAProblemThatTheyCannotRun) {
    gaussian_oracle::Chain chain("10");
    const auto make = [&](const char* method, pipeline::VarianceKind variance) {
        pipeline::SamplingProblem problem = chain.problem();
        problem.variance = variance;
        pipeline::find_method(method).make(settings_of(method), problem);
    };
    EXPECT_THAT(refusal([&] { make("ddpm", pipeline::VarianceKind::learned_range); }),
                HasSubstr("ddpm: variance learned_range needs a checkpoint"));
    for (const char* method : {"sdedit", "score_ald", "dps", "forward_reverse"}) {
        EXPECT_THAT(refusal([&] { make(method, pipeline::VarianceKind::fixed_small); }), HasSubstr("there is no"))
            << method;
    }
}

}  // namespace
