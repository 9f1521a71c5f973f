#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ops/ones.h>

#include "pipeline/networks/safetensors.h"
#include "tests/support/paths.h"

// What a user gets wrong is refused before any rank starts: one line on stderr with what is wrong, the documented exit
// code, nothing on stdout, and no folder made or touched.

namespace {

namespace fs = std::filesystem;
using test_support::CommandResult;
using test_support::TemporaryFolder;

const fs::path quickstart = test_support::source_folder() / "jobs" / "quickstart";

/// Every file below a folder with its bytes' length and time: what must not change.
std::vector<std::string> listing(const fs::path& folder) {
    std::vector<std::string> entries;
    if (!fs::exists(folder)) return entries;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        std::string line = entry.path().string();
        if (entry.is_regular_file()) {
            line += " " + std::to_string(entry.file_size()) + " " +
                    std::to_string(entry.last_write_time().time_since_epoch().count());
        }
        entries.push_back(line);
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

class BadInput : public testing::Test {
  protected:
    /// A small job that would run, with one line changed or added.
    std::string job(const std::string& extra = "", const std::string& images = "", const std::string& model = "",
                    const std::string& method = "method = sdedit\n") const {
        return "dataset = " + (images.empty() ? (quickstart / "images").string() : images) + "\n" +
               "model = " + (model.empty() ? (quickstart / "model").string() : model) + "\n" + method +
               "operator = box\nsteps = 10\n" + extra;
    }

    CommandResult run(const std::string& job_text, const std::string& arguments = "") const {
        test_support::write_text(folder_ / "job.ini", job_text);
        return test_support::run_command((test_support::binary_folder() / "diffinv").string() + " run " +
                                         (folder_ / "job.ini").string() + " --output " + (folder_ / "out").string() +
                                         " " + arguments);
    }

    /// The refusal's form, whatever it is about.
    void expect_refused(const CommandResult& result, int exit_code, const std::vector<std::string>& words) const {
        EXPECT_EQ(result.exit_code, exit_code) << result.errors;
        EXPECT_EQ(result.output, "");
        EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
        EXPECT_TRUE(result.errors.starts_with("diffinv: ")) << result.errors;
        for (const std::string& word : words) {
            EXPECT_NE(result.errors.find(word), std::string::npos) << "wanted '" << word << "' in: " << result.errors;
        }
    }

    void expect_nothing_made() const { EXPECT_FALSE(fs::exists(folder_ / "out")); }

    /// The default model with its tensors changed, as a folder.
    std::string changed_model(const std::function<void(pipeline::TensorMap&)>& change) const {
        const fs::path folder = folder_ / "model";
        fs::create_directories(folder);
        fs::copy_file(quickstart / "model" / "config.json", folder / "config.json");
        pipeline::TensorMap tensors = pipeline::read_safetensors(quickstart / "model" / "model.safetensors");
        change(tensors);
        pipeline::write_safetensors(folder / "model.safetensors", tensors);
        return folder.string();
    }

    TemporaryFolder folder_;
};

}  // namespace

TEST_F(BadInput, MisspeltOption) {
    expect_refused(run(job("[sdedit]\nt-strat = 200\n")), 2, {"job.ini", "sdedit.t-strat", "t-start"});
    expect_nothing_made();
}

TEST_F(BadInput, AbbreviatedOption) {
    expect_refused(run(job("samp = 2\n")), 2, {"job.ini", "samp"});
    expect_refused(run(job(), "--samp 2"), 2, {"samp"});
    expect_nothing_made();
}

TEST_F(BadInput, RepeatedOption) {
    expect_refused(run(job("seed = 1\nseed = 2\n")), 2, {"job.ini", "seed"});
    expect_refused(run(job(), "--seed 1 --seed 2"), 2, {"seed"});
    expect_nothing_made();
}

TEST_F(BadInput, TrailingComma) {
    expect_refused(run(job("sigma-y = 0.05,\n")), 2, {"job.ini", "sigma-y", "0.05,"});
    expect_nothing_made();
}

TEST_F(BadInput, ListWhereNoneMakesSense) {
    expect_refused(run(job("seed = 1, 2\n")), 2, {"job.ini", "seed", "1, 2"});
    expect_nothing_made();
}

TEST_F(BadInput, ValueOutOfRange) {
    expect_refused(run(job("[sdedit]\nt-start = 0\n")), 2, {"job.ini", "sdedit.t-start", "0", "1"});
    expect_refused(run(job("[sdedit]\nt-start = 1001\n")), 2, {"sdedit.t-start", "1001", "1000"});
    expect_refused(run(job(), "--sigma-y -0.1"), 2, {"sigma-y", "-0.1"});
    expect_nothing_made();
}

TEST_F(BadInput, NotANumber) {
    expect_refused(run(job("sigma-y = nan\n")), 2, {"job.ini", "sigma-y", "nan"});
    expect_refused(run(job("sigma-y = inf\n")), 2, {"sigma-y", "inf"});
    expect_refused(run(job("seed = 0x10\n")), 2, {"seed", "0x10"});
    expect_nothing_made();
}

TEST_F(BadInput, MissingDatasetOrImage) {
    expect_refused(run(job("", (folder_ / "nowhere").string())), 2, {"nowhere"});
    fs::create_directories(folder_ / "empty");
    expect_refused(run(job("", (folder_ / "empty").string())), 2, {"empty"});
    expect_refused(run(job("images = 5-99\n")), 2, {"images", "5-99", "8"});
    expect_nothing_made();
}

TEST_F(BadInput, TruncatedImage) {
    const fs::path images = folder_ / "images";
    fs::copy(quickstart / "images", images);
    fs::resize_file(images / "coffee.png", 5000);
    expect_refused(run(job("", images.string())), 2, {"coffee.png"});
    expect_nothing_made();
}

TEST_F(BadInput, ImageSizeThatTheNetworkCannotTake) {
    expect_refused(run(job("image-size = 60\n")), 2, {"image-size", "60", "8"});
    expect_nothing_made();
}

TEST_F(BadInput, CheckpointWithAMissingTensor) {
    const std::string model = changed_model([](pipeline::TensorMap& tensors) { tensors.erase("out.2.bias"); });
    expect_refused(run(job("", "", model)), 2, {"model.safetensors", "missing", "out.2.bias"});
    expect_nothing_made();
}

TEST_F(BadInput, CheckpointWithAnExtraTensor) {
    const std::string model = changed_model([](pipeline::TensorMap& tensors) { tensors["stranger"] = at::ones({2}); });
    expect_refused(run(job("", "", model)), 2, {"model.safetensors", "unexpected", "stranger"});
    expect_nothing_made();
}

TEST_F(BadInput, CheckpointWithAMisshapenTensor) {
    const std::string model = changed_model([](pipeline::TensorMap& tensors) { tensors["out.2.bias"] = at::ones({4}); });
    expect_refused(run(job("", "", model)), 2, {"model.safetensors", "out.2.bias", "[4]", "[3]"});
    expect_nothing_made();
}

TEST_F(BadInput, TruncatedCheckpoint) {
    const std::string model = changed_model([](pipeline::TensorMap&) {});
    const fs::path file = fs::path(model) / "model.safetensors";
    fs::resize_file(file, fs::file_size(file) - 7);
    expect_refused(run(job("", "", model)), 2, {"model.safetensors"});
    expect_nothing_made();
}

TEST_F(BadInput, CheckpointThatIsNoSafetensors) {
    fs::create_directories(folder_ / "model");
    fs::copy_file(quickstart / "model" / "config.json", folder_ / "model" / "config.json");
    fs::copy_file(quickstart / "images" / "coffee.png", folder_ / "model" / "model.safetensors");
    expect_refused(run(job("", "", (folder_ / "model").string())), 2, {"model.safetensors"});
    expect_refused(run(job("", "", (folder_ / "nothing.safetensors").string())), 2, {"nothing.safetensors"});
    expect_nothing_made();
}

TEST_F(BadInput, UnknownWords) {
    expect_refused(run(job("", "", "", "method = dsp\n")), 2, {"method", "dsp", "dps"});
    expect_refused(run(job(), "--operator boxx"), 2, {"operator", "boxx", "box"});
    expect_refused(run(job("[dps]\nzeta = 1\n")), 2, {"dps"});
    expect_nothing_made();
}

TEST_F(BadInput, NoSuchJobFile) {
    const CommandResult result = test_support::run_command((test_support::binary_folder() / "diffinv").string() + " run " +
                                                           (folder_ / "absent.ini").string());
    expect_refused(result, 2, {"absent.ini"});
}

TEST_F(BadInput, UnwritableOutputFolder) {
    test_support::write_text(folder_ / "out", "a file, not a folder");
    const CommandResult result = run(job());
    expect_refused(result, 4, {(folder_ / "out").string()});
    EXPECT_EQ(test_support::read_text(folder_ / "out"), "a file, not a folder");
}

TEST_F(BadInput, FolderOfAnotherJob) {
    const CommandResult first = run(job("images = 0-1\n"));
    ASSERT_EQ(first.exit_code, 0) << first.errors;
    const std::vector<std::string> before = listing(folder_ / "out");
    expect_refused(run(job("images = 0-1\nseed = 7\n")), 2, {"out", "seed", "7"});
    EXPECT_EQ(listing(folder_ / "out"), before);
}

TEST_F(BadInput, FolderWithForeignFiles) {
    test_support::write_text(folder_ / "out" / "thesis.tex", "precious");
    const std::vector<std::string> before = listing(folder_ / "out");
    expect_refused(run(job()), 2, {"out"});
    EXPECT_EQ(listing(folder_ / "out"), before);
}
