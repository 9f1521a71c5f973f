#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "jobs/job_error.h"
#include "tests/jobs/planned_jobs.h"

namespace {

using jobs::SweepPlan;
using test_jobs::basis;
using test_jobs::plan_of;
using testing::ElementsAre;

const std::string sweep = basis +
                          "method = sdedit, dps, ddpm\noperator = box, random\nsigma-y = 0.05, 0.1\nsteps = 100\n"
                          "batch = 8\nsamples = 2\n[sdedit]\nt-start = 200, 500, 800\n[random]\nfraction = 0.5, 0.8\n"
                          "[ddpm]\nsamples = 10\n";

}  // namespace

TEST(SweepPlan, CountsAreTheProductOfTheAxes) {
    const SweepPlan plan = plan_of(sweep);
    // 3 operator points × 2 noise levels × (3 SDEdit + 1 DPS) + 1 DDPM
    ASSERT_EQ(plan.configurations().size(), 25u);
    // 20 images in blocks of 8, 8, 4, each for 2 samples; 10 generated images in 2 blocks
    EXPECT_EQ(plan.unit_count(), 24 * 3 * 2 + 2);
    EXPECT_EQ(plan.rows(), 24 * 20 * 2 + 10);
}

TEST(SweepPlan, OrderIsMethodsOperatorsNoiseLevelsThenTheMethodsOwnPoints) {
    const SweepPlan plan = plan_of(sweep);
    const auto& first = plan.configurations()[0].configuration;
    const auto& second = plan.configurations()[1].configuration;
    const auto& fourth = plan.configurations()[3].configuration;
    EXPECT_EQ(first.method, "sdedit");
    EXPECT_EQ(first.measurement_label(), "box-32-0.05");
    EXPECT_EQ(first.method_settings.integer("t-start"), 200);
    EXPECT_EQ(second.method_settings.integer("t-start"), 500);
    EXPECT_EQ(fourth.measurement_label(), "box-32-0.1");
    EXPECT_EQ(plan.configurations()[18].configuration.method, "dps");
    EXPECT_EQ(plan.configurations()[24].configuration.method, "ddpm");
}

TEST(SweepPlan, EveryImageAndSampleOfAPointIsInExactlyOneUnit) {
    const SweepPlan plan = plan_of(sweep);
    std::set<std::tuple<const void*, std::int64_t, std::int64_t>> seen;
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        const pipeline::WorkUnit unit = plan.unit(number);
        EXPECT_EQ(unit.number, number);
        ASSERT_EQ(unit.image_index.size(), unit.sample.size());
        for (std::size_t row = 0; row < unit.sample.size(); ++row) {
            const bool is_new =
                seen.insert({&plan.configuration_of(number), unit.image_index[row], unit.sample[row]}).second;
            EXPECT_TRUE(is_new) << number;
        }
    }
    EXPECT_EQ(static_cast<std::int64_t>(seen.size()), plan.rows());
}

TEST(SweepPlan, UnitsAreBlocksOfImages) {
    const SweepPlan plan = plan_of(basis + "method = dps\noperator = box\nimages = 3-13\nbatch = 4\nsamples = 2\n");
    EXPECT_EQ(plan.unit_count(), 6);
    EXPECT_THAT(plan.unit(0).image_index, ElementsAre(3, 4, 5, 6));
    EXPECT_THAT(plan.unit(2).image_index, ElementsAre(11, 12, 13));
    EXPECT_THAT(plan.unit(2).sample, ElementsAre(0, 0, 0));
    EXPECT_EQ(plan.unit(2).block, 2);
    EXPECT_THAT(plan.unit(3).image_index, ElementsAre(3, 4, 5, 6));
    EXPECT_THAT(plan.unit(3).sample, ElementsAre(1, 1, 1, 1));
    EXPECT_EQ(plan.unit(3).block, 0);
    EXPECT_THROW(plan.unit(6), std::invalid_argument);
    EXPECT_THROW(plan.unit(-1), std::invalid_argument);
}

