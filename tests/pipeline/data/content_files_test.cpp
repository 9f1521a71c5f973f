#include <gtest/gtest.h>
#include <unistd.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect_error.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/measurement_file.h"
#include "pipeline/data/sealed_file.h"
#include "pipeline/data/unit_file.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

/// Smooth numbers that are on no 8-bit level.
at::Tensor smooth_images(std::int64_t count, std::int64_t channels = 3, std::int64_t height = 8,
                         std::int64_t width = 6) {
    const std::int64_t entries = count * channels * height * width;
    return (at::arange(entries).to(at::kDouble) * 0.37).sin().to(at::kFloat).reshape({count, channels, height, width});
}

UnitFile example_unit() {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    UnitFile file;
    file.unit = 1312;
    file.plan_digest = std::string(64, 'a');
    file.configuration = R"({"method":"dps","zeta":0.3})";
    file.rows.restored = smooth_images(3);
    file.rows.image_index = {4, 5, 6};
    file.rows.image_name = {"a.png", "ü/b.png", "line\nbreak.png"};
    file.rows.image_hash = {std::string(64, 'b'), std::string(64, 'c'), ""};
    file.rows.image_error = {"", "", "ü/c.png: no such file"};
    file.rows.sample = {0, 0, 1};
    file.rows.status = {RowStatus::done, RowStatus::diverged, RowStatus::unreadable};
    file.rows.psnr = {20.5, nan, nan};
    file.rows.ssim = {0.75, nan, nan};
    file.rows.lpips = {0.125, nan, nan};
    file.rows.psnr_measurement = {10, 11, nan};
    file.rows.psnr_unobserved = {8.5, nan, nan};
    file.rows.class_label = {3, -1, 0};
    file.rows.residual = {1.01, nan, nan};
    file.rows.nfe = 250;
    return file;
}

MeasurementFile example_measurement() {
    MeasurementFile file;
    file.operator_name = "box";
    file.operator_settings = R"({"size":24})";
    file.sigma_y = 0.05;
    file.image_index = {0, 1};
    file.image_name = {"a.png", "b.png"};
    file.truth = at::arange(2 * 3 * 8 * 6).remainder(256).to(at::kFloat).reshape({2, 3, 8, 6}).div(127.5).sub(1);
    file.image_hash = {"1", "2"};
    file.image_error = {"", "b.png: damaged"};
    file.y = smooth_images(2);
    file.parameters = {{"mask", at::ones({2, 1, 8, 6})}, {"kernel", smooth_images(1)[0][0]}};
    return file;
}

bool is_same(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i])) return false;
    }
    return true;
}

bool is_same(const UnitFile& a, const UnitFile& b) {
    return a.unit == b.unit && a.plan_digest == b.plan_digest && a.configuration == b.configuration &&
           a.store == b.store && a.rows.restored.equal(b.rows.restored) && a.rows.image_index == b.rows.image_index &&
           a.rows.image_name == b.rows.image_name && a.rows.image_hash == b.rows.image_hash &&
           a.rows.image_error == b.rows.image_error && a.rows.sample == b.rows.sample &&
           a.rows.status == b.rows.status && is_same(a.rows.psnr, b.rows.psnr) && is_same(a.rows.ssim, b.rows.ssim) &&
           is_same(a.rows.lpips, b.rows.lpips) && is_same(a.rows.psnr_measurement, b.rows.psnr_measurement) &&
           is_same(a.rows.psnr_unobserved, b.rows.psnr_unobserved) && a.rows.class_label == b.rows.class_label &&
           is_same(a.rows.residual, b.rows.residual) && a.rows.nfe == b.rows.nfe;
}

/// A committed content file in its three parts.
struct Parts {
    std::string hdf5, record;  ///< The record with its size behind it.
    void write(const std::filesystem::path& path) const {
        test_support::write_text(path, hdf5 + record);
        append_seal(path);
    }
};

Parts parts_of(const std::filesystem::path& path) {
    const std::string whole = test_support::read_text(path);
    const std::size_t seal = whole.rfind("diffinv seal ");
    std::uint64_t size = 0;
    std::memcpy(&size, whole.data() + seal - sizeof size, sizeof size);
    const std::size_t record = seal - sizeof size - size;
    return {whole.substr(0, record), whole.substr(record, seal - record)};
}

void change_with_h5py(const test_support::TemporaryFolder& folder, const std::filesystem::path& path,
                      const std::string& change) {
    test_support::write_text(folder / "change.py",
                             "import h5py\nd = h5py.File('" + path.string() + "', 'r+')\n" + change + "\nd.close()\n");
    const auto result = test_support::run_command("/usr/bin/python3 " + (folder / "change.py").string());
    ASSERT_EQ(result.exit_code, 0) << result.errors;
}

