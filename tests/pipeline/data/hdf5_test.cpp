#include "pipeline/data/hdf5.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "expect_error.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

class Hdf5 : public testing::Test {
  protected:
    std::filesystem::path path() const { return folder_ / "file.h5"; }
    /// Runs a Python script with h5py (as h) and numpy (as np); `f` is the file's name.
    std::string python(const std::string& script) const {
        test_support::write_text(folder_ / "script.py",
                                 "import h5py as h, numpy as np\nf = '" + path().string() + "'\n" + script);
        const auto result = test_support::run_command("/usr/bin/python3 '" + (folder_ / "script.py").string() + "'");
        EXPECT_EQ(result.exit_code, 0) << result.errors;
        return result.output;
    }
    test_support::TemporaryFolder folder_;
};

const std::vector<at::ScalarType> stored_types = {at::kFloat, at::kDouble, at::kChar, at::kByte,
                                                  at::kShort, at::kInt,    at::kLong};

}  // namespace

TEST_F(Hdf5, EveryTypeComesBackBitForBit) {
    {
        Hdf5File file = Hdf5File::create(path());
        for (const auto type : stored_types) {
            file.write(std::string("group/inner/") + c10::toString(type), at::arange(24).to(type).reshape({2, 3, 4}));
            file.write(std::string("chunked/") + c10::toString(type), at::arange(24).to(type).reshape({2, 3, 4}),
                       {.chunk = {1, 3, 4}, .deflate = 1, .shuffle = true, .fletcher32 = true});
            file.write(std::string("scalar/") + c10::toString(type), at::full({}, 7, type));
            file.write(std::string("empty/") + c10::toString(type), at::empty({0, 3}, type),
                       {.chunk = {1, 3}, .deflate = 1});
        }
        file.close();
    }
    const Hdf5File file = Hdf5File::open(path());
    for (const auto type : stored_types) {
        const std::string name = c10::toString(type);
        const at::Tensor expected = at::arange(24).to(type).reshape({2, 3, 4});
        EXPECT_EQ(file.read("group/inner/" + name).scalar_type(), type);
        EXPECT_TRUE(file.read("group/inner/" + name).equal(expected)) << name;
        EXPECT_TRUE(file.read("chunked/" + name).equal(expected)) << name;
        EXPECT_TRUE(file.read_rows("chunked/" + name, 1, 1).equal(expected.slice(0, 1, 2))) << name;
        EXPECT_EQ(file.read("scalar/" + name).dim(), 0);
        EXPECT_EQ(file.read("scalar/" + name).item<int>(), 7);
        EXPECT_EQ(file.read("empty/" + name).sizes(), at::IntArrayRef({0, 3}));
    }
    EXPECT_EQ(file.shape("chunked/Float"), (std::vector<std::int64_t>{2, 3, 4}));
    EXPECT_TRUE(file.read_rows("chunked/Float", 2, 0).numel() == 0);
    EXPECT_THROW(file.read_rows("chunked/Float", 1, 2), std::invalid_argument);
    EXPECT_THROW(file.read_rows("chunked/Float", -1, 1), std::invalid_argument);
    EXPECT_THROW(file.read_rows("scalar/Float", 0, 1), std::invalid_argument);
}

