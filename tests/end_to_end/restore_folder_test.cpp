#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "operators/noise_stream.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/resize.h"
#include "pipeline/data/sha256.h"
#include "tests/pipeline/data/make_images.h"
#include "tests/support/paths.h"

// A person's folder: twenty damaged photos of many sizes, depths and kinds, a mask or a kernel for each, no truth; one
// command, and what is exported is the folder again, restored.

namespace {

namespace fs = std::filesystem;
using namespace test_support;

const fs::path photos_of_quickstart = source_folder() / "jobs" / "quickstart" / "images";

std::string restoring_program() {
    return (binary_folder() / "diffinv").string();
}

/// A photo of the quick start's, resized: [C, h, w] on [−1, 1].
at::Tensor resized_photo(std::size_t which, std::int64_t height, std::int64_t width, std::int64_t channels) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(photos_of_quickstart)) {
        if (entry.path().extension() == ".png") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    const at::Tensor photo =
        pipeline::resize_to_cover(pipeline::read_image(files[which % files.size()]), height, width);
    return channels == 1 ? photo.mean(0, true) : photo;
}

struct DamagedPhoto {
    std::string name;
    std::int64_t height, width, channels, bits;
};

/// Twenty photos: PNG of 8 and 16 bits, grey and colour, JPEG, in sub-folders, of twelve sizes.
const std::vector<DamagedPhoto> damaged_photos = {{"a.png", 40, 56, 3, 8},
                                                  {"b.png", 40, 56, 3, 8},
                                                  {"c.png", 33, 41, 3, 16},
                                                  {"d.jpg", 48, 40, 3, 8},
                                                  {"e.jpeg", 37, 50, 1, 8},
                                                  {"album/f.png", 40, 56, 1, 16},
                                                  {"album/g.png", 64, 32, 3, 8},
                                                  {"album/h.jpg", 40, 40, 3, 8},
                                                  {"album/2024/i.png", 35, 35, 1, 8},
                                                  {"album/2024/j.png", 35, 35, 3, 16},
                                                  {"k.png", 40, 40, 3, 8},
                                                  {"l.png", 40, 40, 1, 8},
                                                  {"m.jpg", 52, 36, 3, 8},
                                                  {"n.png", 33, 33, 3, 8},
                                                  {"o.png", 64, 32, 3, 16},
                                                  {"p.png", 44, 44, 3, 8},
                                                  {"q.png", 44, 44, 3, 8},
                                                  {"r.jpg", 44, 44, 1, 8},
                                                  {"s p a c e.png", 40, 56, 3, 8},
                                                  {"t.png", 36, 60, 3, 8}};

at::Tensor levels_of(const at::Tensor& image, std::int64_t bits) {
    const at::Tensor last = image.permute({1, 2, 0}).add(1);
    if (bits == 16) return last.mul(32767.5).clamp(0, 65535).round().to(at::kInt).contiguous();
    return last.mul(127.5).clamp(0, 255).round().to(at::kByte).contiguous();
}

void write_photo(const fs::path& path, const at::Tensor& levels) {
    if (path.extension() == ".png") return pipeline::write_png(path, levels);
    const auto* first = levels.const_data_ptr<unsigned char>();
    test_images::write_bytes(
        path,
        test_images::make_jpeg(static_cast<int>(levels.size(1)), static_cast<int>(levels.size(0)),
                               levels.size(2) == 1 ? test_images::JpegColour::grey : test_images::JpegColour::ycbcr,
                               {first, first + levels.numel()}));
}