/// Images to be copied are the bytes that HDF5 has stored.
void expect_stored(const PackedImages& packed, const std::filesystem::path& path, const std::string& name,
                   bool is_shuffled) {
    const Hdf5File file = Hdf5File::open(path);
    EXPECT_EQ(packed.shape(), file.shape(name));
    EXPECT_EQ(packed.is_shuffled(), is_shuffled);
    for (std::int64_t image = 0; image < packed.count(); ++image) {
        std::uint32_t mask = 77;
        EXPECT_EQ(packed.chunk(image), file.read_chunk(name, {static_cast<std::uint64_t>(image), 0, 0, 0}, mask));
        EXPECT_EQ(packed.filter_mask(image), mask);
    }
    EXPECT_TRUE(packed.unpacked().equal(file.read(name)));
}

std::size_t temporaries_in(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".tmp") ++count;
    }
    return count;
}

/// Flips every 13th byte of a committed file in turn: reading gives an error that names the file.
template <typename Read>
void expect_damage_is_found(const std::filesystem::path& path, Read&& reads_the_same) {
    const std::string whole = test_support::read_text(path);
    ASSERT_FALSE(whole.empty());
    for (std::size_t at = 0; at < whole.size(); at += 13) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
        test_support::write_text(path, damaged);
        EXPECT_THAT(message_of<FileError>(reads_the_same), testing::StartsWith(path.string() + ": ")) << "byte " << at;
    }
    for (std::size_t length = 0; length < whole.size(); length += 97) {
        test_support::write_text(path, whole.substr(0, length));
        EXPECT_THROW(reads_the_same(), FileError) << length;
    }
    test_support::write_text(path, whole);
    EXPECT_TRUE(reads_the_same());
}

}  // namespace

TEST(UnitFile, PathsAreGroupedByThousands) {
    EXPECT_EQ(unit_path(312), "units/000/unit-000312.h5");
    EXPECT_EQ(unit_path(12345), "units/012/unit-012345.h5");
    EXPECT_EQ(unit_path(12345678), "units/12345/unit-12345678.h5");
}

TEST(UnitFile, ComesBackAsWritten) {
    const test_support::TemporaryFolder folder;
    const UnitFile file = example_unit();
    commit_unit_file(folder.path(), file);
    EXPECT_TRUE(is_same(read_unit_file(folder.path(), 1312), file));
    EXPECT_EQ(temporaries_in(folder.path()), 0U);
}

TEST(UnitFile, EightBitStoreKeepsLevels) {
    const test_support::TemporaryFolder folder;
    UnitFile file = example_unit();
    file.store = Store::uint8;
    commit_unit_file(folder.path(), file);
    const UnitFile read = read_unit_file(folder.path(), 1312);
    EXPECT_EQ(read.store, Store::uint8);
    EXPECT_LE((read.rows.restored - file.rows.restored).abs().max().item<double>(), 0.5 / 127.5 + 1e-6);
    // What was read is on levels: storing it again changes nothing.
    file.rows.restored = read.rows.restored;
    commit_unit_file(folder.path(), file);
    EXPECT_TRUE(read_unit_file(folder.path(), 1312).rows.restored.equal(read.rows.restored));
    // A row without numbers is stored as level 0.
    file.rows.restored = read.rows.restored.clone();
    file.rows.restored[1].fill_(std::numeric_limits<float>::quiet_NaN());
    commit_unit_file(folder.path(), file);
    EXPECT_EQ(read_unit_file(folder.path(), 1312).rows.restored[1].max().item<float>(), -1);
}

TEST(UnitFile, SameContentAtAnotherTimeGivesTheSameBytes) {
    const test_support::TemporaryFolder first;
    const test_support::TemporaryFolder second;
    UnitFile file = example_unit();
    commit_unit_file(first.path(), file);
    sleep(2);
    // Another NaN of the same value, in metrics and pixels, must not show.
    file.rows.psnr[1] = std::bit_cast<double>(std::uint64_t{0xfff8000000000123});
    commit_unit_file(second.path(), file);
    const std::string bytes = test_support::read_text(first.path() / unit_path(1312));
    EXPECT_GT(bytes.size(), 1000U);
    EXPECT_TRUE(bytes == test_support::read_text(second.path() / unit_path(1312)));
}

