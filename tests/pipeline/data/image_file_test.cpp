#include "pipeline/data/image_file.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect_error.h"
#include "make_images.h"
#include "pipeline/data/file_error.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

using test_images::JpegColour;
using test_images::make_jpeg;
using test_images::Png;

float level(int value) {
    return static_cast<float>(value) / 127.5F - 1;
}

std::string text_of(const std::vector<unsigned char>& samples) {
    return {samples.begin(), samples.end()};
}

/// Both ways to look at a file: while planning, and when it is read.
void expect_refused(const std::filesystem::path& path, const std::string& reason) {
    expect_line(message_of<FileError>([&] { check_image(path); }), path.filename().string(), reason);
    expect_line(message_of<FileError>([&] { read_image(path); }), path.filename().string(), reason);
}

class ImageFile : public testing::Test {
  protected:
    std::filesystem::path file(const std::string& name, const std::string& bytes) const {
        test_images::write_bytes(folder_ / name, bytes);
        return folder_ / name;
    }
    test_support::TemporaryFolder folder_;
};

}  // namespace

TEST_F(ImageFile, RgbPngKeepsEveryLevel) {
    std::string rows;
    for (int i = 0; i < 256 * 3; ++i) rows += static_cast<char>(i * 7 % 256);
    const auto path = file("rgb.png", Png{16, 16, 8, 2, rows}.bytes());
    const ImageHeader header = check_image(path);
    EXPECT_EQ(header.channels, 3);
    const at::Tensor image = read_image(path);
    ASSERT_EQ(image.sizes(), at::IntArrayRef({3, 16, 16}));
    for (int i = 0; i < 256 * 3; ++i) {
        ASSERT_EQ(image[i % 3][i / 48][i / 3 % 16].item<float>(), level(i * 7 % 256)) << i;
    }
}

TEST_F(ImageFile, GreyPngOfEveryDepth) {
    EXPECT_EQ(read_image(file("8.png", Png{2, 1, 8, 0, "\x10\xff"}.bytes()))[0][0][0].item<float>(), level(16));
    const at::Tensor bits = read_image(file("1.png", Png{8, 1, 1, 0, "\xa5"}.bytes()));
    ASSERT_EQ(bits.sizes(), at::IntArrayRef({1, 1, 8}));
    EXPECT_EQ(bits[0][0][0].item<float>(), 1);
    EXPECT_EQ(bits[0][0][1].item<float>(), -1);
    EXPECT_EQ(read_image(file("4.png", Png{2, 1, 4, 0, "\x3f"}.bytes()))[0][0][0].item<float>(), level(0x33));
    const at::Tensor wide = read_image(file("16.png", Png{2, 1, 16, 0, std::string("\x12\x34\xff\xff", 4)}.bytes()));
    EXPECT_EQ(wide[0][0][0].item<float>(), static_cast<float>(0x1234) / 32767.5F - 1);
    EXPECT_EQ(wide[0][0][1].item<float>(), 1);
}

TEST_F(ImageFile, SixteenBitRgbPng) {
    const at::Tensor image =
        read_image(file("w.png", Png{1, 1, 16, 2, std::string("\x00\x01\x80\x00\xff\xfe", 6)}.bytes()));
    ASSERT_EQ(image.sizes(), at::IntArrayRef({3, 1, 1}));
    EXPECT_NEAR(image[0][0][0].item<double>(), 1 / 32767.5 - 1, 1e-7);
    EXPECT_NEAR(image[1][0][0].item<double>(), 0x8000 / 32767.5 - 1, 1e-7);
    EXPECT_NEAR(image[2][0][0].item<double>(), 0xfffe / 32767.5 - 1, 1e-7);
}

TEST_F(ImageFile, PaletteBecomesRgb) {
    const auto path = file("p.png", Png{2, 1, 8, 3, std::string("\x01\x00", 2), "\x01\x02\x03\xf1\xf2\xf3"}.bytes());
    EXPECT_EQ(check_image(path).channels, 3);
    const at::Tensor image = read_image(path);
    ASSERT_EQ(image.sizes(), at::IntArrayRef({3, 1, 2}));
    EXPECT_EQ(image[2][0][0].item<float>(), level(0xf3));
    EXPECT_EQ(image[0][0][1].item<float>(), level(1));
}

