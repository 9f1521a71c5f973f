#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "jobs/job_error.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/samplers/make_sampler.h"
#include "tests/jobs/planned_jobs.h"

// Every refusal of a job's words, with its one line. A job that is right but for one thing must be refused for it.

namespace {

using test_jobs::basis;
using test_jobs::plan_refusal;
using test_jobs::refusal;

const std::string dps = basis + "method = dps\noperator = box\n";
const std::string restore = basis + "operator = box\n";

struct Case {
    std::string text;
    std::string line;
};

void expect_lines(const std::vector<Case>& cases) {
    for (const Case& each : cases) {
        const std::string line = refusal(each.text);
        EXPECT_EQ(line, each.line) << each.text;
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
}

/// The names of a table as a refusal lists them.
template <typename Entry>
std::string names_listed(std::span<const Entry> table) {
    std::string names;
    for (const Entry& entry : table) names += (names.empty() ? "" : ", ") + std::string(entry.name);
    return names;
}

}  // namespace

TEST(Refusals, TheJobsTheyAreMadeOfAreAccepted) {
    EXPECT_EQ(refusal(dps), "");
    EXPECT_EQ(refusal(restore + "method = sdedit\n"), "");
}

TEST(Refusals, UnknownAbbreviatedAndRepeatedOptions) {
    expect_lines({
        {dps + "[dps]\nzetta = 1\n",
         "job.ini:6: unrecognised option 'dps.zetta' (did you mean dps.zeta?); allowed in [dps]: preset, zeta, "
         "zeta-unit, normalise, operator, sigma-y, steps, samples, variance"},
        {dps + "samp = 2\n",
         "job.ini:5: unrecognised option 'samp' (did you mean samples?); allowed: dataset, measurements, images, "
         "model, "
         "model-preset, image-size, "
         "seed, method, operator, sigma-y, steps, respacing, variance, class, clip, noise, poisson-rate, "
         "noise-on-unobserved, samples, "
         "batch, threads, device, precision, lpips, store"},
        {dps + "[random]\nfraction = 0.5\nfrequency = 0.5\n",
         "job.ini:7: unrecognised option 'random.frequency'; allowed in [random]: fraction"},
        {dps + "seed = 1\nseed = 1\n", "job.ini:6: seed = 1: repeated; allowed: each option once"},
        {dps + "[dps]\nzeta = 1\n[box]\n[dps]\nzeta = 2\n",
         "job.ini:9: dps.zeta = 2: repeated; allowed: each option once"},
        // A generating method takes no measurement.
        {"model = m\nmethod = ddpm\n[ddpm]\nsigma-y = 0.1\n",
         "job.ini:4: unrecognised option 'ddpm.sigma-y' (did you mean dps.sigma-y?); allowed in [ddpm]: steps, "
         "samples, "
         "variance"},
    });
}

TEST(Refusals, SectionsThatAreNoneOrUnused) {
    // Every method has a section, an operator where it has settings.
    std::vector<operators::OperatorEntry> with_settings;
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        if (!entry.options.empty()) with_settings.push_back(entry);
    }
    const std::string sections = "sections " + names_listed(pipeline::method_table()) + ", " +
                                 names_listed(std::span<const operators::OperatorEntry>(with_settings));
    expect_lines({
        {dps + "[dsp]\n", "job.ini:5: [dsp]: there is no such section; allowed: " + sections},
        {dps + "[]\n", "job.ini:5: []: there is no such section; allowed: " + sections},
        {dps + "[dps.]\nzeta = 1\n", "job.ini:5: [dps.]: there is no such section; allowed: " + sections},
        {dps + "[DPS]\n", "job.ini:5: [DPS]: there is no such section; allowed: " + sections},
        {dps + "[sdedit]\nt-start = 200\n",
         "job.ini:6: sdedit.t-start = 200: the job does not use sdedit; allowed: sections of its methods and "
         "operators, here box, dps"},
        {dps + "[random]\nfraction = 0.5\n",
         "job.ini:6: random.fraction = 0.5: the job does not use random; allowed: sections of its methods and "
         "operators, here box, dps"},
    });
}