TEST(SweepPlan, GeneratedImagesHaveSamplesAndNoMeasurement) {
    const SweepPlan plan = plan_of("model = m\nmethod = ddpm\nsamples = 10\nbatch = 8\n");
    EXPECT_EQ(plan.unit_count(), 2);
    const pipeline::WorkUnit unit = plan.unit(1);
    EXPECT_THAT(unit.image_index, ElementsAre(-1, -1));
    EXPECT_THAT(unit.sample, ElementsAre(8, 9));
    EXPECT_EQ(unit.configuration.operator_name, "none");
    EXPECT_TRUE(std::isnan(unit.configuration.sigma_y));
}

TEST(SweepPlan, MethodSectionsReplaceTheJobsAxes) {
    const SweepPlan plan =
        plan_of(basis +
                "method = forward_reverse, dps, score_ald\noperator = box\nsigma-y = 0.1\nsteps = 100\n"
                "[dps]\noperator = random\nsigma-y = 0.3\nsteps = 50, 200\nsamples = 3\nvariance = fixed_large\n");
    ASSERT_EQ(plan.configurations().size(), 4u);
    EXPECT_EQ(plan.configurations()[3].configuration.measurement_label(), "box-32-0.1");
    const auto& reverse = plan.configurations()[0].configuration;
    EXPECT_EQ(reverse.operator_name, "identity");
    EXPECT_EQ(reverse.sigma_y, 0.0);
    EXPECT_EQ(reverse.respacing, "100");
    EXPECT_EQ(reverse.variance, pipeline::VarianceKind::fixed_small);
    const auto& dps = plan.configurations()[2];
    EXPECT_EQ(dps.configuration.operator_name, "random");
    EXPECT_EQ(dps.configuration.sigma_y, 0.3);
    EXPECT_EQ(dps.configuration.respacing, "200");
    EXPECT_EQ(dps.configuration.variance, pipeline::VarianceKind::fixed_large);
    EXPECT_EQ(dps.samples, 3);
}

TEST(SweepPlan, AutoIsReplacedByTheNumberUsed) {
    const SweepPlan plan = plan_of(basis + "method = dps\noperator = box, gaussian_blur\nsteps = 250\n");
    // Published 0.5 and 0.3 at 1000 steps, four times that at 250.
    EXPECT_DOUBLE_EQ(plan.configurations()[0].configuration.method_settings.real("zeta"), 2.0);
    EXPECT_DOUBLE_EQ(plan.configurations()[1].configuration.method_settings.real("zeta"), 1.2);
    EXPECT_EQ(plan.configurations()[0].configuration.operator_settings.integer("size"), 32);
    for (const auto& planned : plan.configurations()) {
        for (const auto& [name, value] : planned.configuration.method_settings)
            EXPECT_NE(operators::to_string(value), "auto");
        for (const auto& [name, value] : planned.configuration.operator_settings) {
            EXPECT_NE(operators::to_string(value), "auto") << name;
        }
    }
}

TEST(SweepPlan, PredictsCallsAndCost) {
    const SweepPlan plan = plan_of(basis +
                                   "method = sdedit, dps\noperator = box\nsteps = 100\nimages = 0-8\nbatch = 8\n"
                                   "[sdedit]\nt-start = 500\n");
    // 100 of 1000 timesteps, evenly from 0 to 999: 50 of them lie below 500.
    EXPECT_EQ(plan.configurations()[0].nfe, 50);
    EXPECT_EQ(plan.configurations()[1].nfe, 100);
    EXPECT_DOUBLE_EQ(plan.cost(0), 50.0 * 8);
    EXPECT_DOUBLE_EQ(plan.cost(1), 50.0);
    EXPECT_GT(plan.cost(2), 2 * plan.cost(0));
}

TEST(SweepPlan, AllStepsAndNoneGivenAreTheSamePlan) {
    const std::string text = basis + "method = dps\noperator = box\n";
    EXPECT_EQ(plan_of(text).digest(), plan_of(text + "steps = 1000\n").digest());
}