TEST_F(ImageFile, AlphaIsRefusedWithAHint) {
    expect_refused(file("rgba.png", Png{1, 1, 8, 6, "abcd"}.bytes()), "alpha channel; flatten it first");
    expect_refused(file("ga.png", Png{1, 1, 8, 4, "ab"}.bytes()), "alpha");
    expect_refused(file("pa.png", Png{1, 1, 8, 3, std::string(1, '\0'), "abc", "a"}.bytes()), "alpha");
    expect_refused(file("key.png", Png{1, 1, 8, 2, "abc", "", std::string(6, '\0')}.bytes()), "alpha");
}

TEST_F(ImageFile, HeadersThatClaimTooMuchAreRefusedBeforeMemoryIsTaken) {
    expect_refused(file("huge.png", Png{100000, 100000, 8, 2, "abc"}.bytes()), "100000x100000 pixels, allowed are");
    expect_refused(file("wide.png", Png{16385, 1, 8, 0, "abc"}.bytes()), "16385x1");
    expect_refused(file("max.png", Png{0x7fffffff, 0x7fffffff, 16, 6, "abc"}.bytes()), "2147483647x2147483647");
    expect_refused(file("zero.png", Png{0, 5, 8, 2, "abc"}.bytes()), "damaged PNG");
    // The size fields of a JPEG lie behind the SOF marker FF C0: length, precision, height, width.
    std::string jpeg = make_jpeg(16, 16, JpegColour::grey, test_images::smooth_samples(16, 16, 1));
    const std::size_t frame = jpeg.find("\xff\xc0");
    expect_refused(
        file("huge.jpg", jpeg.substr(0, frame + 5) + std::string("\xff\x00\xff\x00", 4) + jpeg.substr(frame + 9)),
        "65280x65280 pixels, allowed are");
}

TEST_F(ImageFile, JpegsDecodeCloseToWhatTheyWere) {
    for (const bool is_progressive : {false, true}) {
        const auto samples = test_images::smooth_samples(40, 24, 3);
        const auto path = file("a.jpg", make_jpeg(40, 24, JpegColour::ycbcr, samples, is_progressive));
        EXPECT_EQ(check_image(path).width, 40);
        const at::Tensor image = read_image(path);
        ASSERT_EQ(image.sizes(), at::IntArrayRef({3, 24, 40}));
        double worst = 0;
        for (int i = 0; i < 40 * 24 * 3; ++i) {
            worst = std::max(worst, std::abs(image[i % 3][i / 120][i / 3 % 40].item<double>() - level(samples[i])));
        }
        EXPECT_LT(worst, 12 / 127.5);
    }
    const auto grey = file("g.jpeg", make_jpeg(8, 8, JpegColour::grey, test_images::smooth_samples(8, 8, 1)));
    EXPECT_EQ(read_image(grey).sizes(), at::IntArrayRef({1, 8, 8}));
}

TEST_F(ImageFile, CmykIsRefused) {
    expect_refused(file("c.jpg", make_jpeg(8, 8, JpegColour::cmyk, test_images::smooth_samples(8, 8, 4))), "CMYK");
}

TEST_F(ImageFile, ContentDecidesNotTheName) {
    EXPECT_EQ(read_image(file("really.jpg", Png{1, 1, 8, 0, "a"}.bytes())).numel(), 1);
    expect_refused(file("text.png", "hello"), "neither PNG nor JPEG");
    expect_refused(file("empty.png", ""), "is empty");
    expect_refused(folder_ / "missing.png", "No such file");
    std::filesystem::create_directory(folder_ / "folder.png");
    expect_refused(folder_ / "folder.png", "not a file");
}

