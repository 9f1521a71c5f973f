#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "pipeline/data/dataset.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/parameter_file.h"
#include "tests/pipeline/data/expect_error.h"
#include "tests/pipeline/data/make_images.h"
#include "tests/support/paths.h"

// Images as somebody has measured them: their sizes, depths, channels, and the kernels that belong to them.

namespace {

using pipeline::read_parameters;

/// Levels that count up, [H, W, C].
at::Tensor counted(std::int64_t height, std::int64_t width, std::int64_t channels, std::int64_t factor) {
    return at::arange(height * width * channels, at::kInt).mul_(factor).view({height, width, channels});
}

std::string refusal_of_kernels(const std::string& file, std::vector<std::string> names) {
    try {
        read_parameters("kernel", file, {3, 9, 9}, names);
    } catch (const pipeline::FileError& error) {
        return error.what();
    }
    return "nothing thrown";
}

}  // namespace

TEST(Measured, PngOfEveryDepthAndColourComesBackAsItWas) {
    const test_support::TemporaryFolder folder;
    for (const std::int64_t channels : {1, 3}) {
        const at::Tensor shallow = counted(3, 4, channels, 7).to(at::kByte), deep = counted(3, 4, channels, 1800);
        pipeline::write_png(folder / "shallow.png", shallow);
        pipeline::write_png(folder / "deep.png", deep);
        EXPECT_EQ(pipeline::check_image(folder / "shallow.png").bits, 8);
        EXPECT_EQ(pipeline::check_image(folder / "deep.png").bits, 16);
        EXPECT_EQ(pipeline::check_image(folder / "deep.png").channels, channels);
        const at::Tensor read = pipeline::read_image(folder / "deep.png");
        const at::Tensor expected = deep.permute({2, 0, 1}).to(at::kFloat).div(32767.5).sub(1);
        EXPECT_TRUE(read.equal(expected)) << channels;
    }
}

TEST(Measured, ImagesKeepTheirSizesAndFitTheChannelsOfY) {
    const test_support::TemporaryFolder folder;
    pipeline::write_png(folder / "a.png", counted(3, 4, 3, 5).to(at::kByte));
    pipeline::write_png(folder / "b.png", counted(3, 4, 1, 4000));
    pipeline::write_png(folder / "c.png", counted(5, 4, 1, 3).to(at::kByte));
    const auto dataset = pipeline::open_measurements(folder.path().string());
    EXPECT_EQ(dataset->header(2).height, 5);
    const std::vector<std::int64_t> all = {0, 1, 2};
    dataset->check(all);

    const pipeline::MeasuredBatch colour = dataset->measured(all, {3, 3, 4});
    EXPECT_EQ(colour.channels, (std::vector<std::int64_t>{3, 1, 0}));
    EXPECT_EQ(colour.bits, (std::vector<std::int64_t>{8, 16, 0}));
    EXPECT_TRUE(colour.batch.images[1][0].equal(colour.batch.images[1][2]));
    EXPECT_EQ(colour.batch.errors[0], "");
    EXPECT_NE(colour.batch.errors[2].find("has 5x4 pixels (height x width), was planned with 3x4"), std::string::npos);

    // The mean of a colour image's channels for a network of grey ones, as colourisation measures.
    const pipeline::MeasuredBatch grey = dataset->measured(std::vector<std::int64_t>{0}, {1, 3, 4});
    const at::Tensor source = pipeline::read_image(folder / "a.png");
    EXPECT_TRUE(grey.batch.images[0][0].allclose(source.mean(0)));
}

TEST(Measured, AlphaIsRefusedWithAHint) {
    const test_support::TemporaryFolder folder;
    test_images::write_bytes(folder / "a.png", test_images::Png{1, 1, 8, 6, std::string(4, '\x40')}.bytes());
    const auto dataset = pipeline::open_measurements(folder.path().string());
    try {
        dataset->check(std::vector<std::int64_t>{0});
        FAIL() << "nothing thrown";
    } catch (const pipeline::FileError& error) {
        EXPECT_NE(std::string(error.what()).find("alpha channel; flatten it first"), std::string::npos);
    }
}

TEST(Measured, EachImageHasItsOwnKernelFromAFolder) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "a.txt", "0 1 0\n");
    test_support::write_text(folder / "b.txt", "1\n2\n3\n2\n1\n");
    const std::vector<std::string> names = {"b.jpg", "a.png"};
    const at::Tensor kernels = read_parameters("kernel", folder.path().string(), {3, 9, 9}, names).at("kernel");
    // As large as the folder's largest in either direction, the middle in the middle.
    ASSERT_EQ(kernels.sizes(), (at::IntArrayRef{2, 1, 5, 3}));
    EXPECT_EQ(kernels[0][0][2][1].item<float>(), 3);
    EXPECT_EQ(kernels[1][0][2][1].item<float>(), 1);
    EXPECT_EQ(kernels[1].sum().item<float>(), 1);
    // Also where only the smaller one is asked for.
    const std::vector<std::string> one = {"a.png"};
    EXPECT_TRUE(read_parameters("kernel", folder.path().string(), {3, 9, 9}, one).at("kernel")[0].equal(kernels[1]));

    EXPECT_NE(
        refusal_of_kernels(folder.path().string(), {"c.png"}).find("c.txt: no such file; it is the kernel of image"),
        std::string::npos);
    EXPECT_NE(refusal_of_kernels(folder.path().string(), {"../a.png"}).find("names no file in this folder"),
              std::string::npos);
    test_support::write_text(folder / "even.txt", "1 1\n");
    EXPECT_NE(refusal_of_kernels(folder.path().string(), {"even.png"}).find("has 1x2 entries, expected odd sides"),
              std::string::npos);
}
