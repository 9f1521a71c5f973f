#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "jobs/job_error.h"
#include "jobs/job_file.h"
#include "tests/jobs/planned_jobs.h"

namespace {

using test_jobs::basis;
using test_jobs::job_of;
using testing::ElementsAre;

jobs::CommandLine command_line(const std::vector<std::string>& arguments) {
    constexpr std::array<std::string_view, 1> values = {"output"}, flags = {"help"};
    return jobs::parse_command_line(arguments, true, values, flags);
}

}  // namespace

TEST(Job, BatchMayBeLeftToPlanningAndPrecisionToGpus) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, basis + "method = dps\noperator = box\nbatch = auto\nprecision = bfloat16\n");
    EXPECT_FALSE(job.batch.has_value());
    EXPECT_EQ(job.precision, pipeline::Precision::bfloat16);
}

TEST(Job, DefaultsAreTheDesigns) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, basis + "method = dps\noperator = box\n");
    EXPECT_EQ(job.seed, 0u);
    EXPECT_THAT(job.sigma_y, ElementsAre(0.05));
    EXPECT_TRUE(job.steps.empty());
    EXPECT_EQ(job.samples, 1);
    EXPECT_EQ(job.batch, 8);
    EXPECT_EQ(job.threads, 1);
    EXPECT_TRUE(!job.clip.has_value() && job.noise_on_unobserved);
    EXPECT_EQ(job.device, "auto");
    EXPECT_EQ(job.lpips, "embedded");
    EXPECT_EQ(job.store, pipeline::Store::float32);
    EXPECT_FALSE(job.images || job.image_size || job.variance);
}

TEST(Job, ReadsEveryOption) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, basis +
                                             "method = dps\noperator = box\nimages = 5-99\nimage-size = 240x320\n"
                                             "seed = 18446744073709551615\nsigma-y = 0, 1e-3\nsteps = 250, 100\n"
                                             "variance = fixed_large\nclip = no\nnoise = gaussian\nsamples = 3\n"
                                             "noise-on-unobserved = no\nbatch = 4\nthreads = 2\ndevice = cpu\n"
                                             "precision = float32\nlpips = none\nstore = uint8\n");
    EXPECT_EQ(job.images, std::pair(std::int64_t{5}, std::int64_t{99}));
    EXPECT_EQ(job.image_size, std::pair(240, 320));
    EXPECT_EQ(job.seed, 18446744073709551615u);
    EXPECT_THAT(job.sigma_y, ElementsAre(0.0, 1e-3));
    EXPECT_THAT(job.steps, ElementsAre(250, 100));
    EXPECT_EQ(job.variance, pipeline::VarianceKind::fixed_large);
    EXPECT_FALSE(job.clip.value() || job.noise_on_unobserved);
    EXPECT_EQ(job.samples, 3);
    EXPECT_EQ(job.batch, 4);
    EXPECT_EQ(job.threads, 2);
    EXPECT_EQ(job.device, "cpu");
    EXPECT_EQ(job.lpips, "none");
    EXPECT_EQ(job.store, pipeline::Store::uint8);
}

TEST(Job, ListsOfAMethodMultiplyThatMethodOnly) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, basis +
                                             "method = sdedit, dps\noperator = box, random\n"
                                             "[sdedit]\nt-start = 200, 500\npreset = default, original\n"
                                             "[dps]\nsigma-y = 0.1\nsteps = 50\nsamples = 4\nvariance = fixed_large\n"
                                             "operator = random\n[random]\nfraction = 0.5, 0.8, 0.92\n");
    ASSERT_EQ(job.methods.size(), 2u);
    EXPECT_EQ(job.methods[0].points.size(), 4u);
    EXPECT_FALSE(job.methods[0].operators || job.methods[0].sigma_y || job.methods[0].steps);
    EXPECT_EQ(job.methods[1].points.size(), 1u);
    EXPECT_THAT(*job.methods[1].operators, ElementsAre("random"));
    EXPECT_THAT(*job.methods[1].sigma_y, ElementsAre(0.1));
    EXPECT_THAT(*job.methods[1].steps, ElementsAre(50));
    EXPECT_EQ(job.methods[1].samples, 4);
    EXPECT_EQ(job.methods[1].variance, pipeline::VarianceKind::fixed_large);
    ASSERT_EQ(job.operators.size(), 2u);
    EXPECT_EQ(job.operators[0].points.size(), 1u);
    EXPECT_EQ(job.operators[1].points.size(), 3u);
    EXPECT_EQ(job.operators[1].points[2].real("fraction"), 0.92);
}