/// The photos with noise of 0.1, a mask with a hole and a kernel for each.
void write_damaged_folder(const fs::path& folder) {
    for (std::size_t i = 0; i < damaged_photos.size(); ++i) {
        const DamagedPhoto& photo = damaged_photos[i];
        const fs::path path = folder / "photos" / photo.name;
        for (const char* kind : {"photos", "masks", "kernels"}) {
            fs::create_directories((folder / kind / photo.name).parent_path());
        }
        const std::uint64_t image[] = {i};
        const at::Tensor noise = operators::NoiseStream(1).normal(
            {.purpose = operators::Purpose::start}, image, {photo.channels, photo.height, photo.width}, at::kCPU)[0];
        write_photo(path,
                    levels_of(resized_photo(i, photo.height, photo.width, photo.channels) + noise * 0.1, photo.bits));
        at::Tensor mask = at::ones({photo.height, photo.width, 1}).mul(255).to(at::kByte);
        mask.narrow(0, 5 + static_cast<std::int64_t>(i % 7), 12).narrow(1, 6, 10).zero_();
        pipeline::write_png((folder / "masks" / photo.name).replace_extension(".png"), mask);
        write_text((folder / "kernels" / photo.name).replace_extension(".txt"),
                   i % 2 == 0 ? "1 2 1\n2 4 2\n1 2 1\n" : "0.2 0.2 0.2 0.2 0.2\n");
    }
}

std::string write_restoring_job(const fs::path& folder, const std::string& name, const std::string& rest) {
    const fs::path job = folder / (name + ".ini");
    write_text(job, "measurements = photos\nmodel = " + (source_folder() / "jobs" / "quickstart" / "model").string() +
                        "\nseed = 3\nsteps = 3\nbatch = 4\n" + rest);
    return job.string();
}

std::map<std::string, std::string> bytes_of(const fs::path& run) {
    std::map<std::string, std::string> found;
    for (const char* part : {"units", "measurements"}) {
        for (const auto& entry : fs::recursive_directory_iterator(run / part)) {
            if (entry.is_regular_file())
                found[fs::relative(entry.path(), run).string()] = pipeline::sha256_of_file(entry.path());
        }
    }
    return found;
}

/// Every damaged photo has its restored one, and there is nothing else.
void expect_mirror(const fs::path& exported) {
    std::set<std::string> expected;
    for (const DamagedPhoto& photo : damaged_photos) {
        const fs::path name = fs::path(photo.name).replace_extension(".png");
        expected.insert(name.string());
        ASSERT_TRUE(fs::exists(exported / name)) << name;
        const pipeline::ImageHeader header = pipeline::check_image(exported / name);
        EXPECT_EQ(header.height, photo.height) << name;
        EXPECT_EQ(header.width, photo.width) << name;
        EXPECT_EQ(header.channels, photo.channels) << name;
        EXPECT_EQ(header.bits, photo.bits) << name;
    }
    for (const auto& entry : fs::recursive_directory_iterator(exported)) {
        if (entry.is_regular_file())
            EXPECT_TRUE(expected.contains(fs::relative(entry.path(), exported).string())) << entry;
    }
}

}  // namespace

TEST(RestoreFolder, TwentyPhotosWithAMaskForEach) {
    const TemporaryFolder folder;
    write_damaged_folder(folder.path());
    const std::string job = write_restoring_job(folder.path(), "holes",
                                                "method = dps\noperator = mask\nsigma-y = 0.1\n[mask]\nfile = masks\n");
    std::map<std::string, std::string> first;
    for (const int workers : {1, 3}) {
        const fs::path run = folder / ("on" + std::to_string(workers));
        const CommandResult result = run_command(restoring_program() + " run " + job + " --output " + run.string() +
                                                 " --workers " + std::to_string(workers));
        ASSERT_EQ(result.exit_code, 0) << result.errors << read_text(run / "logs" / "mpirun.log");
        if (workers == 1) first = bytes_of(run);
        EXPECT_EQ(bytes_of(run), first);
    }
    const fs::path run = folder / "on3";
    const CommandResult exported =
        run_command(restoring_program() + " export " + run.string() + " --to " + (folder / "restored").string());
    ASSERT_EQ(exported.exit_code, 0) << exported.errors;
    EXPECT_NE(exported.output.find("20 images"), std::string::npos) << exported.output;
    expect_mirror(folder / "restored");

    for (const std::string command : {"verify ", "report ", "status ", "merge "}) {
        const CommandResult result = run_command(restoring_program() + " " + command + run.string());
        EXPECT_EQ(result.exit_code, 0) << command << result.output << result.errors;
    }
    const CommandResult check =
        run_command("/usr/bin/python3 " + (source_folder() / "tests/end_to_end/read_restored.py").string() + " " +
                    (run / "results.h5").string() + " " + (folder / "photos").string());
    EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
}

