#include "pipeline/data/dataset.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect_error.h"
#include "make_images.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

using test_images::Png;

const operators::Shape rgb_4x4{3, 4, 4};
const operators::Shape grey_4x4{1, 4, 4};

std::string grey_png() {
    return Png{4, 4, 8, 0, "0123456789abcdef"}.bytes();
}
std::string rgb_png(unsigned char level = 0) {
    return Png{4, 4, 8, 2, std::string(48, static_cast<char>(level))}.bytes();
}

std::vector<std::int64_t> all_of(const Dataset& dataset) {
    std::vector<std::int64_t> indices(static_cast<std::size_t>(dataset.size()));
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
}

std::vector<std::string> names_of(const Dataset& dataset) {
    std::vector<std::string> names;
    for (const std::int64_t index : all_of(dataset)) names.push_back(dataset.name(index));
    return names;
}

class Images : public testing::Test {
  protected:
    void add(const std::string& name, const std::string& bytes) const {
        test_images::write_bytes(folder_ / name, bytes);
    }
    std::unique_ptr<Dataset> open(const operators::Shape& shape = rgb_4x4) const {
        return open_dataset(folder_.path().string(), shape);
    }
    void expect_refused(const std::string& location, const std::string& reason) const {
        expect_line(message_of<FileError>([&] { open_dataset(location, rgb_4x4); }), reason);
    }
    /// An HDF5 file with one dataset.
    std::string stored(const at::Tensor& values, const std::vector<double>& range = {}) const {
        std::filesystem::remove(folder_ / "set.h5");
        Hdf5File file = Hdf5File::create(folder_ / "set.h5");
        file.write("group/images", values);
        if (!range.empty()) file.set_attribute("group/images", "valid_range", range);
        file.close();
        return (folder_ / "set.h5").string() + ":group/images";
    }
    test_support::TemporaryFolder folder_;
};

}  // namespace

TEST_F(Images, FolderIsListedRecursivelyAndSortedByBytes) {
    for (const char* name :
         {"b.png", "B.JPG", "a/x.jpeg", "a.png", "é.PNG", "a/b/c.Png", "note.txt", ".hidden.png", ".cache/x.png"}) {
        add(name, rgb_png());
    }
    EXPECT_EQ(names_of(*open()),
              (std::vector<std::string>{"B.JPG", "a.png", "a/b/c.Png", "a/x.jpeg", "b.png", "é.PNG"}));
}

TEST_F(Images, LinksAreFollowedOnceAndCirclesEnd) {
    add("real/x.png", rgb_png());
    std::filesystem::create_directory_symlink(folder_.path(), folder_ / "real/up");
    std::filesystem::create_directory_symlink(folder_ / "real", folder_ / "another");
    std::filesystem::create_symlink(folder_ / "real/x.png", folder_ / "y.png");
    std::filesystem::create_symlink(folder_ / "nothing", folder_ / "broken.png");
    EXPECT_EQ(names_of(*open()), (std::vector<std::string>{"broken.png", "real/x.png", "y.png"}));
    expect_line(message_of<FileError>([&] { open()->check(all_of(*open())); }), "broken.png", "No such file");
}

TEST_F(Images, NamesAreKeptAsTheyAreAndPrintedSafely) {
    add("a\x1b[31m\n.png", "no image");
    const auto dataset = open();
    EXPECT_EQ(dataset->name(0), "a\x1b[31m\n.png");
    expect_line(message_of<FileError>([&] { dataset->check(all_of(*dataset)); }), "a\\x1b[31m\\x0a.png",
                "neither PNG nor JPEG");
}