TEST(Refusals, Lists) {
    expect_lines({
        {dps + "sigma-y = 0.05,\n",
         "job.ini:5: sigma-y = 0.05,: an empty item; allowed: values separated by single commas"},
        {dps + "sigma-y = ,0.05\n",
         "job.ini:5: sigma-y = ,0.05: an empty item; allowed: values separated by single commas"},
        {dps + "sigma-y = 0.05,, 0.1\n",
         "job.ini:5: sigma-y = 0.05,, 0.1: an empty item; allowed: values separated by single commas"},
        {dps + "sigma-y =\n", "job.ini:5: sigma-y = : empty; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = 0.1, 0.1\n", "job.ini:5: sigma-y = 0.1, 0.1: 0.1 is repeated; allowed: each value once"},
        {dps + "sigma-y = 0.1, 0.10\n", "job.ini:5: sigma-y = 0.1, 0.10: 0.10 is repeated; allowed: each value once"},
        {restore + "method = dps, dps\n", "job.ini:4: method = dps, dps: dps is repeated; allowed: each value once"},
        {dps + "seed = 1, 2\n", "job.ini:5: seed = 1, 2: a list, but this option is no axis; allowed: one value"},
        {dps + "[box]\nmargin = 1, 2\n",
         "job.ini:6: box.margin = 1, 2: a list, but this option is no axis; allowed: one value"},
        {dps + "samples = 1,\n", "job.ini:5: samples = 1,: a list, but this option is no axis; allowed: one value"},
    });
}