TEST_F(Hdf5, StringsAndAttributesComeBack) {
    const std::vector<std::string> names = {"plain", "ü 日本", "", "with\nnewline", std::string(1000, 'x')};
    const std::vector<std::int64_t> integers = {-1, std::numeric_limits<std::int64_t>::min()};
    {
        Hdf5File file = Hdf5File::create(path());
        file.write_strings("rows/name", names);
        file.write_strings("rows/none", {});
        file.make_group("group");
        file.set_attribute("", "text", std::string("ü"));
        file.set_attribute("", "empty", std::string());
        file.set_attribute("group", "integer", std::int64_t{-5});
        file.set_attribute("group", "integer", std::int64_t{6});  // replaces
        file.set_attribute("rows/name", "real", 0.1);
        file.set_attribute("group", "integers", integers);
        file.set_attribute("group", "reals", std::vector<double>{1.5, 2.5});
        EXPECT_THROW(file.write_strings("cut", {std::string("a\0b", 3)}), Hdf5Error);
        file.close();
    }
    const Hdf5File file = Hdf5File::open(path());
    EXPECT_EQ(file.read_strings("rows/name"), names);
    EXPECT_TRUE(file.read_strings("rows/none").empty());
    EXPECT_EQ(std::get<std::string>(*file.attribute("", "text")), "ü");
    EXPECT_EQ(std::get<std::string>(*file.attribute("/", "empty")), "");
    EXPECT_EQ(std::get<std::int64_t>(*file.attribute("group", "integer")), 6);
    EXPECT_EQ(std::get<double>(*file.attribute("rows/name", "real")), 0.1);
    EXPECT_EQ(std::get<std::vector<std::int64_t>>(*file.attribute("group", "integers")), integers);
    EXPECT_EQ(std::get<std::vector<double>>(*file.attribute("group", "reals")), (std::vector<double>{1.5, 2.5}));
    EXPECT_FALSE(file.attribute("group", "missing").has_value());
    EXPECT_EQ(file.attribute_names("group"), (std::vector<std::string>{"integer", "integers", "reals"}));
}