TEST_F(Images, BadImagesAreRowsWithAReason) {
    add("a.png", rgb_png(255));
    add("b.png", rgb_png().substr(0, 60));
    add("c.png", grey_png());
    const auto dataset = open();
    const ImageBatch batch = dataset->images(all_of(*dataset));
    EXPECT_EQ(batch.images.sizes(), at::IntArrayRef({3, 3, 4, 4}));
    EXPECT_EQ(batch.names, (std::vector<std::string>{"a.png", "b.png", "c.png"}));
    EXPECT_EQ(batch.images[0].min().item<float>(), 1);
    EXPECT_EQ(batch.images[1].abs().max().item<float>(), 0);
    EXPECT_EQ(batch.errors[0], "");
    expect_line(batch.errors[1], "b.png", "damaged PNG");
    EXPECT_EQ(batch.errors[2], "");
    EXPECT_EQ(batch.content_hashes[2], sha256(grey_png()));
    EXPECT_TRUE(batch.images[2][0].equal(batch.images[2][2]));  // grey in every channel
    EXPECT_EQ(batch.images[2][0][0][1].item<float>(), static_cast<float>('1') / 127.5F - 1);

    // Any order, any selection
    const std::vector<std::int64_t> chosen = {2, 0};
    const ImageBatch part = dataset->images(chosen);
    EXPECT_TRUE(part.images[0].equal(batch.images[2]));
    EXPECT_EQ(part.names[1], "a.png");
    const std::vector<std::int64_t> outside = {3};
    EXPECT_THROW(dataset->images(outside), std::invalid_argument);
}

TEST_F(Images, ColourOnAGreyNetworkIsRefused) {
    add("a.png", grey_png());
    add("b.png", rgb_png());
    const auto dataset = open(grey_4x4);
    expect_line(message_of<FileError>([&] { dataset->check(all_of(*dataset)); }), "b.png",
                "has 3 channels, the network takes 1");
    const ImageBatch batch = dataset->images(all_of(*dataset));
    EXPECT_EQ(batch.errors[0], "");
    expect_line(batch.errors[1], "grey");
}

TEST_F(Images, LocationsThatHoldNothingAreRefused) {
    expect_refused(folder_.path().string(), "holds no image");
    expect_refused((folder_ / "nowhere").string(), "no such folder");
    add("a.png", rgb_png());
    expect_refused((folder_ / "a.png").string(), "is one file; wanted is a folder");
    const std::string location = stored(at::arange(48).to(at::kByte).reshape({1, 4, 4, 3}));
    expect_refused((folder_ / "set.h5").string(), "Write FILE.h5:NAME; it holds 'group/images'");
    expect_refused((folder_ / "set.h5").string() + ":nothing", "'nothing': no such object");
    expect_refused((folder_ / "a.png").string() + ":images", "not an HDF5 file");
}

TEST_F(Images, DigestIsOverNamesAndSizes) {
    add("a.png", rgb_png(1));
    const std::string first = open()->digest();
    EXPECT_EQ(first.size(), 64U);
    EXPECT_EQ(open()->digest(), first);
    std::filesystem::rename(folder_ / "a.png", folder_ / "b.png");
    EXPECT_NE(open()->digest(), first);
    std::filesystem::rename(folder_ / "b.png", folder_ / "a.png");
    EXPECT_EQ(open()->digest(), first);
    add("a.png", rgb_png(1) + "x");
    EXPECT_NE(open()->digest(), first);
}

TEST_F(Images, ThousandsAreCheckedBySample) {
    for (int i = 0; i < 1200; ++i) add(std::to_string(10000 + i) + ".png", grey_png());
    const auto dataset = open();
    EXPECT_NO_THROW(dataset->check(all_of(*dataset)));
    add("11199.png", "broken");  // the last is always looked at
    expect_line(message_of<FileError>([&] { open()->check(all_of(*dataset)); }), "11199.png");
}