TEST(SweepPlan, JsonHoldsTheWholePlan) {
    const SweepPlan plan = plan_of(sweep);
    const SweepPlan again = SweepPlan::from_json(plan.to_json());
    EXPECT_EQ(again.to_json(), plan.to_json());
    EXPECT_EQ(again.digest(), plan.digest());
    EXPECT_EQ(again.unit_count(), plan.unit_count());
    EXPECT_EQ(again.images(), plan.images());
    EXPECT_EQ(again.dataset(), plan.dataset());
    EXPECT_EQ(again.job_text(), plan.job_text());
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        ASSERT_EQ(again.unit(number).configuration.to_json(), plan.unit(number).configuration.to_json());
        ASSERT_EQ(again.unit(number).image_index, plan.unit(number).image_index);
        ASSERT_EQ(again.cost(number), plan.cost(number));
    }
}

TEST(SweepPlan, JsonThatIsNoPlanIsRefused) {
    const std::string json = plan_of(sweep).to_json();
    EXPECT_THROW(SweepPlan::from_json(""), jobs::JobError);
    EXPECT_THROW(SweepPlan::from_json("{}"), jobs::JobError);
    EXPECT_THROW(SweepPlan::from_json("[1, 2]"), jobs::JobError);
    for (std::size_t length = 0; length + 2 < json.size(); length += 101) {
        EXPECT_THROW(SweepPlan::from_json(json.substr(0, length)), jobs::JobError) << length;
    }
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = json;
        EXPECT_NE(text.find(from), std::string::npos) << from;
        return text.replace(text.find(from), from.size(), to);
    };
    EXPECT_THROW(SweepPlan::from_json(changed("\"seed\": 0", "\"seed\": 1")), jobs::JobError);
    EXPECT_THROW(SweepPlan::from_json(changed("\"batch\": 8", "\"batch\": 0")), jobs::JobError);
    EXPECT_THROW(SweepPlan::from_json(changed("\"format\": 2", "\"format\": 1")), jobs::JobError);
}

TEST(SweepPlanDigest, FollowsWhatDeterminesResults) {
    const std::string text = basis + "method = dps\noperator = box\n";
    const std::set<std::string> digests = {
        plan_of(text).digest(),
        plan_of(text + "seed = 1\n").digest(),
        plan_of(text + "batch = 4\n").digest(),
        plan_of(text + "threads = 2\n").digest(),
        plan_of(text + "precision = tf32\n").digest(),
        plan_of(text + "samples = 2\n").digest(),
        plan_of(text + "images = 0-5\n").digest(),
        plan_of(text + "clip = no\n").digest(),
        plan_of(text + "store = uint8\n").digest(),
        plan_of(text + "lpips = none\n").digest(),
        plan_of(text + "sigma-y = 0.1\n").digest(),
        plan_of(text + "steps = 100\n").digest(),
        plan_of(text + "image-size = 128\n").digest(),
        plan_of(text + "variance = fixed_large\n").digest(),
        plan_of(text + "noise-on-unobserved = no\n").digest(),
        plan_of(text + "[dps]\nzeta = 1\n").digest(),
        plan_of(text + "[box]\nmargin = 2\n").digest(),
    };
    EXPECT_EQ(digests.size(), 17u);
}

TEST(SweepPlanDigest, DoesNotFollowPlacesDeviceAndSpelling) {
    const std::string digest = plan_of(basis + "method = dps\noperator = box\n").digest();
    EXPECT_EQ(plan_of("method = dps\n# moved\ndataset = /mnt/photos\nmodel = /mnt/m\noperator = box\ndevice = cpu\n")
                  .digest(),
              digest);
    EXPECT_EQ(plan_of(basis + "method = dps\noperator = box\nseed = 0\nsigma-y = 0.050\n[box]\nsize = 32\n").digest(),
              digest);
}

TEST(SweepPlanDigest, FollowsModelAndDataset) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = test_jobs::job_of(folder, basis + "method = dps\noperator = box\n");
    const test_jobs::NamedImages photos(20), others(20, "others");
    const pipeline::ModelDescription model = test_jobs::small_model();
    const std::string digest = SweepPlan::make(job, model, &photos, "weights").digest();
    EXPECT_EQ(SweepPlan::make(job, model, &photos, "weights").digest(), digest);
    EXPECT_NE(SweepPlan::make(job, model, &photos, "other weights").digest(), digest);
    EXPECT_NE(SweepPlan::make(job, model, &others, "weights").digest(), digest);
}