TEST(Refusals, Numbers) {
    expect_lines({
        {dps + "[dps]\nzeta = -1\n", "job.ini:6: dps.zeta = -1: not a value; allowed: a number ≥ 0, or auto"},
        {dps + "sigma-y = nan\n", "job.ini:5: sigma-y = nan: not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = inf\n", "job.ini:5: sigma-y = inf: not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = -inf\n", "job.ini:5: sigma-y = -inf: not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = 1e999\n", "job.ini:5: sigma-y = 1e999: not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = 0.1, -0.1\n",
         "job.ini:5: sigma-y = 0.1, -0.1: -0.1 is not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = 0.1 0.2\n", "job.ini:5: sigma-y = 0.1 0.2: not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "sigma-y = 0.1f\n", "job.ini:5: sigma-y = 0.1f: not a value; allowed: a number ≥ 0, or estimate"},
        {dps + "steps = 0\n", "job.ini:5: steps = 0: not a value; allowed: an integer from 1 to 999999"},
        {dps + "steps = 2.5\n", "job.ini:5: steps = 2.5: not a value; allowed: an integer from 1 to 999999"},
        {dps + "batch = many\n", "job.ini:5: batch = many: not a value; allowed: an integer from 1 to 65536, or auto"},
        {dps + "threads = 0\n", "job.ini:5: threads = 0: not a value; allowed: an integer from 1 to 1024"},
        {dps + "samples = 0\n", "job.ini:5: samples = 0: not a value; allowed: an integer from 1 to 999999999"},
        {dps + "seed = -1\n", "job.ini:5: seed = -1: not a seed; allowed: an integer from 0 to 18446744073709551615"},
        {dps + "seed = 18446744073709551616\n",
         "job.ini:5: seed = 18446744073709551616: not a seed; allowed: an integer from 0 to 18446744073709551615"},
        {dps + "seed = 0x10\n",
         "job.ini:5: seed = 0x10: not a seed; allowed: an integer from 0 to 18446744073709551615"},
        {dps + "image-size = 0\n", "job.ini:5: image-size = 0: not a size; allowed: an integer from 1 to 4096, or HxW"},
        {dps + "image-size = 64x\n",
         "job.ini:5: image-size = 64x: not a size; allowed: an integer from 1 to 4096, or HxW"},
        {dps + "image-size = 64, 128\n",
         "job.ini:5: image-size = 64, 128: not a size; allowed: an integer from 1 to 4096, or HxW"},
        {dps + "images = 5\n", "job.ini:5: images = 5: not a range; allowed: FIRST-LAST with 0 ≤ FIRST ≤ LAST"},
        {dps + "images = 5-2\n", "job.ini:5: images = 5-2: not a range; allowed: FIRST-LAST with 0 ≤ FIRST ≤ LAST"},
        {dps + "images = -5-2\n", "job.ini:5: images = -5-2: not a range; allowed: FIRST-LAST with 0 ≤ FIRST ≤ LAST"},
    });
}

TEST(Refusals, Words) {
    const std::string operator_words = names_listed(operators::operator_table());
    expect_lines({
        {restore + "method = dsp\n", "job.ini:4: method = dsp: there is no method dsp (did you mean dps?); allowed: " +
                                         names_listed(pipeline::method_table())},
        {basis + "method = dps\noperator = boxx\n",
         "job.ini:4: operator = boxx: there is no operator boxx (did you mean box?); allowed: " + operator_words},
        {dps + "[dps]\noperator = fog\n",
         "job.ini:6: dps.operator = fog: there is no operator fog; allowed: " + operator_words},
        {dps + "clip = maybe\n", "job.ini:5: clip = maybe: not a value; allowed: yes or no"},
        {dps + "device = tpu\n", "job.ini:5: device = tpu: not a value; allowed: one of auto, cpu, cuda"},
        // What is not built is not offered.
        {dps + "precision = float16\n",
         "job.ini:5: precision = float16: not a value; allowed: one of float32, tf32, bfloat16"},
        {dps + "noise = speckle\n", "job.ini:5: noise = speckle: not a value; allowed: one of gaussian, poisson"},
        {dps + "store = int8\n", "job.ini:5: store = int8: not a value; allowed: one of float32, uint8"},
        {dps + "variance = learned\n",
         "job.ini:5: variance = learned: not a value; allowed: one of fixed_small, fixed_large, learned_range"},
    });
}

TEST(Refusals, LinesThatAreNone) {
    expect_lines({
        {dps + "seed 1\n", "job.ini:5: seed 1: not a line of a job file; allowed: NAME = VALUE, [section], # comment"},
        {dps + "= 1\n", "job.ini:5: = 1: not a line of a job file; allowed: NAME = VALUE, [section], # comment"},
        {dps + "[dps\n", "job.ini:5: [dps: not a line of a job file; allowed: NAME = VALUE, [section], # comment"},
    });
}

TEST(Refusals, ValuesThatBoostWouldCut) {
    expect_lines({
        {"dataset = photos#1\nmodel = m\nmethod = dps\noperator = box\n",
         "job.ini:1: dataset = photos#1: the value would be cut at '#'; allowed: no '#' in a value, a comment after a "
         "blank"},
        {dps + "seed = 1#2\n",
         "job.ini:5: seed = 1#2: the value would be cut at '#'; allowed: no '#' in a value, a comment after a blank"},
        {dps + "seed = # 1\n", "job.ini:5: seed = : not a seed; allowed: an integer from 0 to 18446744073709551615"},
    });
    // A comment after a blank, alone, and with a '#' inside is one.
    EXPECT_EQ(refusal("#!job\n  # photos#1\n" + dps + "seed = 1 # first#try\n"), "");
}

TEST(Refusals, ControlCharactersAreEscaped) {
    expect_lines({
        {dps + "clip = \x1b[31mno\n", "job.ini:5: clip = \\x1b[31mno: not a value; allowed: yes or no"},
        {dps + "se\x07"
               "ed = 1\n",
         "job.ini:5: unrecognised option 'se\\x07ed' (did you mean seed?); allowed: dataset, measurements, images, "
         "model, "
         "model-preset, "
         "image-size, "
         "seed, method, operator, sigma-y, steps, respacing, variance, class, clip, noise, poisson-rate, "
         "noise-on-unobserved, samples, "
         "batch, threads, device, precision, lpips, store"},
    });
}

TEST(Refusals, RequiredOptions) {
    const std::string a_model = "a .safetensors or .pt file, or a folder with model.safetensors and config.json";
    expect_lines({
        {"", "job.ini: method is not given; allowed: names from `diffinv list methods`"},
        {"dataset = p\nmethod = dps\noperator = box\n", "job.ini: model is not given; allowed: " + a_model},
        {"model = m\nmethod = dps\noperator = box\n",
         "job.ini: dataset is not given; methods that restore need images: a folder, or FILE.h5:NAME"},
        {basis + "method = dps\n", "job.ini: operator is not given; allowed: names from `diffinv list operators`"},
        {basis + "method = dps\noperator = mask\n", "job.ini: mask.file is not given; allowed: a path"},
    });
    // Not needed: a dataset to generate, an operator where methods have their own.
    EXPECT_EQ(refusal("model = m\nmethod = ddpm, ddim\n"), "");
    EXPECT_EQ(refusal(basis + "method = forward_reverse\n"), "");
    EXPECT_EQ(refusal(basis + "method = dps\n[dps]\noperator = box\n"), "");
}

TEST(Refusals, WhatWouldDoNothingOrExcludesAnother) {
    const std::string unused = ": no method of the job uses it; allowed: only what has an effect";
    expect_lines({
        {"model = m\nmethod = ddpm\noperator = box\n", "job.ini:3: operator = box" + unused},
        {basis + "method = forward_reverse\nsigma-y = 0.1\n", "job.ini:4: sigma-y = 0.1" + unused},
        {"model = m\nmethod = ddpm\nimages = 0-3\n",
         "job.ini:3: images = 0-3: there is no dataset; allowed: only beside dataset or measurements"},
        {dps + "steps = 10\nrespacing = ddim10\n",
         "job.ini:5: steps = 10: respacing is given too; allowed: one of the two"},
        {dps + "respacing = ddim10\n[dps]\nsteps = 10\n",
         "job.ini:7: dps.steps = 10: respacing is given too; allowed: one of the two"},
    });
}

TEST(Refusals, CommandLine) {
    EXPECT_EQ(refusal(dps, {{"sigma-y", "-0.1"}}), "--sigma-y -0.1: not a value; allowed: a number ≥ 0, or estimate");
    EXPECT_EQ(refusal(dps, {{"seed", "1"}, {"seed", "2"}}), "--seed 2: repeated; allowed: each option once");
    EXPECT_EQ(refusal(dps, {{"dps.zetta", "2"}}),
              "command line: unrecognised option 'dps.zetta' (did you mean dps.zeta?); allowed in [dps]: preset, zeta, "
              "zeta-unit, normalise, operator, sigma-y, steps, samples, variance");
    EXPECT_EQ(refusal(dps, {{"dps.t-start", "2"}}).substr(0, 46), "command line: unrecognised option 'dps.t-start");
    EXPECT_EQ(refusal(dps, {{"clip", "a\nb"}}), "--clip a\\x0ab: not a value; allowed: yes or no");
}

TEST(Refusals, FileThatIsNone) {
    const test_support::TemporaryFolder folder;
    EXPECT_THROW(jobs::read_job(folder / "absent.ini", {}), std::runtime_error);
    EXPECT_THROW(jobs::read_job(folder.path(), {}), std::runtime_error);
}

TEST(PlanRefusals, WhatDoesNotFitCheckpointOrImages) {
    const std::vector<Case> cases = {
        {dps + "steps = 1001\n", "job.ini: steps = 1001: the checkpoint has 1000 timesteps; allowed: 1 to 1000"},
        {dps + "image-size = 60\n",
         "job.ini: image-size = 60: the network of m.safetensors cannot take it; allowed: multiples of 8"},
        {dps + "image-size = 64x36\n",
         "job.ini: image-size = 64x36: the network of m.safetensors cannot take it; allowed: multiples of 8"},
        {dps + "images = 5-20\n", "job.ini: images = 5-20: photos has 20 images; allowed: 0-19"},
        {dps + "variance = learned_range\n",
         "job.ini: variance = learned_range: m.safetensors has no learned variance; allowed: fixed_small, fixed_large"},
        {dps + "[box]\nsize = 57\n",
         "job.ini: box.size: 57 with box.margin 4 does not fit images of 64x64, allowed is 1 to 55"},
        {restore + "method = sdedit\n[sdedit]\nt-start = 1001\n",
         "job.ini: sdedit.t-start: 1001 is not a level of the checkpoint, allowed are 1 to 1000"},
    };
    for (const Case& each : cases) EXPECT_EQ(plan_refusal(each.text), each.line) << each.text;
    EXPECT_EQ(plan_refusal(dps), "");
}

TEST(PlanRefusals, PointsThatAutoMakesTheSame) {
    // box: half of 64 is 32.
    EXPECT_TRUE(plan_refusal(dps + "[box]\nsize = auto, 32\n")
                    .starts_with("job.ini: two points of the sweep are the same once `auto` is replaced: {"));
    EXPECT_EQ(plan_refusal(dps + "[box]\nsize = auto, 31\n"), "");
}

TEST(PlanRefusals, RespacingThatTheChainCannotHave) {
    EXPECT_TRUE(plan_refusal(dps + "respacing = ddim999\n").starts_with("job.ini: "));
    EXPECT_TRUE(plan_refusal(dps + "respacing = ten\n").starts_with("job.ini: "));
    EXPECT_EQ(plan_refusal(dps + "respacing = ddim50\n"), "");
}

TEST(PlanRefusals, ConditionalNetworks) {
    const test_support::TemporaryFolder folder;
    pipeline::ModelDescription model = test_jobs::small_model();
    model.network.classes = 1000;
    const test_jobs::NamedImages photos(3);
    const auto refused = [&](const std::string& line) {
        try {
            jobs::SweepPlan::make(test_jobs::job_of(folder, dps + line), model, &photos, "");
        } catch (const jobs::JobError& error) {
            return std::string(error.what());
        } catch (const pipeline::FileError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    EXPECT_THAT(refused(""),
                testing::HasSubstr("class is not given, the network is conditional on one; allowed: 0 to 999"));
    EXPECT_THAT(refused("class = 1000\n"), testing::HasSubstr("class = 1000: the network has 1000 classes"));
    EXPECT_EQ(refused("class = 999\n"), "");
    EXPECT_THAT(refused("class = dataset\n"), testing::HasSubstr("no labels"));
    model.network.classes = 0;
    EXPECT_THAT(refused("class = 3\n"), testing::HasSubstr("class = 3: the network knows no classes; allowed: none"));
}

TEST(PlanRefusals, PhotonNoise) {
    EXPECT_EQ(refusal(dps + "noise = poisson\nsigma-y = 0.1\n"),
              "job.ini:6: sigma-y = 0.1: noise is poisson; allowed: poisson-rate");
    EXPECT_EQ(refusal(dps + "poisson-rate = 2\n"), "job.ini:5: poisson-rate = 2: noise is gaussian; allowed: sigma-y");
    EXPECT_EQ(plan_refusal(dps + "noise = poisson\npoisson-rate = 2\n"), "");
    EXPECT_NE(plan_refusal(restore + "method = score_ald\nnoise = poisson\n"), "");
}
