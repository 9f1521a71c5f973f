#include "jobs/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "jobs/job_error.h"
#include "jobs/merge.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/measurement_file.h"
#include "pipeline/data/unit_file.h"
#include "tests/jobs_results/made_campaign.h"

// Damage of every kind, done to the files of a made run: named, set aside, made again with the same bytes.

namespace {

namespace files = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::ThrowsMessage;

/// Three blocks of at most two images: units 0, 1, 2 are sdedit's and 3, 4, 5 those of dps.
const std::string small_job = "dataset = photos\nmethod = sdedit, dps\noperator = box\nbatch = 2\nsteps = 20\n";

void flip(const files::path& file, std::size_t position) {
    std::string bytes = test_support::read_text(file);
    bytes[position] = static_cast<char>(bytes[position] ^ 0x10);
    test_support::write_text(file, bytes);
}

std::vector<files::path> files_below(const files::path& folder) {
    std::vector<files::path> found;
    for (const auto& entry : files::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
}

std::vector<std::string> damaged_files(const jobs::VerifyResult& result) {
    std::vector<std::string> names;
    for (const jobs::Damage& damage : result.damages) names.push_back(damage.file.string());
    return names;
}

files::path box_measurement(const MadeCampaign& made, std::int64_t block) {
    const std::string label = made.campaign().plan().configurations().front().configuration.measurement_label();
    return pipeline::measurement_path(label, block);
}

/// What a following run does: the units that are not there.
void compute_missing(const MadeCampaign& made) {
    const jobs::SweepPlan& plan = made.campaign().plan();
    const std::vector<std::int64_t> committed = made.campaign().committed();
    for (std::int64_t unit = 0; unit < plan.unit_count(); ++unit) {
        if (std::ranges::binary_search(committed, unit)) continue;
        made.make_unit(plan.unit(unit), 0.1 + 0.01 * static_cast<double>(unit % 7));
    }
}

}  // namespace

TEST(Verify, FindsNothingInAWholeRun) {
    const MadeCampaign made;
    const jobs::VerifyResult before = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(before), IsEmpty());
    EXPECT_EQ(before.results, jobs::ResultsState::absent);
    made.journal(4.0);
    jobs::merge(made.campaign());
    const jobs::VerifyResult result = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(result), IsEmpty()) << result.damages.front().reason;
    EXPECT_THAT(result.foreign, IsEmpty());
    EXPECT_EQ(result.units, made.campaign().plan().unit_count());
    EXPECT_EQ(result.measurements, static_cast<std::int64_t>(files_below(made.folder() / "measurements").size()));
    EXPECT_EQ(result.results, jobs::ResultsState::checked);
}

TEST(Verify, AChangedNameOrScaleOfResultsIsSeen) {
    const MadeCampaign made(small_job);
    jobs::merge(made.campaign());
    for (const char* changed : {"truth_name", "image", "image_name"}) {
        const auto python = test_support::run_command(
            "/usr/bin/python3 -c \"import h5py, sys; d = h5py.File(sys.argv[1], 'r+')[sys.argv[2]]; v = d[0]; "
            "d[0] = v + 1 if d.dtype.kind == 'i' else v + b'x'\" " +
            made.results().string() + " " + changed);
        ASSERT_EQ(python.exit_code, 0) << python.errors;
        const jobs::VerifyResult result = jobs::verify(made.campaign());
        ASSERT_THAT(damaged_files(result), ElementsAre("results.h5")) << changed;
        EXPECT_THAT(result.damages.front().reason, HasSubstr("its columns are not those that were written")) << changed;
        jobs::merge(made.campaign());
    }
}

TEST(Verify, NothingDoneYetIsNoDamage) {
    const MadeCampaign made(small_job, [](const auto&) { return false; });
    EXPECT_THAT(damaged_files(jobs::verify(made.campaign())), IsEmpty());
    files::remove_all(made.folder() / "units");
    files::remove_all(made.folder() / "measurements");
    EXPECT_THAT(damaged_files(jobs::verify(made.campaign())), IsEmpty());
}

TEST(Verify, NamesTheFileOfWhichAnyByteWasFlippedAndOnlyIt) {
    const MadeCampaign made(small_job);
    for (const char* folder : {"units", "measurements"}) {
        for (const files::path& file : files_below(made.folder() / folder)) {
            const std::string whole = test_support::read_text(file);
            const std::size_t last = whole.size() - 1;
            for (const std::size_t position : {std::size_t{0}, last / 7, last / 2, last - 70, last - 20, last}) {
                flip(file, position);
                const jobs::VerifyResult result = jobs::verify(made.campaign());
                EXPECT_THAT(damaged_files(result), ElementsAre(file.lexically_relative(made.folder()).string()))
                    << position;
                EXPECT_THAT(result.damages.front().reason, HasSubstr("damaged")) << position;
                test_support::write_text(file, whole);
            }
        }
    }
}

