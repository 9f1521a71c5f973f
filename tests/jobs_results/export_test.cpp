#include "jobs/report/export_images.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include <ATen/TensorOperators.h>

#include "jobs/merge.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/image_file.h"
#include "tests/jobs_results/made_campaign.h"
#include "tests/support/paths.h"

namespace fs = std::filesystem;

TEST(Export, WritesATreeOfPngThatTheFieldsToolsRead) {
    MadeCampaign made;
    made.journal(4.0);
    jobs::merge(made.campaign());
    const test_support::TemporaryFolder folder;
    const jobs::ExportResult result = jobs::export_images(made.campaign(), folder / "images");

    std::set<std::string> files, top;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
        if (entry.is_regular_file()) files.insert(fs::relative(entry.path(), folder / "images").string());
    }
    for (const std::string& file : files) top.insert(file.substr(0, file.find('/')));
    EXPECT_EQ(static_cast<std::int64_t>(files.size()), result.images);
    EXPECT_GT(result.left_out, 0) << "rows that diverged";
    EXPECT_TRUE(files.contains("truth/coffee.png"));
    EXPECT_TRUE(files.contains("dps/box-size=24-0.1/coffee.png"));
    EXPECT_TRUE(files.contains("sdedit-t-start=200/box-size=24-0.1/coffee.sample-1.png"));
    EXPECT_TRUE(files.contains("ddpm/sample-0.png"));
    EXPECT_EQ(top, (std::set<std::string>{"ddpm", "dps", "forward_reverse", "sdedit-t-start=200", "sdedit-t-start=500",
                                          "truth"}));
    for (const std::string& file : files) EXPECT_EQ(file.find('\n'), std::string::npos) << "a hostile name";

    // The truth is the photo as the run saw it
    const at::Tensor pixels = pipeline::read_image(folder / "images/truth/coffee.png");
    EXPECT_EQ(pixels.size(-1) * pixels.size(-2) * pixels.size(-3), 64 * 64 * 3);
    EXPECT_THROW(jobs::export_images(made.campaign(), folder / "images"), pipeline::FileError) << "nothing overwritten";
}

TEST(Export, TwoImagesOfOnePlaceAreRefusedBeforeTheFirstFile) {
    const MadeCampaign made("dataset = photos\nmethod = dps\noperator = box\n[dps]\nsamples = 2\n");
    jobs::merge(made.campaign());
    const test_support::TemporaryFolder folder;
    // Its first sample would stand where the second sample of coffee.png does.
    const auto python = test_support::run_command(
        "/usr/bin/python3 -c \"import h5py, sys; d = h5py.File(sys.argv[1], 'r+')['image_name']; "
        "n = d[:]; n[n == b'kodim07.png'] = b'coffee.sample-1.png'; d[:] = n\" " +
        made.results().string());
    ASSERT_EQ(python.exit_code, 0) << python.errors;
    try {
        jobs::export_images(made.campaign(), folder / "images");
        FAIL() << "two images in one place";
    } catch (const pipeline::FileError& error) {
        EXPECT_NE(std::string(error.what()).find("coffee.sample-1.png: would be written of two images"),
                  std::string::npos)
            << error.what();
    }
    EXPECT_FALSE(fs::exists(folder / "images")) << "nothing is written before all is known";
}
