#include <gtest/gtest.h>

#include "jobs/job.h"
#include "jobs/job_error.h"
#include "tests/support/paths.h"

namespace {

/// The one line of a refusal, without the folder that the job file lies in.
std::string refusal_of(const std::string& text, const jobs::Overrides& overrides = {}) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini", text);
    try {
        jobs::read_job(folder / "job.ini", overrides);
    } catch (const jobs::JobError& error) {
        std::string line = error.what();
        const std::string place = folder.path().string() + "/";
        for (auto at = line.find(place); at != std::string::npos; at = line.find(place)) line.erase(at, place.size());
        EXPECT_EQ(line.find('\n'), std::string::npos);
        return line;
    }
    return "accepted";
}

const std::string head = "dataset = images\nmodel = model\nmethod = dps\noperator = box\n";

struct Refusal {
    std::string line;      // the fifth of a job
    std::string expected;  // what is said
};

class JobFile : public testing::TestWithParam<Refusal> {};

}  // namespace

TEST_P(JobFile, RefusesInOneLineWithPlaceValueAndWhatIsAllowed) {
    EXPECT_EQ(refusal_of(head + GetParam().line + "\n"), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, JobFile,
    testing::Values(
        Refusal{"sede = 1", "job.ini:5: unrecognised option 'sede'; did you mean seed?"},
        Refusal{"see = 1", "job.ini:5: unrecognised option 'see'; did you mean seed?"},
        Refusal{"zzzzzzzzzz = 1", "job.ini:5: unrecognised option 'zzzzzzzzzz'"},
        Refusal{"[dsp]\nzeta = 1", "job.ini:6: unrecognised option 'dsp.zeta'; did you mean dps.zeta?"},
        Refusal{"model = other", "job.ini:5: model = other: repeated; allowed: each option once"},
        Refusal{"sigma-y = 0.1,",
                "job.ini:5: sigma-y = 0.1,: an empty item; allowed: values separated by single commas"},
        Refusal{"sigma-y = 0.1,,0.2",
                "job.ini:5: sigma-y = 0.1,,0.2: an empty item; allowed: values separated by single commas"},
        Refusal{"sigma-y =", "job.ini:5: sigma-y = : empty; allowed: a number ≥ 0"},
        Refusal{"sigma-y = 0.1, 0.1", "job.ini:5: sigma-y = 0.1, 0.1: 0.1 is repeated; allowed: each value once"},
        Refusal{"sigma-y = 0.1, 0.10", "job.ini:5: sigma-y = 0.1, 0.10: 0.10 is repeated; allowed: each value once"},
        Refusal{"batch = 4, 8", "job.ini:5: batch = 4, 8: a list, but this option is no axis; allowed: one value"},
        Refusal{"sigma-y = nan", "job.ini:5: sigma-y = nan: not a value; allowed: a number ≥ 0"},
        Refusal{"sigma-y = inf", "job.ini:5: sigma-y = inf: not a value; allowed: a number ≥ 0"},
        Refusal{"sigma-y = -0.1", "job.ini:5: sigma-y = -0.1: not a value; allowed: a number ≥ 0"},
        Refusal{"sigma-y = 0.1x", "job.ini:5: sigma-y = 0.1x: not a value; allowed: a number ≥ 0"},
        Refusal{"steps = 2.5", "job.ini:5: steps = 2.5: not a value; allowed: an integer from 1 to 1000000"},
        Refusal{"seed = -1", "job.ini:5: seed = -1: not a seed; allowed: an integer from 0 to 18446744073709551615"},
        Refusal{
            "seed = 18446744073709551616",
            "job.ini:5: seed = 18446744073709551616: not a seed; allowed: an integer from 0 to 18446744073709551615"},
        Refusal{"images = 5-2", "job.ini:5: images = 5-2: not a range; allowed: FIRST-LAST with 0 ≤ FIRST ≤ LAST"},
        Refusal{"image-size = 64x",
                "job.ini:5: image-size = 64x: not a size; allowed: an integer from 1 to 4096, or HxW"},
        Refusal{"clip = maybe", "job.ini:5: clip = maybe: not a value; allowed: yes or no"},
        Refusal{"precision = bfloat16", "job.ini:5: precision = bfloat16: not a value; allowed: float32"},
        Refusal{"store = float64", "job.ini:5: store = float64: not a value; allowed: one of float32, uint8"},
        Refusal{"steps = 10\nrespacing = ddim50",
                "job.ini:5: steps = 10: respacing is given too; allowed: one of the two"},
        Refusal{"[sdedit]\nt-start = 100",
                "job.ini:6: sdedit.t-start = 100: the job does not use sdedit; allowed: sections of its methods and "
                "operators"},
        Refusal{"[random]\nfraction = 0.5",
                "job.ini:6: random.fraction = 0.5: the job does not use random; allowed: sections of its methods and "
                "operators"},
        Refusal{"[dps]\nzeta = -1", "job.ini:6: dps.zeta = -1: not a value; allowed: a number ≥ 0, or auto"},
        Refusal{"[box]\nsize = 8#12",
                "job.ini:6: size = 8#12: the value would be cut at '#'; allowed: no '#' in a value, a comment after a "
                "blank"},
        Refusal{"just words",
                "job.ini:5: just words: not a line of a job file; allowed: NAME = VALUE, [section], # comment"},
        Refusal{"noise = \x1b[31mred", "job.ini:5: noise = \\x1b[31mred: not a value; allowed: gaussian"}));

TEST(Job, UnknownMethodIsRefusedWithTheNamesThereAre) {
    EXPECT_EQ(
        refusal_of("dataset = i\nmodel = m\nmethod = dsp\noperator = box\n"),
        "job.ini:3: method = dsp: method: 'dsp' is not one of ddpm, ddim, sdedit, forward_reverse, score_ald, dps");
}

TEST(Job, WhatIsMissingIsNamed) {
    EXPECT_EQ(refusal_of("model = m\n"), "job.ini: method is not given; allowed: names from `diffinv list methods`");
    EXPECT_EQ(refusal_of("model = m\nmethod = dps\noperator = box\n"),
              "job.ini: dataset is not given; methods that restore need images: a folder, or FILE.h5:NAME");
    EXPECT_EQ(refusal_of("dataset = i\nmodel = m\nmethod = dps\n"),
              "job.ini: operator is not given; allowed: names from `diffinv list operators`");
    EXPECT_EQ(refusal_of("dataset = i\nmodel = m\nmethod = dps\noperator = mask\n"),
              "mask.file: not given; operator mask needs a path");
}

TEST(Job, CommandLineWinsOverTheFile) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini", head + "seed = 1\n");
    EXPECT_EQ(jobs::read_job(folder / "job.ini", {{"seed", "7"}}).seed, 7u);
    EXPECT_EQ(refusal_of(head, {{"seed", "7"}, {"seed", "8"}}), "--seed 8: repeated; allowed: each option once");
    EXPECT_EQ(refusal_of(head, {{"sigma-y", "x"}}), "--sigma-y x: not a value; allowed: a number ≥ 0");
}

TEST(Job, PathsAreRelativeToTheJobFile) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini", head);
    const jobs::Job job = jobs::read_job(folder / "job.ini", {});
    EXPECT_EQ(job.dataset, (folder / "images").string());
    EXPECT_EQ(job.model, folder / "model");
}

TEST(Job, CommentsAfterABlankAreNoPartOfAValue) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini", "# a job\n" + head + "sigma-y = 0.1, 0.2   # two levels\n");
    EXPECT_EQ(jobs::read_job(folder / "job.ini", {}).sigma_y, (std::vector<double>{0.1, 0.2}));
}