TEST(RestoreFolder, TwentyPhotosWithAKernelForEachAndNoiseThatNobodyHasTold) {
    const TemporaryFolder folder;
    write_damaged_folder(folder.path());
    const std::string job = write_restoring_job(folder.path(), "blur",
                                                "method = score_ald, sdedit\noperator = kernel\nsigma-y = "
                                                "estimate\n[kernel]\nfile = kernels\n[sdedit]\nt-start = 700\n");
    const fs::path run = folder / "run";
    // In two shards and by the usual way: the same bytes.
    for (const std::string shard : {"1/2", "2/2"}) {
        const CommandResult result =
            run_command(restoring_program() + " run " + job + " --output " + run.string() + " --shard " + shard);
        ASSERT_EQ(result.exit_code, 0) << result.errors;
    }
    const CommandResult whole =
        run_command(restoring_program() + " run " + job + " --output " + (folder / "whole").string() + " --workers 2");
    ASSERT_EQ(whole.exit_code, 0) << whole.errors;
    EXPECT_EQ(bytes_of(run), bytes_of(folder / "whole"));
    EXPECT_NE(whole.output.find("estimate"), std::string::npos) << whole.output;
    // Nothing is known of the truth: how well y is explained is what there is to show.
    EXPECT_NE(whole.output.find("residual"), std::string::npos) << whole.output;
    EXPECT_EQ(whole.output.find("PSNR"), std::string::npos) << whole.output;
    const CommandResult exported =
        run_command(restoring_program() + " export " + run.string() + " --to " + (folder / "restored").string());
    ASSERT_EQ(exported.exit_code, 0) << exported.errors;
    expect_mirror(folder / "restored" / "score_ald" / "kernel-estimate");
    expect_mirror(folder / "restored" / "sdedit" / "kernel-estimate");
    const CommandResult verified = run_command(restoring_program() + " verify " + run.string());
    EXPECT_EQ(verified.exit_code, 0) << verified.output << verified.errors;
}

TEST(RestoreFolder, SmallerImagesBecomeLargerGreyOnesColouredAndHdf5IsAFolderToo) {
    const TemporaryFolder folder;
    fs::create_directories(folder / "photos");
    pipeline::write_png(folder / "photos" / "grey.png", levels_of(resized_photo(0, 20, 28, 1), 16));
    pipeline::write_png(folder / "photos" / "colour.png", levels_of(resized_photo(1, 24, 24, 3), 8));
    const std::string job =
        write_restoring_job(folder.path(), "both",
                            "method = sdedit\noperator = super_resolution, colourisation\nsigma-y = 0.02\n"
                            "[super_resolution]\nfactor = 2\n[sdedit]\nt-start = 400\n");
    const fs::path run = folder / "run";
    const CommandResult result =
        run_command(restoring_program() + " run " + job + " --output " + run.string() + " --workers 2");
    ASSERT_EQ(result.exit_code, 0) << result.errors << read_text(run / "logs" / "mpirun.log");
    const CommandResult exported =
        run_command(restoring_program() + " export " + run.string() + " --to " + (folder / "out").string());
    ASSERT_EQ(exported.exit_code, 0) << exported.errors;
    const auto header = [&](const std::string& name) {
        return pipeline::check_image(folder / "out" / "sdedit" / name);
    };
    const pipeline::ImageHeader larger = header("super_resolution-factor=2-0.02/grey.png");
    EXPECT_EQ(larger.height, 40);
    EXPECT_EQ(larger.width, 56);
    EXPECT_EQ(larger.channels, 1);
    EXPECT_EQ(larger.bits, 16);
    const pipeline::ImageHeader coloured = header("colourisation-0.02/grey.png");
    EXPECT_EQ(coloured.height, 20);
    EXPECT_EQ(coloured.channels, 3);
    EXPECT_EQ(header("super_resolution-factor=2-0.02/colour.png").height, 48);

    // The same from HDF5: images of one size, named by number.
    const CommandResult made =
        run_command("/usr/bin/python3 -c 'import h5py, numpy; h5py.File(\"" + (folder / "y.h5").string() +
                    "\", \"w\").create_dataset(\"y\", data=numpy.random.default_rng(1).integers(0, 256, (3, 30, 33, "
                    "3), dtype=numpy.uint8))'");
    ASSERT_EQ(made.exit_code, 0) << made.errors;
    write_text(folder / "h5.ini",
               "measurements = y.h5:y\nmodel = " + (source_folder() / "jobs" / "quickstart" / "model").string() +
                   "\nsteps = 3\nimages = 1-2\nmethod = sdedit\noperator = identity\nsigma-y = estimate\n");
    const CommandResult stored = run_command(restoring_program() + " run " + (folder / "h5.ini").string() +
                                             " --output " + (folder / "h5").string());
    ASSERT_EQ(stored.exit_code, 0) << stored.errors;
    ASSERT_EQ(run_command(restoring_program() + " export " + (folder / "h5").string() + " --to " +
                          (folder / "h5out").string())
                  .exit_code,
              0);
    EXPECT_FALSE(fs::exists(folder / "h5out" / "0.png"));
    EXPECT_EQ(pipeline::check_image(folder / "h5out" / "1.png").width, 33);
    EXPECT_EQ(pipeline::check_image(folder / "h5out" / "2.png").bits, 8);
}

