#include "pipeline/data/parameter_file.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect_error.h"
#include "make_images.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

using test_images::Png;

const operators::Shape image_2x3{3, 2, 3};
const std::vector<std::string> two_names = {"a/x.jpg", "y.png"};

class ParameterFile : public testing::Test {
  protected:
    std::string file(const std::string& name, const std::string& bytes) const {
        test_images::write_bytes(folder_ / name, bytes);
        return (folder_ / name).string();
    }
    std::string stored(const at::Tensor& values, const std::vector<std::string>& names = {}) const {
        std::filesystem::remove(folder_ / "p.h5");
        Hdf5File file = Hdf5File::create(folder_ / "p.h5");
        file.write("group/values", values);
        if (!names.empty()) file.write_strings("group/image_name", names);
        file.close();
        return (folder_ / "p.h5").string() + ":group/values";
    }
    static at::Tensor mask(const std::string& file, const std::vector<std::string>& names = two_names) {
        return read_parameters("mask", file, image_2x3, names).at("mask");
    }
    static at::Tensor kernel(const std::string& file) {
        return read_parameters("kernel", file, image_2x3, two_names).at("kernel");
    }
    static std::string refusal(const std::string& parameter, const std::string& file,
                               const std::vector<std::string>& names = two_names) {
        return message_of<FileError>([&] { read_parameters(parameter, file, image_2x3, names); });
    }
    test_support::TemporaryFolder folder_;
};

std::string mask_png(const std::string& levels) {
    return Png{3, 2, 8, 0, levels}.bytes();
}

}  // namespace

TEST_F(ParameterFile, MaskFromPngSplitsAtHalf) {
    const at::Tensor read = mask(file("m.png", mask_png(std::string("\x00\x7f\x80\xff\x01\x81", 6))));
    ASSERT_EQ(read.sizes(), at::IntArrayRef({1, 1, 2, 3}));
    EXPECT_EQ(read.scalar_type(), at::kFloat);
    const std::vector<float> expected = {0, 0, 1, 1, 0, 1};
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(read.const_data_ptr<float>()[i], expected[i]) << i;
}

TEST_F(ParameterFile, MasksFromAFolderGoByName) {
    file("masks/a/x.png", mask_png("\xff\xff\xff" + std::string(3, '\0')));
    file("masks/y.png", mask_png(std::string(3, '\0') + "\xff\xff\xff"));
    const std::string folder = (folder_ / "masks").string();
    const at::Tensor read = mask(folder);
    ASSERT_EQ(read.sizes(), at::IntArrayRef({2, 1, 2, 3}));
    EXPECT_EQ(read[0][0][0].sum().item<float>(), 3);
    EXPECT_EQ(read[1][0][0].sum().item<float>(), 0);
    expect_line(refusal("mask", folder, {"z.jpg"}), "masks/z.png: no such file", "mask of image 'z.jpg'");
    expect_line(refusal("mask", folder, {"../masks/y.jpg"}), "names no file in this folder");
    expect_line(refusal("mask", folder, {"/etc/passwd"}), "names no file in this folder");
}

TEST_F(ParameterFile, MasksFromHdf5) {
    const at::Tensor one = (at::arange(6).reshape({2, 3}) % 2).to(at::kByte);
    EXPECT_TRUE(mask(stored(one)).equal(one.to(at::kFloat).reshape({1, 1, 2, 3})));
    EXPECT_TRUE(mask(stored(one * 255)).equal(one.to(at::kFloat).reshape({1, 1, 2, 3})));
    EXPECT_TRUE(
        mask(stored(one.to(at::kDouble).reshape({1, 1, 2, 3}))).equal(one.to(at::kFloat).reshape({1, 1, 2, 3})));

    at::Tensor three = at::zeros({3, 2, 3}, at::kFloat);
    for (std::int64_t i = 0; i < 3; ++i) three[i].flatten()[i].fill_(1);
    const at::Tensor by_number = mask(stored(three), {"2", "0"});
    EXPECT_EQ(by_number.sizes(), at::IntArrayRef({2, 1, 2, 3}));
    EXPECT_TRUE(by_number[0][0].equal(three[2]));
    EXPECT_TRUE(by_number[1][0].equal(three[0]));
    const at::Tensor by_name = mask(stored(three, {"q", "y.png", "a/x.jpg"}));
    EXPECT_TRUE(by_name[0][0].equal(three[2]));
    EXPECT_TRUE(by_name[1][0].equal(three[1]));

    expect_line(refusal("mask", stored(three)), "p.h5", "'group/image_name'");
    expect_line(refusal("mask", stored(three), {"3"}), "3 masks, none for image 3");
    expect_line(refusal("mask", stored(three, {"q", "r", "s"})), "no image 'a/x.jpg'");
    expect_line(refusal("mask", stored(three, {"q"})), "1 names", "3 masks");
    expect_line(refusal("mask", stored(at::arange(6).to(at::kFloat).reshape({2, 3}))),
                "other values than 0 (removed) and 1");
    expect_line(refusal("mask", stored(one * 7)), "other values");
    expect_line(refusal("mask", stored(at::ones({6}))), "1 axes");
}