TEST(SweepPlanDigest, FollowsTheContentOfAKernelFile) {
    const test_support::TemporaryFolder folder;
    const std::string text = basis + "method = dps\noperator = kernel\n[kernel]\nfile = k.txt\n";
    const test_jobs::NamedImages photos(20);
    const auto digest = [&] {
        return SweepPlan::make(test_jobs::job_of(folder, text), test_jobs::small_model(), &photos, "").digest();
    };
    EXPECT_THROW(digest(), jobs::JobError);  // there is no such file
    test_support::write_text(folder / "k.txt", "0 0.25 0\n0.25 0 0.25\n0 0.25 0\n");
    const std::string before = digest();
    EXPECT_EQ(digest(), before);
    test_support::write_text(folder / "k.txt", "0 0.25 0\n0.25 0 0.25\n0 0 0.25\n");
    EXPECT_NE(digest(), before);
    test_support::write_text(folder / "k.txt", "not a kernel");
    try {
        digest();
        ADD_FAILURE();
    } catch (const jobs::JobError& error) {
        const std::string file = (folder / "k.txt").string();
        EXPECT_EQ(std::string(error.what()).find((folder / "job.ini").string() + ": kernel.file: " + file), 0u)
            << error.what();
    }
}

TEST(SweepPlan, MeasuredImagesShareBlocksWithTheirOwnSize) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = test_jobs::job_of(folder,
                                            "measurements = photos\nmodel = model\nbatch = 4\nmethod = sdedit, dps\n"
                                            "operator = identity, super_resolution\n[super_resolution]\nfactor = 2\n"
                                            "[dps]\nzeta = 1\n");
    const test_jobs::NamedImages photos(20);
    const jobs::SweepPlan plan = jobs::SweepPlan::make(job, test_jobs::small_model(), &photos, "sha");
    ASSERT_TRUE(plan.is_measured());
    // 14 of 40 × 60 in four blocks, 6 of 50 × 60 in two.
    ASSERT_EQ(plan.groups().size(), 2u);
    EXPECT_EQ(plan.block_count(), 6);
    EXPECT_EQ(plan.unit_count(), 4 * 6);
    EXPECT_EQ(plan.rows(), 4 * 20);
    std::map<std::string, std::multiset<std::int64_t>> seen;
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        const pipeline::WorkUnit unit = plan.unit(number);
        const std::int64_t factor = unit.configuration.operator_name == "identity" ? 1 : 2;
        for (const std::int64_t image : unit.image_index) {
            EXPECT_EQ(unit.image_shape.height, factor * photos.header(image).height);
            seen[unit.configuration.to_json()].insert(image);
        }
        EXPECT_EQ(unit.image_shape.width, factor * 60);
        EXPECT_EQ(unit.network_shape.height % plan.size_multiple(), 0);
        EXPECT_LT(unit.network_shape.height - unit.image_shape.height, plan.size_multiple());
        EXPECT_LT(unit.network_shape.width - unit.image_shape.width, plan.size_multiple());
        EXPECT_GT(plan.cost(number), 0);
    }
    ASSERT_EQ(seen.size(), 4u);
    for (const auto& [configuration, images] : seen) {
        EXPECT_EQ(images.size(), 20u);
        EXPECT_EQ(std::set(images.begin(), images.end()).size(), 20u);
    }
    // Frozen and read again it is the same plan.
    const jobs::SweepPlan read = jobs::SweepPlan::from_json(plan.to_json());
    EXPECT_EQ(read.digest(), plan.digest());
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        EXPECT_EQ(read.unit(number).image_index, plan.unit(number).image_index);
        EXPECT_EQ(read.unit(number).network_shape, plan.unit(number).network_shape);
        EXPECT_EQ(read.cost(number), plan.cost(number));
    }
    EXPECT_EQ(plan.restored_shapes().size(), 4u);
}