TEST(UnitFile, NanPixelsHaveOneBitPattern) {
    const test_support::TemporaryFolder folder;
    UnitFile file = example_unit();
    file.rows.restored[1].fill_(std::bit_cast<float>(std::uint32_t{0xffc00077}));
    commit_unit_file(folder.path(), file);
    const at::Tensor read = read_unit_file(folder.path(), 1312).rows.restored[1].contiguous();
    for (std::int64_t i = 0; i < read.numel(); ++i) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(read.const_data_ptr<float>()[i]), 0x7fc00000U);
    }
}

TEST(UnitFile, EveryDamagedByteIsFound) {
    const test_support::TemporaryFolder folder;
    const UnitFile file = example_unit();
    commit_unit_file(folder.path(), file);
    expect_damage_is_found(folder.path() / unit_path(1312),
                           [&] { return is_same(read_unit_file(folder.path(), 1312), file); });
}

// A value changed by another program, and sealed again: only the digest of the content tells.
TEST(UnitFile, ChangedContentIsFoundBehindAGoodSeal) {
    for (const std::string& change : std::vector<std::string>{
             "d['rows/psnr'][0] = 99.0", "d['restored'][1, 2, 3, 0] = 0.5", "d['rows/image_name'][0] = 'x'",
             "d.attrs.modify('nfe', 251)", "d.attrs.modify('plan_digest', 'x')", "pass"}) {
        const test_support::TemporaryFolder folder;
        commit_unit_file(folder.path(), example_unit());
        const std::filesystem::path path = folder.path() / unit_path(1312);
        Parts parts = parts_of(path);
        test_support::write_text(path, parts.hdf5);
        change_with_h5py(folder, path, change);
        parts.hdf5 = test_support::read_text(path);
        parts.write(path);
        if (change == "pass") {
            EXPECT_TRUE(is_same(read_unit_file(folder.path(), 1312), example_unit()));
            continue;
        }
        expect_line(message_of<FileError>([&] { read_unit_file(folder.path(), 1312); }), path.filename().string(),
                    "does not have the digest");
    }
}

TEST(UnitFile, ToBeCopiedItSaysTheSame) {
    for (const Store store : {Store::float32, Store::uint8}) {
        const test_support::TemporaryFolder folder;
        UnitFile file = example_unit();
        file.store = store;
        file.rows.image_name[1] = "not UTF-8: \xff\xfe";
        if (store == Store::uint8) file.rows.sigma_each = {0.1, 0.2, 0.3};
        commit_unit_file(folder.path(), file);
        const UnitFile whole = read_unit_file(folder.path(), 1312);
        PackedUnit packed = read_packed_unit(folder.path(), 1312);
        expect_stored(packed.restored, folder.path() / unit_path(1312), "restored", store == Store::float32);
        const Hdf5File stored = Hdf5File::open(folder.path() / unit_path(1312));
        EXPECT_EQ(packed.content_digest, std::get<std::string>(stored.attribute("", "content_digest").value()));
        EXPECT_FALSE(packed.content.rows.restored.defined());
        packed.content.rows.restored = whole.rows.restored;
        EXPECT_TRUE(is_same(packed.content, whole));
        EXPECT_EQ(packed.content.rows.sigma_each, file.rows.sigma_each);
    }
}

// Whatever the record says behind a good seal: reading the whole file finds it, copying never leaves the file.
TEST(UnitFile, EveryChangedByteOfItsRecordIsFound) {
    const test_support::TemporaryFolder folder;
    commit_unit_file(folder.path(), example_unit());
    const std::filesystem::path path = folder.path() / unit_path(1312);
    const Parts good = parts_of(path);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.record.size(); ++at) {
        Parts changed = good;
        changed.record[at] = static_cast<char>(changed.record[at] ^ 0x15);
        changed.write(path);
        expect_line(message_of<FileError>([&] { read_unit_file(folder.path(), 1312); }), path.filename().string(),
                    "the record beside its seal does not say what it holds");
        try {
            const PackedUnit packed = read_packed_unit(folder.path(), 1312);
            for (std::int64_t image = 0; image < packed.restored.count(); ++image) packed.restored.chunk(image);
        } catch (const FileError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, good.record.size() / 4);
    std::vector<std::string> bad = {"", good.record.substr(0, 5), good.record.substr(0, good.record.size() - 1)};
    // In CBOR: an array and a map of 2⁶³ entries, a number, nothing.
    for (const char* start : {"\x9b\x80", "\xbb\x80", "\x01", "\xf6"}) {
        std::string record = start;
        if (record.size() > 1) record.append(7, '\0');
        const std::uint64_t size = record.size();
        bad.push_back(record.append(reinterpret_cast<const char*>(&size), sizeof size));
    }
    for (const std::string& record : bad) {
        Parts{good.hdf5, record}.write(path);
        EXPECT_THROW(read_unit_file(folder.path(), 1312), FileError);
        expect_line(message_of<FileError>([&] { read_packed_unit(folder.path(), 1312); }), path.filename().string(),
                    "has no record");
    }
}