TEST(Job, PathsAreRelativeToTheFileAndOnTheCommandLineToTheWorkingDirectory) {
    const test_support::TemporaryFolder folder;
    const std::string text =
        "dataset = ../photos.h5:images\nmodel = m/\nmethod = dps\noperator = mask\n"
        "lpips = w.safetensors\n[mask]\nfile = a, b.png\n";
    const jobs::Job job = job_of(folder, text);
    EXPECT_EQ(job.dataset, (folder.path().parent_path() / "photos.h5:images").string());
    EXPECT_EQ(job.model, folder / "m/");
    EXPECT_EQ(job.lpips, (folder / "w.safetensors").string());
    EXPECT_EQ(job.operators[0].points[0].word("file"), (folder / "a, b.png").string());
    EXPECT_EQ(job_of(folder, text, {{"dataset", "here"}}).dataset, (std::filesystem::current_path() / "here").string());
    EXPECT_EQ(job_of(folder, text, {{"dataset", "/there"}}).dataset, "/there");
}

TEST(Job, CommandLineWinsOverTheFile) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, basis + "method = dps\noperator = box\nseed = 1\n[dps]\nzeta = 2\n",
                                 {{"seed", "7"}, {"dps.zeta", "3, 4"}});
    EXPECT_EQ(job.seed, 7u);
    ASSERT_EQ(job.methods[0].points.size(), 2u);
    EXPECT_EQ(job.methods[0].points[1].real("zeta"), 4.0);
    EXPECT_NE(job.text.find("dps.zeta = 3, 4\n"), std::string::npos);
}

TEST(Job, MayComeFromTheCommandLineAlone) {
    const jobs::Job job = jobs::read_job(
        {}, {{"model", "m"}, {"dataset", "d"}, {"method", "dps"}, {"operator", "box"}, {"sigma-y", "0.1"}});
    EXPECT_EQ(job.methods.size(), 1u);
    EXPECT_TRUE(job.file.empty());
}

TEST(Job, WindowsLineEndsAndAByteOrderMarkAreNothing) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder,
                                 "\xef\xbb\xbf"
                                 "dataset = photos\r\nmodel = m\r\nmethod = dps\r\n"
                                 "operator = box\r\n[box]\r\nsize = 16");
    EXPECT_EQ(job.operators[0].points[0].integer("size"), 16);
    EXPECT_EQ(job.dataset, (folder / "photos").string());
}

TEST(CommandLine, TakesWordsOptionsAndFlagsApart) {
    const jobs::CommandLine line =
        command_line({"a.ini", "--seed", "3", "--sigma-y=0.1, 0.2", "--help", "--output", "-x", "--dps.zeta", "-1"});
    EXPECT_THAT(line.positional, ElementsAre("a.ini"));
    using Pair = std::pair<std::string, std::string>;
    EXPECT_THAT(line.options, ElementsAre(Pair("seed", "3"), Pair("sigma-y", "0.1, 0.2"), Pair("help", ""),
                                          Pair("output", "-x"), Pair("dps.zeta", "-1")));
}

TEST(CommandLine, RefusesWhatIsUnknownAbbreviatedRepeatedOrCutShort) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"--sed", "1"},
             {"--see", "1"},
             {"--out", "x"},
             {"--hel"},
             {"--seed", "1", "--seed", "1"},
             {"--seed"},
             {"--seed", "--batch", "2"},
             {"--help=3"},
         }) {
        try {
            command_line(arguments);
            ADD_FAILURE() << arguments.front();
        } catch (const jobs::JobError& error) {
            const std::string line = error.what();
            EXPECT_NE(line.find(arguments.front().substr(2, 3)), std::string::npos) << line;
            EXPECT_EQ(line.find('\n'), std::string::npos) << line;
        }
    }
}