TEST_F(ImageFile, EveryTruncationIsFoundWhenPlanningAndWhenReading) {
    const std::string png = Png{64, 48, 8, 2, text_of(test_images::smooth_samples(64, 48, 3))}.bytes();
    const std::string baseline = make_jpeg(64, 48, JpegColour::ycbcr, test_images::smooth_samples(64, 48, 3));
    const std::string progressive = make_jpeg(64, 48, JpegColour::ycbcr, test_images::smooth_samples(64, 48, 3), true);
    for (const std::string& whole : {png, baseline, progressive}) {
        ASSERT_NO_THROW(read_image(file("cut", whole)));
        int cuts = 0;
        for (std::size_t length = 1; length < whole.size(); length += 97, ++cuts) {
            const auto path = file("cut", whole.substr(0, length));
            EXPECT_THROW(check_image(path), FileError) << length << " of " << whole.size();
            EXPECT_THROW(read_image(path), FileError) << length << " of " << whole.size();
        }
        for (const std::size_t missing : {1, 2, 3, 12}) {
            const auto path = file("cut", whole.substr(0, whole.size() - missing));
            EXPECT_THROW(check_image(path), FileError) << "without the last " << missing;
            EXPECT_THROW(read_image(path), FileError) << "without the last " << missing;
        }
        EXPECT_GT(cuts, 10);
    }
}

TEST_F(ImageFile, BytesBehindTheEndAreAllowed) {
    const std::string png = Png{4, 4, 8, 0, "0123456789abcdef"}.bytes();
    const std::string jpeg = make_jpeg(16, 16, JpegColour::grey, test_images::smooth_samples(16, 16, 1));
    for (const std::string& whole : {png, jpeg}) {
        const auto path = file("tail", whole + std::string(100, 'x'));
        EXPECT_NO_THROW(check_image(path));
        EXPECT_NO_THROW(read_image(path));
    }
}

TEST_F(ImageFile, FlippedBytesAreErrorsOrImagesButNeverWorse) {
    const std::string png = Png{16, 16, 8, 2, text_of(test_images::smooth_samples(16, 16, 3))}.bytes();
    const std::string jpeg = make_jpeg(16, 16, JpegColour::ycbcr, test_images::smooth_samples(16, 16, 3), true);
    for (const std::string& whole : {png, jpeg}) {
        for (std::size_t at = 0; at < whole.size(); ++at) {
            for (const int flip : {0x01, 0x80, 0xff}) {
                std::string damaged = whole;
                damaged[at] = static_cast<char>(damaged[at] ^ flip);
                try {
                    const at::Tensor image = decode_image(damaged, "damaged");
                    ASSERT_LE(image.abs().max().item<float>(), 1.0F);
                } catch (const FileError&) {
                }
            }
        }
    }
}

TEST_F(ImageFile, WrittenPngReadsBackAndIsTheSameEveryTime) {
    const at::Tensor pixels = at::arange(5 * 7 * 3).to(at::kByte).reshape({5, 7, 3});
    write_png(folder_ / "out/a.png", pixels);
    write_png(folder_ / "out/b.png", pixels);
    EXPECT_EQ(test_support::read_text(folder_ / "out/a.png"), test_support::read_text(folder_ / "out/b.png"));
    EXPECT_TRUE(read_image(folder_ / "out/a.png").equal(pixels.permute({2, 0, 1}).to(at::kFloat).div(127.5).sub(1)));
    EXPECT_THROW(write_png(folder_ / "c.png", pixels.to(at::kFloat)), std::invalid_argument);
    EXPECT_THROW(write_png(folder_ / "c.png", pixels.slice(2, 0, 2)), std::invalid_argument);
}

TEST_F(ImageFile, QuickstartPhotosAreUsable) {
    int photos = 0;
    for (const auto& entry :
         std::filesystem::directory_iterator(test_support::source_folder() / "jobs/quickstart/images")) {
        if (entry.path().extension() != ".png") continue;
        EXPECT_NO_THROW(check_image(entry.path()));
        EXPECT_EQ(read_image(entry.path()).size(0), 3);
        ++photos;
    }
    EXPECT_EQ(photos, 8);
}

}  // namespace pipeline
