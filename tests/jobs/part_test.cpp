#include "jobs/part.h"

#include <gtest/gtest.h>

#include "jobs/job_error.h"
#include "tests/jobs/planned_jobs.h"

namespace {

using jobs::Part;

const jobs::SweepPlan& swept_plan() {
    static const jobs::SweepPlan plan = test_jobs::plan_of(
        test_jobs::basis +
        "method = sdedit, dps, ddpm\noperator = box, random\nsigma-y = 0.05, 0.1\nbatch = 8\n[sdedit]\nt-start = 200, "
        "500\noperator = box\n[ddpm]\nsamples = 10\n");
    return plan;
}

std::string part_refusal(const std::string& text) {
    try {
        Part::parse(text, swept_plan());
    } catch (const jobs::JobError& error) {
        return error.what();
    }
    return "";
}

/// How many units there are, after each was compared with what its configuration says.
template <typename Predicate>
std::int64_t count_in(const std::string& text, Predicate is_wanted) {
    const Part part = Part::parse(text, swept_plan());
    std::int64_t count = 0;
    for (std::int64_t unit = 0; unit < swept_plan().unit_count(); ++unit) {
        const bool is_in = is_wanted(swept_plan().configuration_of(unit).configuration);
        EXPECT_EQ(part.contains(unit), is_in) << text << ", unit " << unit;
        count += is_in ? 1 : 0;
    }
    EXPECT_FALSE(part.contains(-1));
    EXPECT_FALSE(part.contains(swept_plan().unit_count()));
    return count;
}

}  // namespace

TEST(Part, IsEverythingWhereNothingWasAskedFor) {
    const Part part;
    EXPECT_TRUE(part.is_everything());
    EXPECT_TRUE(part.contains(0));
    EXPECT_EQ(part.text(), "everything");
}

TEST(Part, RepeatedKeysAddAndDifferentKeysNarrow) {
    EXPECT_EQ(count_in("method=dps", [](const auto& c) { return c.method == "dps"; }), 12);
    EXPECT_EQ(count_in("method=dps,method=ddpm", [](const auto& c) { return c.method != "sdedit"; }), 14);
    EXPECT_EQ(count_in("operator=box", [](const auto& c) { return c.operator_name == "box"; }), 18);
    EXPECT_EQ(count_in("operator=none", [](const auto& c) { return c.method == "ddpm"; }), 2);
    EXPECT_EQ(count_in("sigma-y=0.10,method=dps,operator=random,operator=box",
                       [](const auto& c) { return c.method == "dps" && c.sigma_y == 0.1; }),
              6);
}

TEST(Part, SaysWhatItIsInOneSpelling) {
    const Part part = Part::parse("sigma-y=0.050,operator=random,method=dps,operator=box", swept_plan());
    EXPECT_FALSE(part.is_everything());
    EXPECT_EQ(part.text(), "method=dps,operator=box,operator=random,sigma-y=0.05");
}

TEST(Part, RefusesInOneLineWithWhatIsAllowed) {
    const std::string empty =
        "--only '': an empty item; allowed: KEY=VALUE,KEY=VALUE …, keys method, operator, sigma-y";
    EXPECT_EQ(part_refusal(""), empty);
    EXPECT_EQ(part_refusal("method=dps,"), empty);
    EXPECT_EQ(part_refusal(",method=dps"), empty);
    EXPECT_EQ(part_refusal("dps"), "--only dps: is no KEY=VALUE; keys are method, operator, sigma-y");
    EXPECT_EQ(part_refusal("steps=20"), "--only steps=20: unknown key 'steps'; allowed: method, operator, sigma-y");
    EXPECT_EQ(part_refusal("method=dsp"),
              "--only method=dsp: the plan has no method 'dsp'; allowed: sdedit, dps, ddpm");
    EXPECT_EQ(part_refusal("method="), "--only method=: the plan has no method ''; allowed: sdedit, dps, ddpm");
    EXPECT_EQ(part_refusal("operator=mask"),
              "--only operator=mask: the plan has no operator 'mask'; allowed: box, random, none");
    EXPECT_EQ(part_refusal("sigma-y=0.2"), "--only sigma-y=0.2: the plan has no sigma-y '0.2'; allowed: 0.05, 0.1");
    EXPECT_EQ(part_refusal("sigma-y=nan"), "--only sigma-y=nan: the plan has no sigma-y 'nan'; allowed: 0.05, 0.1");
    EXPECT_EQ(part_refusal("method=dps,method=dps"), "--only method=dps: is given twice");
    EXPECT_EQ(part_refusal("method=ddpm,operator=box"),
              "--only method=ddpm,operator=box: no configuration of the plan has these together; 'diffinv plan' lists "
              "what there is");
    EXPECT_EQ(part_refusal("method=d\x1b[1m").find('\x1b'), std::string::npos);
}
