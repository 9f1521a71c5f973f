#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/ops/ones.h>

#include "jobs/job.h"
#include "jobs/job_error.h"
#include "pipeline/data/dataset.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/image_file.h"
#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/settings_file.h"
#include "pipeline/networks/torch_file.h"
#include "tests/pipeline/data/make_images.h"
#include "tests/pipeline/networks/torch_writer.h"
#include "tests/support/paths.h"

// Every file here is made from a right one by a rule. A reader may take it or refuse it with its own error, whose
// message is one line; a crash, another exception or a message of several lines fails.

namespace {

namespace fs = std::filesystem;
namespace tw = torch_writer;
using test_support::TemporaryFolder;

/// How a reader answered many files.
struct Answers {
    int read = 0;
    int refused = 0;

    void ask(const std::function<void()>& reader, const std::string& what) {
        try {
            reader();
            ++read;
        } catch (const pipeline::CheckpointError& error) {
            note(error.what(), what);
        } catch (const pipeline::FileError& error) {
            note(error.what(), what);
        } catch (const pipeline::Hdf5Error& error) {
            note(error.what(), what);
        } catch (const jobs::JobError& error) {
            note(error.what(), what);
        }
    }

  private:
    void note(const std::string& message, const std::string& what) {
        ++refused;
        EXPECT_FALSE(message.empty()) << what;
        EXPECT_EQ(pipeline::printable(message).find('\n'), std::string::npos) << what << ": " << message;
        EXPECT_LT(message.size(), 6000U) << what.substr(0, 100);
    }
};

/// So many places of a text, evenly.
std::vector<std::size_t> places(const std::string& text, std::size_t count) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < std::min(count, text.size()); ++i) all.push_back(i * text.size() / count);
    return all;
}

using Reader = std::function<void(const std::string& bytes)>;

/// Cut short at many places: every one must be refused.
int truncations(const std::string& whole, const Reader& reader, std::size_t count = 60) {
    Answers answers;
    for (const std::size_t size : places(whole, count)) {
        answers.ask([&] { reader(whole.substr(0, size)); }, "cut at " + std::to_string(size));
    }
    EXPECT_EQ(answers.read, 0);
    return answers.refused;
}

/// One byte changed, in three ways, at many places.
int changes(const std::string& whole, const Reader& reader, std::size_t count = 60) {
    Answers answers;
    for (const std::size_t place : places(whole, count)) {
        for (const int change : {0x01, 0x80, 0xFF}) {
            std::string bytes = whole;
            bytes[place] = static_cast<char>(bytes[place] ^ change);
            answers.ask([&] { reader(bytes); }, "changed at " + std::to_string(place));
        }
    }
    EXPECT_GT(answers.refused, 0);
    return answers.refused;
}

std::string golden(const std::string& name) {
    return test_support::read_text(test_support::golden_folder() / name);
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

/// A reader of files, given bytes.
Reader through_file(const fs::path& path, const std::function<void(const fs::path&)>& read) {
    return [path, read](const std::string& bytes) {
        test_support::write_text(path, bytes);
        read(path);
    };
}

}  // namespace

TEST(Malformed, Safetensors) {
    const Reader reader = [](const std::string& bytes) { pipeline::read_safetensors(bytes_of(bytes), "here"); };
    int refused =
        truncations(golden("loader/ok.safetensors"), reader) + changes(golden("loader/ok.safetensors"), reader);
    EXPECT_GE(refused, 120);
}

TEST(Malformed, TorchFiles) {
    const Reader reader = [](const std::string& bytes) { pipeline::read_torch_file(bytes_of(bytes), "here"); };
    int refused = 0;
    for (const char* name : {"loader/views.pt", "loader/views_legacy.pt", "loader/plain_dict.pt"}) {
        refused += truncations(golden(name), reader) + changes(golden(name), reader, 200);
    }
    EXPECT_GE(refused, 400);

    // Every global that is none of a state dictionary's
    Answers answers;
    for (const char* module : {"os", "posix", "builtins", "subprocess", "torch", "torch.nn.modules.conv", "numpy"}) {
        for (const char* name : {"system", "eval", "exec", "Conv2d", "FloatStorage2", "_rebuild_tensor_v2", ""}) {
            const std::string pickle = tw::protocol() + tw::call(tw::global(module, name), tw::tuple({})) + ".";
            answers.ask([&] { reader(tw::zip_file(pickle, {})); }, std::string(module) + "." + name);
        }
    }
    EXPECT_EQ(answers.read, 0);
    // Every instruction alone
    Answers instructions;
    for (int i = 0; i < 256; ++i) {
        const std::string pickle = tw::protocol() + std::string(1, static_cast<char>(i)) + ".";
        instructions.ask([&] { reader(tw::zip_file(pickle, {})); }, "instruction " + std::to_string(i));
    }
    EXPECT_EQ(instructions.read, 0);
}

TEST(Malformed, SettingsFiles) {
    const TemporaryFolder folder;
    const Reader reader =
        through_file(folder / "s.json", [](const fs::path& path) { pipeline::read_settings_file(path); });
    const std::string whole = golden("weights/gd_a.json");
    const std::string trimmed = whole.substr(0, whole.find_last_of('}') + 1);
    EXPECT_GE(truncations(trimmed, reader, 40) + changes(trimmed, reader, 40), 60);
    Answers deep;
    for (const std::size_t depth : {65U, 1000U, 100000U}) {
        std::string text = "{\"a\":";
        for (std::size_t i = 0; i < depth; ++i) text += "[";
        deep.ask([&] { reader(text); }, "open lists");
        for (std::size_t i = 0; i < depth; ++i) text += "]";
        deep.ask([&] { reader(text + "}"); }, "lists in lists");
    }
    EXPECT_EQ(deep.read, 0);
}