TEST(UnitFile, FilesOfAnotherSchemaAreRefusedByBothReaders) {
    const test_support::TemporaryFolder folder;
    commit_unit_file(folder.path(), example_unit());
    const std::filesystem::path path = folder.path() / unit_path(1312);
    test_support::write_text(path, parts_of(path).hdf5);
    change_with_h5py(folder, path, "d.attrs.modify('schema', 3)");
    append_seal(path);
    for (const bool is_packed : {false, true}) {
        const auto read = [&] {
            if (is_packed) read_packed_unit(folder.path(), 1312);
            if (!is_packed) read_unit_file(folder.path(), 1312);
        };
        expect_line(message_of<FileError>(read), path.filename().string(), "has schema 3, this program reads 4");
    }
}

TEST(UnitFile, OtherFilesAreRefused) {
    const test_support::TemporaryFolder folder;
    expect_line(message_of<FileError>([&] { read_unit_file(folder.path(), 7); }), "unit-000007.h5: no such file");
    commit_unit_file(folder.path(), example_unit());
    std::filesystem::copy(folder.path() / unit_path(1312), folder.path() / unit_path(1313));
    expect_line(message_of<FileError>([&] { read_unit_file(folder.path(), 1313); }), "unit-001313.h5: holds unit 1312");
    expect_line(message_of<FileError>([&] { read_packed_unit(folder.path(), 1313); }),
                "unit-001313.h5: holds unit 1312");
    UnitFile uneven = example_unit();
    uneven.rows.psnr.pop_back();
    EXPECT_THROW(commit_unit_file(folder.path(), uneven), std::invalid_argument);
}

TEST(UnitFile, H5pyReadsIt) {
    const test_support::TemporaryFolder folder;
    commit_unit_file(folder.path(), example_unit());
    test_support::write_text(
        folder / "read.py",
        "import h5py\n"
        "d = h5py.File('" +
            (folder.path() / unit_path(1312)).string() +
            "')\n"
            "r = d['restored']\n"
            "print(r.shape, r.dtype, r.chunks, r.compression, r.compression_opts, r.shuffle, r.fletcher32)\n"
            "print(sorted(d['rows']), list(d['rows/status']), d['rows/image_name'].asstr()[1])\n"
            "print(d.attrs['unit'], d.attrs['nfe'], d.attrs['schema'], d.attrs['configuration'])\n"
            "print(len(d.attrs['content_digest']), '%.6f' % r[1, 2, 3, 1])\n");
    const auto result = test_support::run_command("/usr/bin/python3 " + (folder / "read.py").string());
    char value[32];
    std::snprintf(value, sizeof value, "%.6f", example_unit().rows.restored[1][1][2][3].item<double>());
    EXPECT_EQ(
        result.output,
        "(3, 8, 6, 3) float32 (1, 8, 6, 3) gzip 1 True True\n"
        "['class', 'image_error', 'image_hash', 'image_index', 'image_name', 'lpips', 'psnr', 'psnr_measurement', "
        "'psnr_unobserved', 'residual', 'sample', "
        "'ssim', 'status'] [0, 1, 2] ü/b.png\n"
        "1312 250 4 {\"method\":\"dps\",\"zeta\":0.3}\n64 " +
            std::string(value) + "\n")
        << result.errors;
}

TEST(MeasurementFile, ComesBackBitForBit) {
    const test_support::TemporaryFolder folder;
    const MeasurementFile file = example_measurement();
    commit_measurement_file(folder.path(), "box-24-0.05", 3, file);
    EXPECT_TRUE(std::filesystem::exists(folder / "measurements/box-24-0.05/block-0003.h5"));
    const MeasurementFile read = read_measurement_file(folder.path(), "box-24-0.05", 3);
    EXPECT_EQ(read.operator_name, file.operator_name);
    EXPECT_EQ(read.operator_settings, file.operator_settings);
    EXPECT_EQ(read.sigma_y, file.sigma_y);
    EXPECT_EQ(read.image_index, file.image_index);
    EXPECT_EQ(read.image_name, file.image_name);
    EXPECT_EQ(read.image_hash, file.image_hash);
    EXPECT_EQ(read.image_error, file.image_error);
    EXPECT_TRUE(read.truth.equal(file.truth));
    EXPECT_TRUE(read.y.equal(file.y));
    ASSERT_EQ(read.parameters.size(), 2U);
    EXPECT_TRUE(read.parameters.at("mask").equal(file.parameters.at("mask")));
    EXPECT_TRUE(read.parameters.at("kernel").equal(file.parameters.at("kernel")));
    EXPECT_EQ(temporaries_in(folder.path()), 0U);
}

