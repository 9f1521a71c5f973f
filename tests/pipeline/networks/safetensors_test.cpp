#include "pipeline/networks/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include "tests/pipeline/networks/refusal.h"
#include "tests/support/paths.h"

using pipeline::CheckpointError;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

/// A file's bytes from its header's text and so many bytes of buffer, 0, 1, 2, …
std::string file_with(const std::string& header, std::size_t buffer) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>((header.size() >> (8 * i)) & 0xFFU);
    bytes += header;
    for (std::size_t i = 0; i < buffer; ++i) bytes += static_cast<char>(i);
    return bytes;
}

pipeline::TensorMap read_bytes(const std::string& bytes) {
    return pipeline::read_safetensors(std::as_bytes(std::span(bytes)), "here");
}

std::string refused(const std::string& bytes) {
    return refusal([&] { read_bytes(bytes); });
}

std::string refused_header(const std::string& header, std::size_t buffer = 8) {
    return refused(file_with(header, buffer));
}

const std::string good_entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";

}  // namespace

TEST(Safetensors, GoldenFileLoadsWithItsValues) {
    const auto path = test_support::golden_folder() / "loader" / "ok.safetensors";
    const auto tensors = pipeline::read_safetensors(path);
    ASSERT_EQ(tensors.size(), 2U);
    EXPECT_TRUE(at::equal(tensors.at("a"), at::tensor({0.0F, 1.0F, 2.0F, 3.0F}).view({2, 2}))) << tensors.at("a");
    EXPECT_EQ(tensors.at("s").dim(), 0);
    EXPECT_EQ(tensors.at("s").item<std::int64_t>(), 5);

    const auto headers = pipeline::read_safetensors_headers(path);
    EXPECT_EQ(headers.at("a").dtype, "F32");
    EXPECT_EQ(headers.at("a").shape, (std::vector<std::int64_t>{2, 2}));
    EXPECT_EQ(headers.at("s").dtype, "I64");
}

TEST(Safetensors, GoldenBadFilesAreRefusedWithTheReason) {
    const std::pair<std::string, std::string> cases[] = {
        {"bad_duplicate", "tensor 'a' occurs twice"},
        {"bad_header_length", "is more than 100000000"},
        {"bad_hole", "tensor 'b' leaves a hole"},
        {"bad_overflow", "tensor 'a' has a shape whose number of elements overflows"},
        {"bad_overlap", "tensor 'b' overlaps"},
        {"bad_shape", "tensor 'a' has 8 bytes by its data_offsets, but its shape and dtype need 12"},
        {"bad_short", "the file is cut short"},
        {"bad_trailing", "1 trailing bytes"},
    };
    std::size_t found = 0;
    for (const auto& item : std::filesystem::directory_iterator(test_support::golden_folder() / "loader")) {
        const auto name = item.path().filename().string();
        found += name.starts_with("bad_") && item.path().extension() == ".safetensors" ? 1 : 0;
    }
    EXPECT_EQ(found, std::size(cases)) << "every bad file has its case";
    for (const auto& [name, reason] : cases) {
        const auto path = test_support::golden_folder() / "loader" / (name + ".safetensors");
        const auto expected = AllOf(HasSubstr(path.string()), HasSubstr(reason), Not(HasSubstr("\n")));
        EXPECT_THAT(refusal([&] { pipeline::read_safetensors(path); }), expected);
        EXPECT_THAT(refusal([&] { pipeline::read_safetensors_headers(path); }), expected);
    }
}

TEST(Safetensors, WrittenTensorsComeBackWithinLiveMapping) {
    const test_support::TemporaryFolder folder;
    const pipeline::TensorMap written = {{"b", at::tensor({1.5F, -2.0F, 7.0F})},
                                         {"a.weight", at::tensor({{3.0F}, {4.0F}})}};
    pipeline::write_safetensors(folder / "x.safetensors", written);
    const auto read = pipeline::read_safetensors(folder / "x.safetensors");
    ASSERT_EQ(read.size(), 2U);
    for (const auto& [name, tensor] : written) EXPECT_TRUE(at::equal(read.at(name), tensor)) << name;
}

TEST(Safetensors, WritingIntoMappedTensorLeavesTheFile) {
    const test_support::TemporaryFolder folder;
    pipeline::write_safetensors(folder / "x.safetensors", {{"a", at::tensor({1.0F, 2.0F})}});
    pipeline::read_safetensors(folder / "x.safetensors").at("a").fill_(9);
    EXPECT_TRUE(at::equal(pipeline::read_safetensors(folder / "x.safetensors").at("a"), at::tensor({1.0F, 2.0F})));
}