TEST(Verify, ACutFileIsDamagedWhereverItIsCut) {
    const MadeCampaign made(small_job);
    for (const files::path& file : {made.folder() / pipeline::unit_path(4), made.folder() / box_measurement(made, 1)}) {
        const std::string whole = test_support::read_text(file);
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
            test_support::write_text(file, whole.substr(0, size));
            EXPECT_THAT(damaged_files(jobs::verify(made.campaign())),
                        ElementsAre(file.lexically_relative(made.folder()).string()))
                << size;
        }
        test_support::write_text(file, whole + "x");
        EXPECT_EQ(jobs::verify(made.campaign()).damages.size(), 1u);
        test_support::write_text(file, whole);
    }
}

TEST(Verify, WholeFilesInAnothersPlaceAreNamed) {
    const MadeCampaign made(small_job);
    const auto swap = [&](const files::path& one, const files::path& other) {
        files::rename(made.folder() / one, made.folder() / "aside");
        files::rename(made.folder() / other, made.folder() / one);
        files::rename(made.folder() / "aside", made.folder() / other);
    };
    swap(pipeline::unit_path(1), pipeline::unit_path(4));
    const jobs::VerifyResult units = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(units), ElementsAre("units/000/unit-000001.h5", "units/000/unit-000004.h5"));
    EXPECT_EQ(units.damages.front().reason, "holds unit 4");
    EXPECT_THAT([&] { jobs::merge(made.campaign()); },
                ThrowsMessage<pipeline::FileError>(HasSubstr("unit-000001.h5: holds unit 4")));
    swap(pipeline::unit_path(1), pipeline::unit_path(4));

    swap(box_measurement(made, 0), box_measurement(made, 1));
    const jobs::VerifyResult measurements = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(measurements),
                ElementsAre(box_measurement(made, 0).string(), box_measurement(made, 1).string()));
    EXPECT_EQ(measurements.damages.front().reason, "holds other images than the plan");
    EXPECT_THAT([&] { jobs::merge(made.campaign()); },
                ThrowsMessage<pipeline::FileError>(HasSubstr("block-0000.h5: holds other images than the plan")));
}

TEST(Verify, FilesOfAnotherVersionAreRefusedAndStay) {
    for (const bool is_unit : {true, false}) {
        const MadeCampaign made(small_job);
        const files::path file = made.folder() / (is_unit ? pipeline::unit_path(2) : box_measurement(made, 1));
        pipeline::commit_content_file(file, [&](const files::path& temporary) {
            pipeline::ContentWriter(temporary, is_unit ? "diffinv unit" : "diffinv measurement", 1).finish();
        });
        EXPECT_THAT([&] { jobs::verify(made.campaign()); },
                    ThrowsMessage<jobs::JobError>(AllOf(HasSubstr(file.filename().string() + ": has schema 1"),
                                                        HasSubstr("with the version that made it"))));
        EXPECT_THAT([&] { jobs::merge(made.campaign()); },
                    ThrowsMessage<pipeline::FileError>(HasSubstr(file.filename().string() + ": has schema 1")));
    }
}

TEST(Verify, FilesOfAnotherPlanAreNamed) {
    const MadeCampaign made(small_job);
    const MadeCampaign other("seed = 5\n" + small_job + "sigma-y = 0.2\n");
    const auto options = files::copy_options::overwrite_existing;
    files::copy_file(other.folder() / pipeline::unit_path(2), made.folder() / pipeline::unit_path(2), options);
    files::copy_file(other.folder() / box_measurement(other, 1), made.folder() / box_measurement(made, 1), options);
    const jobs::VerifyResult result = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(result), ElementsAre("units/000/unit-000002.h5", box_measurement(made, 1).string()));
    EXPECT_EQ(result.damages[0].reason, "belongs to another plan, " + other.campaign().plan().digest());
    EXPECT_EQ(result.damages[1].reason, "holds another operator, setting or noise level than the plan");
}

TEST(Verify, AMissingMeasurementIsDamageWhereAUnitThatReadsItIsCommitted) {
    const MadeCampaign made(small_job,
                            [](const pipeline::WorkUnit& unit) { return unit.block < 2 && unit.number > 0; });
    files::remove(made.folder() / box_measurement(made, 0));
    const jobs::VerifyResult result = jobs::verify(made.campaign());
    ASSERT_THAT(damaged_files(result), ElementsAre(box_measurement(made, 0).string()));
    EXPECT_EQ(result.damages[0].reason, "is missing, and unit 3 that reads it is committed");
    EXPECT_THAT(result.damages[0].units, ElementsAre(3));
    files::remove(made.folder() / pipeline::unit_path(3));
    EXPECT_THAT(damaged_files(jobs::verify(made.campaign())), IsEmpty());
}