TEST_F(Images, Hdf5InEveryLayout) {
    const at::Tensor levels = at::arange(2 * 4 * 4 * 3).to(at::kByte).reshape({2, 4, 4, 3});
    const at::Tensor expected = levels.permute({0, 3, 1, 2}).to(at::kFloat).div(127.5).sub(1);
    const auto read = [&](const at::Tensor& values, const std::vector<double>& range, const operators::Shape& shape) {
        const auto dataset = open_dataset(stored(values, range), shape);
        dataset->check(all_of(*dataset));
        const ImageBatch batch = dataset->images(all_of(*dataset));
        EXPECT_EQ(batch.names, (std::vector<std::string>{"0", "1"}));
        EXPECT_EQ(batch.errors, (std::vector<std::string>{"", ""}));
        EXPECT_NE(batch.content_hashes[0], batch.content_hashes[1]);
        return batch.images;
    };
    EXPECT_TRUE(read(levels, {}, rgb_4x4).equal(expected));
    EXPECT_TRUE(read(levels.permute({0, 3, 1, 2}), {0, 255}, rgb_4x4).equal(expected));
    EXPECT_TRUE(read(expected, {}, rgb_4x4).equal(expected));
    EXPECT_TRUE(read(expected, {-1, 1}, rgb_4x4).equal(expected));
    EXPECT_LT((read((expected.to(at::kDouble) + 1) / 2, {0, 1}, rgb_4x4) - expected).abs().max().item<float>(), 1e-6F);
    EXPECT_TRUE(read(levels.select(3, 0), {}, grey_4x4).equal(expected.slice(1, 0, 1)));
    EXPECT_TRUE(read(levels.select(3, 0), {}, rgb_4x4).select(1, 2).equal(expected.select(1, 0)));
}

TEST_F(Images, Hdf5ThatIsNotImagesIsRefused) {
    const auto levels = [](at::IntArrayRef shape) {
        return at::arange(c10::multiply_integers(shape)).to(at::kByte).reshape(shape);
    };
    expect_refused(stored(levels({4, 4})), "images are [N, H, W]");
    expect_refused(stored(levels({2, 5, 5, 5})), "neither end has 1 or 3 channels");
    expect_refused(stored(levels({2, 3, 4, 3})), "both ends could be the channels");
    expect_refused(stored(levels({0, 4, 4, 3})), "holds no image");
    expect_refused(stored(at::arange(48).reshape({1, 4, 4, 3})), "images are uint8, float32 or float64");
    expect_refused(stored(levels({1, 4, 4, 3}), {0, 1}), "not 0, 255");
    expect_refused(stored(levels({1, 4, 4, 3}).to(at::kFloat), {1, 1}), "two ascending numbers");
}

TEST_F(Images, Hdf5FloatsMustBeOnTheirRange) {
    const at::Tensor unit = at::arange(96).to(at::kFloat).reshape({2, 4, 4, 3}) / 96;
    auto dataset = open_dataset(stored(unit), rgb_4x4);
    expect_line(message_of<FileError>([&] { dataset->check(all_of(*dataset)); }), "none is negative", "valid_range");
    dataset = open_dataset(stored(unit * 255), rgb_4x4);
    expect_line(message_of<FileError>([&] { dataset->check(all_of(*dataset)); }), "values outside [-1.0");
    const ImageBatch batch = dataset->images(all_of(*dataset));
    expect_line(batch.errors[1], "image 1", "outside");
    EXPECT_EQ(batch.images[1].abs().max().item<float>(), 0);
    at::Tensor holed = unit * 2 - 1;
    holed[1][2][2][1].fill_(std::numeric_limits<float>::quiet_NaN());
    dataset = open_dataset(stored(holed), rgb_4x4);
    EXPECT_EQ(dataset->images(all_of(*dataset)).errors[0], "");
    EXPECT_NE(dataset->images(all_of(*dataset)).errors[1], "");
}

TEST_F(Images, SizesAreBroughtToTheNetworks) {
    add("wide.png", Png{12, 6, 8, 2, std::string(216, '\x40')}.bytes());
    const auto dataset = open();
    const ImageBatch batch = dataset->images(all_of(*dataset));
    EXPECT_EQ(batch.errors[0], "");
    EXPECT_LT((batch.images - (64 / 127.5 - 1)).abs().max().item<double>(), 1e-6);
}

}  // namespace pipeline