TEST(Safetensors, FloatTypesAreReadAsStored) {
    const std::string header =
        R"({"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BF16","shape":[1],)"
        R"("data_offsets":[2,4]},"d":{"dtype":"F64","shape":[],"data_offsets":[4,12]}})";
    std::string bytes = file_with(header, 12);
    const double d = 0.1;
    std::memcpy(bytes.data() + bytes.size() - 8, &d, 8);
    const unsigned char halves[] = {0x00, 0x3E, 0xC0, 0x3F};  // 1.5 in both types
    std::memcpy(bytes.data() + bytes.size() - 12, halves, 4);
    const auto tensors = read_bytes(bytes);
    EXPECT_EQ(tensors.at("h").scalar_type(), at::kHalf);
    EXPECT_EQ(tensors.at("h").item<float>(), 1.5F);
    EXPECT_EQ(tensors.at("b").scalar_type(), at::kBFloat16);
    EXPECT_EQ(tensors.at("b").item<float>(), 1.5F);
    EXPECT_EQ(tensors.at("d").item<double>(), 0.1) << "8 bytes that begin at a multiple of 4";
}

TEST(Safetensors, EveryAlignmentOfTheBufferReadsTheSame) {
    for (int padding = 0; padding < 8; ++padding) {
        std::string bytes = file_with("{\"a\":" + good_entry + "}" + std::string(padding, ' '), 8);
        const float values[] = {0.25F, -3.0F};
        std::memcpy(bytes.data() + bytes.size() - 8, values, 8);
        EXPECT_TRUE(at::equal(read_bytes(bytes).at("a"), at::tensor({0.25F, -3.0F}))) << padding;
    }
}

TEST(Safetensors, EmptyTensorsAndMetadataAreLegal) {
    const auto tensors =
        read_bytes(file_with(R"({"__metadata__":{"format":"pt","a":""},"e":{"dtype":"F32","shape":[0,4],)"
                             R"("data_offsets":[0,0]},"a":)" +
                                 good_entry + "}",
                             8));
    EXPECT_EQ(tensors.at("e").sizes().vec(), (std::vector<std::int64_t>{0, 4}));
    EXPECT_EQ(read_bytes(file_with("{}", 0)).size(), 0U);
}

TEST(Safetensors, HeadersThatDoNotFitAreRefused) {
    EXPECT_THAT(refused(""), HasSubstr("0 bytes are too short"));
    EXPECT_THAT(refused("1234567"), HasSubstr("7 bytes are too short"));
    EXPECT_THAT(refused(file_with("{}", 0).substr(0, 9)),
                HasSubstr("header length 2 does not fit in a file of 9 bytes"));
    EXPECT_THAT(refused(std::string(8, '\xFF')), HasSubstr("18446744073709551615 is more than 100000000"));
    EXPECT_THAT(refused(file_with("", 0)), HasSubstr("does not start with '{'"));
    EXPECT_THAT(refused_header(" {}"), HasSubstr("does not start with '{'"));
    EXPECT_THAT(refused_header("\xEF\xBB\xBF{}"), HasSubstr("does not start with '{'"));
}

TEST(Safetensors, InvalidJsonAndUtf8AreRefused) {
    EXPECT_THAT(refused_header("{\"a\":" + good_entry), HasSubstr("not valid UTF-8 JSON"));
    EXPECT_THAT(refused_header("{\"a\":" + good_entry + "} x"), HasSubstr("not valid UTF-8 JSON"));
    EXPECT_THAT(refused_header("{\"a\":" + good_entry + ",}"), HasSubstr("not valid UTF-8 JSON"));
    EXPECT_THAT(refused_header("{\"a\xFF\":" + good_entry + "}"), HasSubstr("not valid UTF-8 JSON"));
    EXPECT_THAT(refused_header("{\"a\":" + good_entry + "}" + std::string(1, '\0') + "x"), HasSubstr("NUL"));
    EXPECT_THAT(refused_header("{\"a\":" + good_entry + "}" + std::string(2, '\0')), HasSubstr("NUL"));
}