TEST_F(ParameterFile, MasksThatDoNotFitAreRefused) {
    expect_line(refusal("mask", file("t.png", Png{2, 3, 8, 0, "abcdef"}.bytes())), "t.png", "3x2", "2x3",
                "not resized");
    expect_line(refusal("mask", file("c.png", Png{3, 2, 8, 2, "abcdefghijklmnopqr"}.bytes())), "coloured");
    expect_line(refusal("mask", file("b.png", mask_png(std::string(6, '\0')))), "observes no pixel");
    expect_line(refusal("mask", file("j.jpg", test_images::make_jpeg(3, 2, test_images::JpegColour::grey,
                                                                     std::vector<unsigned char>(6, 255)))),
                "a mask is a PNG");
    expect_line(refusal("mask", (folder_ / "none.png").string()), "none.png: No such file");
    expect_line(refusal("mask", stored(at::ones({4, 4}))), "4x4");
    stored(at::ones({4, 4}));
    expect_line(refusal("mask", (folder_ / "p.h5").string()), "it holds 'group/values'");
}

TEST_F(ParameterFile, KernelFromText) {
    const at::Tensor read = kernel(file("k.txt", "# comment\n0 0.5 0 # more\n\n+1e-1,2; -3\r\n"));
    ASSERT_EQ(read.sizes(), at::IntArrayRef({2, 3}));
    EXPECT_EQ(read.scalar_type(), at::kFloat);
    EXPECT_EQ(read[0][1].item<float>(), 0.5F);
    EXPECT_EQ(read[1][0].item<float>(), 0.1F);
    EXPECT_EQ(read[1][2].item<float>(), -3);
    expect_line(refusal("kernel", file("r.txt", "1 2\n3\n")), "r.txt", "line 2 has 1 numbers, the lines before it 2");
    expect_line(refusal("kernel", file("w.txt", "1 2\n3 x\n")), "line 2", "'x' is not a finite number");
    expect_line(refusal("kernel", file("n.txt", "nan\n")), "not a finite number");
    expect_line(refusal("kernel", file("e.txt", "# nothing\n")), "empty");
}

TEST_F(ParameterFile, KernelFromPngSumsToOne) {
    const at::Tensor read = kernel(file("k.png", Png{3, 1, 8, 0, std::string("\x00\x01\x03", 3)}.bytes()));
    EXPECT_EQ(read[0][0].item<float>(), 0);
    EXPECT_EQ(read[0][1].item<float>(), 0.25F);
    EXPECT_EQ(read[0][2].item<float>(), 0.75F);
    expect_line(refusal("kernel", file("b.png", Png{1, 1, 8, 0, std::string(1, '\0')}.bytes())), "black");
}

TEST_F(ParameterFile, KernelFromHdf5IsKept) {
    const at::Tensor values = at::arange(9).to(at::kDouble).reshape({3, 3}) / 7;
    EXPECT_TRUE(kernel(stored(values)).equal(values.to(at::kFloat)));
    expect_line(refusal("kernel", stored(at::ones({3}))), "no kernel");
    // One for each image, which has to be named.
    expect_line(refusal("kernel", stored(at::ones({1, 3, 3}))), "holds a kernel per image, but not whose");
    expect_line(refusal("kernel", stored(at::ones({1, 1}) / 0)), "not finite");
    const std::string golden = (test_support::golden_folder() / "operators.h5").string() + ":motion_blur/kernel";
    EXPECT_EQ(kernel(golden).sizes(), at::IntArrayRef({61, 61}));
}

TEST_F(ParameterFile, WhatAnImageLacksIsFoundWithoutReading) {
    // No masks: that there is a file of the name is all that is asked.
    file("masks/a/x.png", "");
    file("masks/y.txt", "");
    const std::string folder = (folder_ / "masks").string(), three = stored(at::ones({3, 2, 3}), {"y.png", "z", "u"});
    const auto lack = [&](const char* parameter, const std::string& where, const std::vector<std::string>& names) {
        return message_of<FileError>([&] { find_parameters(parameter, where, names); });
    };
    find_parameters("mask", folder, std::vector<std::string>{"a/x.jpg"});
    find_parameters("kernel", folder, two_names);
    expect_line(lack("mask", folder, two_names), "y.png: no such file; it is the mask of image 'y.png'");
    find_parameters("mask", three, std::vector<std::string>{"u", "y.png"});
    expect_line(lack("mask", three, two_names), "'group/image_name' has no image 'a/x.jpg'");
    // One for all.
    find_parameters("mask", stored(at::ones({2, 3})), two_names);
    find_parameters("mask", (folder_ / "one.png").string(), two_names);
}

TEST_F(ParameterFile, UnknownParametersAreTheCallersMistake) {
    EXPECT_THROW(read_parameters("colour", "x", image_2x3, two_names), std::invalid_argument);
}

}  // namespace pipeline