TEST(Verify, ForeignFilesAreNamedAndTemporariesAreNot) {
    const MadeCampaign made(small_job);
    const std::vector<std::string> foreign = {"measurements/block-0000.h5", "measurements/box-7-0.05/block-0000.h5",
                                              "units/000/notes.txt",        "units/000/unit-000099.h5",
                                              "units/000/unit-3.h5",        "units/001/unit-000001.h5"};
    for (const std::string& name : foreign) test_support::write_text(made.folder() / name, "mine");
    test_support::write_text(made.folder() / "units/000/unit-000001.h5.host.1.2.tmp", "");
    const jobs::VerifyResult result = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(result), IsEmpty());
    EXPECT_THAT(result.foreign, testing::ElementsAreArray(foreign.begin(), foreign.end()));
    EXPECT_EQ(jobs::set_aside(made.campaign(), result), 0);
    for (const std::string& name : foreign) EXPECT_TRUE(files::exists(made.folder() / name)) << name;
}

TEST(VerifyResults, FlippedBytesAreFoundInMostPlacesAndEndTheProgramInNone) {
    const MadeCampaign made(small_job);
    jobs::merge(made.campaign());
    const std::string whole = test_support::read_text(made.results());
    const auto reason = [&] {
        const jobs::VerifyResult result = jobs::verify(made.campaign());
        return result.damages.empty() ? std::string()
                                      : result.damages.front().file.string() + ": " + result.damages.front().reason;
    };
    EXPECT_EQ(reason(), "");
    // What explains (attributes, HDF5's free room, columns of text) is not held to anything.
    std::size_t found = 0, tried = 0;
    for (std::size_t position = 0; position < whole.size(); position += whole.size() / 40 + 1, ++tried) {
        flip(made.results(), position);
        if (!reason().empty()) {
            EXPECT_THAT(reason(), StartsWith("results.h5: "));
            ++found;
        }
        test_support::write_text(made.results(), whole);
    }
    EXPECT_GT(found * 10, tried * 8) << found << " of " << tried;
    test_support::write_text(made.results(), whole.substr(0, whole.size() / 2));
    EXPECT_THAT(reason(), StartsWith("results.h5: "));
}

TEST(VerifyResults, ThoseOfOtherUnitsAreDamagedAndThoseOfFewerAreOutdated) {
    const MadeCampaign made(small_job);
    jobs::merge(made.campaign());
    made.make_unit(made.campaign().plan().unit(2), 0.5);
    EXPECT_THAT(damaged_files(jobs::verify(made.campaign())), ElementsAre("results.h5"));
    files::remove(made.folder() / pipeline::unit_path(2));
    const jobs::VerifyResult fewer = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(fewer), IsEmpty());
    EXPECT_EQ(fewer.results, jobs::ResultsState::outdated);
}

TEST(VerifyResults, AMeasurementMadeSinceThenMakesThemOutdated) {
    const MadeCampaign made(small_job, [](const pipeline::WorkUnit& unit) { return unit.block < 2; });
    jobs::merge(made.campaign());
    made.make_unit(made.campaign().plan().unit(2), 0.1);
    files::remove(made.folder() / pipeline::unit_path(2));
    const jobs::VerifyResult result = jobs::verify(made.campaign());
    EXPECT_THAT(damaged_files(result), IsEmpty());
    EXPECT_EQ(result.results, jobs::ResultsState::outdated);
}

TEST(SetAside, EveryKindOfDamageComesBackWithTheSameBytes) {
    const MadeCampaign made(small_job);
    const auto contents = [&] {
        std::map<files::path, std::string> bytes;
        for (const char* folder : {"units", "measurements"}) {
            for (const files::path& file : files_below(made.folder() / folder)) {
                bytes[file] = test_support::read_text(file);
            }
        }
        return bytes;
    };
    const auto before = contents();
    jobs::merge(made.campaign());
    flip(made.folder() / pipeline::unit_path(4), 3000);
    flip(made.folder() / box_measurement(made, 0), 3000);
    files::remove(made.folder() / box_measurement(made, 1));
    files::resize_file(made.folder() / box_measurement(made, 2), 10);
    files::resize_file(made.results(), 1000);

    const jobs::VerifyResult result = jobs::verify(made.campaign());
    ASSERT_EQ(result.damages.size(), 5u);
    EXPECT_THAT(result.damages[1].units, ElementsAre(0));
    EXPECT_THAT(result.damages[2].units, ElementsAre(4)) << "computed again anyway";
    EXPECT_THAT(result.damages[3].units, ElementsAre(2));
    // Units 4, 0 and 2, the measurements of blocks 0 and 2, results.h5.
    EXPECT_EQ(jobs::set_aside(made.campaign(), result), 6);
    EXPECT_THAT(made.campaign().committed(), ElementsAre(1, 3, 5));
    EXPECT_FALSE(files::exists(made.results()));
    EXPECT_EQ(jobs::set_aside(made.campaign(), result), 0);

    compute_missing(made);
    EXPECT_THAT(damaged_files(jobs::verify(made.campaign())), IsEmpty());
    EXPECT_TRUE(contents() == before);
    jobs::merge(made.campaign());
    EXPECT_EQ(jobs::verify(made.campaign()).results, jobs::ResultsState::checked);
}