TEST(RestoreFolder, WhatCannotBeIsRefusedInOneLine) {
    const TemporaryFolder folder;
    write_damaged_folder(folder.path());
    const auto refusal = [&](const std::string& rest) {
        const std::string job = write_restoring_job(folder.path(), "refused", rest);
        const CommandResult result = run_command(restoring_program() + " plan " + job);
        EXPECT_EQ(result.exit_code, 2) << rest << result.output;
        EXPECT_EQ(std::ranges::count(result.errors, '\n'), 1) << result.errors;
        return result.errors;
    };
    const auto expect = [](const std::string& text, const std::string& part) {
        EXPECT_NE(text.find(part), std::string::npos) << text;
    };
    expect(refusal("method = dps\noperator = box\n"),
           "box is drawn from the seed; allowed with measurements: identity, mask");
    expect(refusal("method = forward_reverse\n"), "forward_reverse starts from the truth");
    expect(refusal("method = ddpm\n"), "ddpm takes no measurement");
    expect(refusal("dataset = photos\nmethod = dps\noperator = identity\n"), "allowed: one of the two");
    expect(refusal("image-size = 64\nmethod = dps\noperator = identity\n"), "measured images keep their sizes");
    expect(refusal("noise-on-unobserved = no\nmethod = dps\noperator = identity\n"), "not measured");
    expect(refusal("sigma-y = 0.1, estimate\nmethod = sdedit\noperator = identity\n"), "estimate alone");
    expect(refusal("method = dps\noperator = mask\n[mask]\nfile = kernels\n"), "it is the mask of image");
    fs::remove(folder / "masks" / "k.png");
    expect(refusal("method = dps\noperator = mask\n[mask]\nfile = masks\n"), "it is the mask of image 'k.png'");
    pipeline::write_png(folder / "masks" / "k.png", at::ones({40, 41, 1}).mul(255).to(at::kByte));
    expect(refusal("method = dps\noperator = mask\n[mask]\nfile = masks\n"), "the mask has 40x41 pixels");
    fs::resize_file(folder / "photos" / "m.jpg", 200);
    expect(refusal("method = sdedit\noperator = identity\n"), "m.jpg");
    // Of images that are known, the noise is known.
    write_text(folder / "known.ini",
               "dataset = photos\nmodel = " + (source_folder() / "jobs" / "quickstart" / "model").string() +
                   "\nmethod = sdedit\noperator = identity\nsigma-y = estimate\n");
    const CommandResult known = run_command(restoring_program() + " plan " + (folder / "known.ini").string());
    EXPECT_EQ(known.exit_code, 2);
    expect(known.errors, "the noise of simulated measurements is known");
}