TEST_F(Hdf5, StructureIsSeen) {
    Hdf5File file = Hdf5File::create(path());
    file.write("b/c/d", at::ones({2}));
    file.write("a", at::ones({2}));
    EXPECT_EQ(file.children(""), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(file.children("b"), std::vector<std::string>{"c"});
    EXPECT_TRUE(file.has("b/c/d"));
    EXPECT_TRUE(file.has(""));
    EXPECT_FALSE(file.has("b/x/d"));
    EXPECT_FALSE(file.has("a/x"));
    EXPECT_TRUE(file.is_group("b/c"));
    EXPECT_FALSE(file.is_group("a"));
    EXPECT_FALSE(file.is_group("x"));
    EXPECT_THROW(file.children("a"), Hdf5Error);
}

TEST_F(Hdf5, RowsAndRawChunksAreCopiedExactly) {
    const at::Tensor values = at::arange(6 * 5).to(at::kFloat).reshape({6, 5}) / 7;
    const Hdf5Layout layout{.chunk = {1, 5}, .deflate = 1, .shuffle = true, .fletcher32 = true};
    Hdf5File file = Hdf5File::create(path());
    file.make_dataset("source", at::kFloat, {6, 5}, layout);
    file.write_rows("source", 0, values.slice(0, 0, 4));
    file.write_rows("source", 4, values.slice(0, 4, 6));
    EXPECT_TRUE(file.read("source").equal(values));
    EXPECT_THROW(file.write_rows("source", 5, values.slice(0, 0, 2)), std::invalid_argument);
    EXPECT_THROW(file.write_rows("source", 0, values.slice(1, 0, 2)), std::invalid_argument);

    file.make_dataset("copy", at::kFloat, {6, 5}, layout);
    EXPECT_THROW(file.chunk_writer("nothing"), Hdf5Error);
    Hdf5ChunkWriter copy = file.chunk_writer("copy");
    EXPECT_EQ(copy.shape(), (std::vector<std::int64_t>{6, 5}));
    EXPECT_EQ(copy.type(), at::kFloat);
    for (std::uint64_t row = 0; row < 6; ++row) {
        std::uint32_t mask = 0;
        const std::string bytes = file.read_chunk("source", {row, 0}, mask);
        EXPECT_FALSE(bytes.empty());
        copy.write({5 - row, 0}, mask, bytes);
    }
    EXPECT_THROW(copy.write({0}, 0, "x"), Hdf5Error);
    EXPECT_TRUE(file.read("copy").equal(values.flip({0})));
    std::uint32_t mask = 0;
    EXPECT_THROW(file.read_chunk("source", {0}, mask), Hdf5Error);
    EXPECT_THROW(file.read_chunk("source", {9, 0}, mask), Hdf5Error);
    EXPECT_THROW(file.make_dataset("bad", at::kFloat, {6, 5}, {.chunk = {1}}), std::invalid_argument);
    EXPECT_THROW(file.make_dataset("bad", at::kFloat, {6, 5}, {.deflate = 1}), std::invalid_argument);
    EXPECT_THROW(file.write("bad", at::ones({2}, at::kBool)), std::invalid_argument);
}

TEST_F(Hdf5, H5pyReadsWhatIsWritten) {
    {
        Hdf5File file = Hdf5File::create(path());
        file.write("x", at::arange(12).to(at::kFloat).reshape({3, 4}),
                   {.chunk = {1, 4}, .deflate = 1, .shuffle = true, .fletcher32 = true});
        file.write_strings("row_name", {"a", "ü"});
        file.write("y", at::arange(3).to(at::kDouble));
        file.write("levels", at::arange(3).to(at::kByte));
        file.make_scale("y", "row");
        file.attach_scale("x", 0, "y");
        file.set_attribute("", "Conventions", std::string("CF-1.8"));
        file.set_attribute("x", "valid_range", std::vector<double>{-1, 1});
        file.close();
    }
    EXPECT_EQ(python("d = h.File(f)\n"
                     "print(d['x'].dtype, d['x'].chunks, d['x'].compression, d['x'].shuffle, d['x'].fletcher32)\n"
                     "print(d['x'][2, 1], list(d['row_name'].asstr()), d['levels'].dtype)\n"
                     "print(d.attrs['Conventions'], list(d['x'].attrs['valid_range']), d['x'].dims[0][0].name)\n"),
              "float32 (1, 4) gzip True True\n9.0 ['a', 'ü'] uint8\nCF-1.8 [-1.0, 1.0] /y\n");
}

TEST_F(Hdf5, SameContentAtAnotherTimeGivesTheSameBytes) {
    const auto write = [](const std::filesystem::path& target) {
        Hdf5File file = Hdf5File::create(target);
        file.write("group/x", at::arange(100).to(at::kFloat).reshape({10, 10}), {.chunk = {1, 10}, .deflate = 1});
        file.write("y", at::arange(10).to(at::kDouble));
        file.write_strings("names", {"a", "bb", "ccc"});
        file.make_scale("y", "row");
        file.attach_scale("group/x", 0, "y");
        file.set_attribute("group", "text", std::string("value"));
        file.close();
    };
    write(folder_ / "first.h5");
    sleep(2);
    write(folder_ / "second.h5");
    const std::string first = test_support::read_text(folder_ / "first.h5");
    EXPECT_GT(first.size(), 1000U);
    EXPECT_TRUE(first == test_support::read_text(folder_ / "second.h5"));
}

TEST_F(Hdf5, ErrorsNameFileObjectAndReason) {
    Hdf5File::create(path()).close();
    expect_line(message_of<Hdf5Error>([&] { Hdf5File::create(path()); }), "file.h5", "H5Fcreate failed", "exists");
    expect_line(message_of<Hdf5Error>([&] { Hdf5File::open(folder_ / "none.h5"); }), "none.h5: no such file");
    expect_line(message_of<Hdf5Error>([&] { Hdf5File::open(folder_.path()); }), "not a file");
    test_support::write_text(folder_ / "text.h5", "hello");
    expect_line(message_of<Hdf5Error>([&] { Hdf5File::open(folder_ / "text.h5"); }), "text.h5: not an HDF5 file");
    const Hdf5File file = Hdf5File::open(path());
    expect_line(message_of<Hdf5Error>([&] { file.read("a/b"); }), "file.h5: 'a/b': no such object");
    expect_line(message_of<Hdf5Error>([&] { file.read(std::string("a\0b", 3)); }), "'a\\x00b'");
    expect_line(message_of<Hdf5Error>([&] { file.read(""); }), "is not a dataset");
}

TEST_F(Hdf5, MovedFileIsClosedOnce) {
    Hdf5File first = Hdf5File::create(path());
    first.write("x", at::ones({1}));
    Hdf5File second = std::move(first);
    second.close();
    second.close();
    EXPECT_THROW(second.read("x"), Hdf5Error);
    second = Hdf5File::open(path());
    EXPECT_EQ(second.read("x").item<float>(), 1);
}

}  // namespace pipeline