TEST(MeasurementFile, ToBeCopiedItSaysTheSame) {
    for (const bool has_truth : {true, false}) {
        const test_support::TemporaryFolder folder;
        MeasurementFile file = example_measurement();
        if (!has_truth) {
            file.truth = at::Tensor();
            file.source_channels = {3, 1};
            file.source_bits = {8, 16};
            file.sigma_each = {0.1, std::numeric_limits<double>::quiet_NaN()};
            file.sigma_y = file.sigma_each[1];
        }
        commit_measurement_file(folder.path(), "x", 0, file);
        const std::filesystem::path path = folder.path() / measurement_path("x", 0);
        const PackedMeasurement packed = read_packed_measurement(folder.path(), "x", 0);
        EXPECT_EQ(packed.content.operator_name, file.operator_name);
        EXPECT_EQ(packed.content.operator_settings, file.operator_settings);
        EXPECT_TRUE(is_same(std::vector{packed.content.sigma_y}, std::vector{file.sigma_y}));
        EXPECT_EQ(packed.content.poisson_rate, file.poisson_rate);
        EXPECT_EQ(packed.content.image_index, file.image_index);
        EXPECT_EQ(packed.content.image_name, file.image_name);
        EXPECT_EQ(packed.content.image_hash, file.image_hash);
        EXPECT_EQ(packed.content.image_error, file.image_error);
        EXPECT_EQ(packed.content.source_channels, file.source_channels);
        EXPECT_EQ(packed.content.source_bits, file.source_bits);
        EXPECT_TRUE(is_same(packed.content.sigma_each, file.sigma_each));
        ASSERT_EQ(packed.content.parameters.size(), 1U);
        EXPECT_TRUE(packed.content.parameters.at("kernel").equal(file.parameters.at("kernel")));
        ASSERT_EQ(packed.parameters.size(), 1U);
        expect_stored(packed.parameters.at("mask"), path, "parameters/mask", false);
        expect_stored(packed.y, path, "y", true);
        if (has_truth) expect_stored(packed.truth, path, "truth", false);
        EXPECT_EQ(packed.truth.count(), has_truth ? 2 : 0);
    }
}

TEST(MeasurementFile, EveryDamagedByteIsFound) {
    const test_support::TemporaryFolder folder;
    const MeasurementFile file = example_measurement();
    commit_measurement_file(folder.path(), "x", 0, file);
    expect_damage_is_found(folder.path() / measurement_path("x", 0), [&] {
        const MeasurementFile read = read_measurement_file(folder.path(), "x", 0);
        return read.y.equal(file.y) && read.truth.equal(file.truth) && read.sigma_y == file.sigma_y &&
               read.image_name == file.image_name && read.image_error == file.image_error &&
               read.parameters.at("mask").equal(file.parameters.at("mask")) &&
               read.operator_settings == file.operator_settings;
    });
}

TEST(MeasurementFile, SameContentAtAnotherTimeGivesTheSameBytes) {
    const test_support::TemporaryFolder folder;
    commit_measurement_file(folder.path(), "a", 0, example_measurement());
    sleep(2);
    commit_measurement_file(folder.path(), "b", 0, example_measurement());
    EXPECT_TRUE(test_support::read_text(folder.path() / measurement_path("a", 0)) ==
                test_support::read_text(folder.path() / measurement_path("b", 0)));
}

TEST(MeasurementFile, LabelsAreNamesOfFolders) {
    for (const char* label : {"", ".", "..", "a/b", "../x"}) {
        EXPECT_THROW(measurement_path(label, 0), std::invalid_argument) << label;
    }
    UnitFile unit = example_unit();
    const test_support::TemporaryFolder folder;
    unit.unit = 0;
    commit_unit_file(folder.path(), unit);
    std::filesystem::create_directories(folder / "measurements/x");
    std::filesystem::copy(folder.path() / unit_path(0), folder.path() / measurement_path("x", 0));
    expect_line(message_of<FileError>([&] { read_measurement_file(folder.path(), "x", 0); }), "is a 'diffinv unit'");
}

}  // namespace pipeline