TEST(Safetensors, DuplicatesAreRefusedAtEveryLevel) {
    EXPECT_THAT(refused_header("{\"a\":" + good_entry + ",\"\\u0061\":" + good_entry + "}"),
                HasSubstr("'a' occurs twice"));
    EXPECT_THAT(refused_header(R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})"),
                HasSubstr("'a' has 'shape' twice"));
    EXPECT_THAT(refused_header(R"({"__metadata__":{"k":"1","k":"2"}})", 0), HasSubstr("'k' twice"));
    EXPECT_THAT(refused_header(R"({"__metadata__":{},"__metadata__":{}})", 0),
                HasSubstr("'__metadata__' occurs twice"));
}

TEST(Safetensors, EntriesOfTheWrongFormAreRefused) {
    const auto entry = [](const std::string& text) { return refused_header("{\"a\":" + text + "}"); };
    EXPECT_THAT(entry("[1]"), HasSubstr("'a' is an array, expected an object"));
    EXPECT_THAT(entry("7"), HasSubstr("'a' is a number"));
    EXPECT_THAT(entry("null"), HasSubstr("'a' is null"));
    EXPECT_THAT(entry(R"({"shape":[2],"data_offsets":[0,8]})"), HasSubstr("has no 'dtype'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","data_offsets":[0,8]})"), HasSubstr("has no 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2]})"), HasSubstr("has no 'data_offsets'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1})"),
                HasSubstr("unknown field 'more'"));
    EXPECT_THAT(entry(R"({"dtype":7,"shape":[2],"data_offsets":[0,8]})"), HasSubstr("has a number in 'dtype'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})"), HasSubstr("has a number in 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), HasSubstr("has -2 in 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), HasSubstr("has 2.0 in 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[[2]],"data_offsets":[0,8]})"), HasSubstr("has an array in 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})"), HasSubstr("has a string in 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,1e1]})"), HasSubstr("in 'data_offsets'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8]})"), HasSubstr("has 1 data_offsets"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"), HasSubstr("more than two"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), HasSubstr("before it begins"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]})"),
                HasSubstr("in 'shape'"));
    EXPECT_THAT(entry(R"({"dtype":"F32","shape":[0,9223372036854775808],"data_offsets":[0,0]})"),
                HasSubstr("overflows"));
    EXPECT_THAT(refused_header(R"({"__metadata__":{"k":1}})", 0), HasSubstr("__metadata__ holds a number"));
    EXPECT_THAT(refused_header(R"({"__metadata__":{"k":{}}})", 0), HasSubstr("__metadata__ holds an object"));
}

TEST(Safetensors, TypesAreRefusedByName) {
    const auto entry = [](const std::string& dtype, int elements) {
        return refused_header(R"({"a":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(elements) +
                              R"(],"data_offsets":[0,8]}})");
    };
    EXPECT_THAT(entry("F128", 1), HasSubstr("unknown dtype 'F128'"));
    EXPECT_THAT(entry("f32", 2), HasSubstr("unknown dtype 'f32'"));
    EXPECT_THAT(entry("C64", 1), HasSubstr("'a' has dtype C64, which is not read"));
    EXPECT_THAT(entry("F8_E4M3", 8), HasSubstr("dtype F8_E4M3, which is not read"));
    EXPECT_THAT(entry("F4", 16), HasSubstr("dtype F4, which is not read"));
    EXPECT_THAT(entry("F4", 15), HasSubstr("does not fill whole bytes"));
}

TEST(Safetensors, NamesInMessagesArePrintable) {
    const std::string message = refused_header("{\"\\u001b[31m\\nü\":7}");
    EXPECT_THAT(message, AllOf(HasSubstr("'\\x1b[31m\\x0aü'"), Not(HasSubstr("\x1b")), Not(HasSubstr("\n"))));
}

TEST(Safetensors, EveryTruncationOfAFileIsRefused) {
    const std::string whole = file_with("{\"a\":" + good_entry + "}", 8);
    ASSERT_EQ(refused(whole), "");
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(refused(whole.substr(0, size)), "") << size;
    EXPECT_NE(refused(whole + "x"), "");
}

TEST(Safetensors, WhatIsNoFileIsRefused) {
    EXPECT_THAT(refusal([] { pipeline::read_safetensors("/nowhere/x.safetensors"); }),
                HasSubstr("/nowhere/x.safetensors: cannot be opened"));
    EXPECT_THAT(refusal([] { pipeline::read_safetensors("/tmp"); }), HasSubstr("not a regular file"));
}