TEST(Malformed, Images) {
    const TemporaryFolder folder;
    const Reader reader = through_file(folder / "i.png", [](const fs::path& path) { pipeline::read_image(path); });
    const std::string samples(3 * 16 * 12, 'x');
    const std::string png = test_images::Png{.width = 16, .height = 12, .rows = samples}.bytes();
    EXPECT_GE(truncations(png, reader) + changes(png, reader), 80);
    const Reader jpeg_reader = through_file(folder / "i.jpg", [](const fs::path& path) { pipeline::read_image(path); });
    const std::string jpeg =
        test_images::make_jpeg(16, 12, test_images::JpegColour::ycbcr, test_images::smooth_samples(16, 12, 3));
    EXPECT_GE(truncations(jpeg, jpeg_reader) + changes(jpeg, jpeg_reader), 60);
}

TEST(Malformed, Hdf5Datasets) {
    const TemporaryFolder folder;
    {
        pipeline::Hdf5File file = pipeline::Hdf5File::create(folder / "whole.h5");
        file.write("images", at::ones({2, 16, 16, 3}));
        file.close();
    }
    const Reader reader = through_file(folder / "d.h5", [](const fs::path& path) {
        pipeline::open_dataset(path.string() + ":images", {3, 16, 16})->check(std::vector<std::int64_t>{0, 1});
    });
    const std::string whole = test_support::read_text(folder / "whole.h5");
    EXPECT_GE(truncations(whole, reader), 50);
    Answers headers;
    for (const std::size_t place : places(whole.substr(0, 8), 8)) {
        std::string bytes = whole;
        bytes[place] = static_cast<char>(bytes[place] ^ 0xFF);
        headers.ask([&] { reader(bytes); }, "signature");
    }
    EXPECT_EQ(headers.read, 0);
}

TEST(Malformed, JobFiles) {
    const TemporaryFolder folder;
    const Reader reader = through_file(folder / "job.ini", [](const fs::path& path) { jobs::read_job(path, {}); });
    const std::string basis = "dataset = photos\nmodel = m.safetensors\nmethod = dps\noperator = box\n";
    Answers answers;
    const std::string bad[] = {"",     ",",   "a,",     ",a",   "nan", "inf", "-1",  "1e999", "99999999999999999999",
                               "1 2",  "1,1", "yes no", "\x01", "=",   "[",   "\"x", "1;2",   std::string(5000, 'x'),
                               "0x10", "+",   "1.5.2",  "−1"};
    for (const operators::Option& option : jobs::job_options()) {
        if (option.type == operators::OptionType::path) continue;
        for (const std::string& value : bad) {
            const std::string line = std::string(option.name) + " = " + value + "\n";
            std::string text = basis;
            if (const std::size_t at = text.find(std::string(option.name) + " ="); at != std::string::npos) {
                text.erase(at, text.find('\n', at) - at + 1);
            }
            answers.ask([&] { reader(text + line); }, line);
        }
    }
    EXPECT_GE(answers.refused, 300);
    EXPECT_GE(changes(basis + "seed = 3\n[dps]\nzeta = 1\n", reader, 80), 80);
    Answers lines;
    for (const std::string& line : {std::string("["), std::string("[]"), std::string("[box"), std::string("x"),
                                    std::string("= 3"), std::string("a = b = c"), std::string(100000, '['),
                                    std::string(100000, 'a') + " = 1", std::string("se\0ed = 1", 9)}) {
        lines.ask([&] { reader(basis + line + "\n"); }, line.substr(0, 20));
    }
    EXPECT_EQ(lines.read, 0);
}

TEST(Malformed, TheProgramAnswersEachKindInOneLine) {
    const TemporaryFolder folder;
    const std::string program = (test_support::binary_folder() / "diffinv").string();
    const auto refuse = [&](const std::string& command, const std::string& what) {
        const test_support::CommandResult result = test_support::run_command(program + " " + command);
        EXPECT_EQ(result.exit_code, 2) << what << result.errors;
        EXPECT_EQ(result.output, "") << what;
        EXPECT_TRUE(result.errors.starts_with("diffinv: ")) << what << result.errors;
        EXPECT_EQ(std::ranges::count(result.errors, '\n'), 1) << what << result.errors;
    };
    const auto half = [&](const std::string& name, const std::string& whole) {
        test_support::write_text(folder / name, whole.substr(0, whole.size() / 2));
        return (folder / name).string();
    };
    refuse("inspect " + half("a.safetensors", golden("loader/ok.safetensors")), "safetensors");
    refuse("inspect " + half("a.pt", golden("loader/views.pt")), "zip");
    refuse("inspect " + half("b.pt", golden("loader/views_legacy.pt")), "legacy");
    refuse("inspect " + half("r.h5", golden("loader.h5")), "HDF5");
    half("c.json", golden("weights/gd_e.json"));
    test_support::write_text(folder / "c.safetensors", golden("weights/gd_e.safetensors"));
    refuse("inspect " + (folder / "c.safetensors").string(), "JSON");
    refuse("plan " + half("job.ini", "dataset = photos\nmodel = m\nmethod = dps\noperator = box\n"), "job file");
    const fs::path quickstart = test_support::source_folder() / "jobs" / "quickstart";
    fs::create_directories(folder / "photos");
    half("photos/cut.png", test_support::read_text(quickstart / "images" / "coffee.png"));
    test_support::write_text(folder / "ok.ini", "dataset = photos\nmodel = " + (quickstart / "model").string() +
                                                    "\nmethod = dps\noperator = box\n");
    refuse("plan " + (folder / "ok.ini").string(), "image");
}
