#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <cstddef>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "expect_error.h"
#include "pipeline/data/hdf5.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

/// Files written by h5py, honest and not.
class ForeignHdf5 : public testing::Test {
  protected:
    Hdf5File written(const std::string& script) const {
        const std::string path = (folder_ / "file.h5").string();
        test_support::write_text(folder_ / "script.py", "import h5py as h, numpy as np\nfolder = '" +
                                                            folder_.path().string() + "'\nd = h.File('" + path +
                                                            "', 'w')\n" + script + "\nd.close()\n");
        const auto result = test_support::run_command("/usr/bin/python3 '" + (folder_ / "script.py").string() + "'");
        EXPECT_EQ(result.exit_code, 0) << result.errors;
        return Hdf5File::open(path);
    }
    void expect_refused(const Hdf5File& file, const std::string& name, const std::string& reason) const {
        expect_line(message_of<Hdf5Error>([&] { file.read(name); }), "file.h5", name, reason);
    }
    test_support::TemporaryFolder folder_;
};

}  // namespace

TEST_F(ForeignHdf5, StringsOfEveryKind) {
    const Hdf5File file = written(
        "d['fixed'] = np.array([b'abc', b'de', b''], 'S5')\n"
        "d['variable'] = ['abc', 'ü', '']\n"
        "d.create_dataset('ascii', data=[b'x'], dtype=h.string_dtype('ascii'))\n"
        "d['one'] = 'scalar'\n"
        "t = h.h5t.C_S1.copy(); t.set_size(4); t.set_strpad(h.h5t.STR_SPACEPAD)\n"
        "s = h.h5d.create(d.id, b'padded', t, h.h5s.create_simple((2,)))\n"
        "s.write(h.h5s.ALL, h.h5s.ALL, np.array([b'a b ', b'    '], 'S4'), t)\n"
        "d.attrs['fixed'] = np.bytes_(b'ab'); d.attrs['variable'] = 'ü'; d.attrs['list'] = ['a', 'b']\n"
        "d.attrs['flag'] = True; d.attrs['half'] = np.float16(0.5); d.attrs['big'] = np.uint64(2**64 - 1)\n"
        "d.attrs['none'] = h.Empty('f')\n");
    EXPECT_EQ(file.read_strings("fixed"), (std::vector<std::string>{"abc", "de", ""}));
    EXPECT_EQ(file.read_strings("variable"), (std::vector<std::string>{"abc", "ü", ""}));
    EXPECT_EQ(file.read_strings("ascii"), std::vector<std::string>{"x"});
    EXPECT_EQ(file.read_strings("one"), std::vector<std::string>{"scalar"});
    EXPECT_EQ(file.read_strings("padded"), (std::vector<std::string>{"a b", ""}));
    EXPECT_EQ(std::get<std::string>(*file.attribute("", "fixed")), "ab");
    EXPECT_EQ(std::get<std::string>(*file.attribute("", "variable")), "ü");
    EXPECT_EQ(std::get<std::int64_t>(*file.attribute("", "flag")), 1);
    EXPECT_EQ(std::get<double>(*file.attribute("", "half")), 0.5);
    EXPECT_THROW(file.attribute("", "list"), Hdf5Error);
    EXPECT_THROW(file.attribute("", "big"), Hdf5Error);
    EXPECT_THROW(file.attribute("", "none"), Hdf5Error);
    expect_refused(file, "fixed", "not read as numbers");
}

TEST_F(ForeignHdf5, NumbersOfEveryKind) {
    const Hdf5File file = written(
        "for t in 'f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 >f4 >i8 ?'.split():\n"
        "    d[t] = (np.arange(3) > 0).astype(t) if t == '?' else np.arange(3).astype(t)\n"
        "d['u8'] = np.arange(3, dtype='u8'); d['c8'] = np.zeros(2, 'c8'); d['none'] = h.Empty('f')\n"
        "d.create_dataset('packed', data=np.arange(1000, dtype='f4').reshape(10, 100), compression='gzip', "
        "shuffle=True)\n"
        "d.create_dataset('lzf', data=np.arange(1000), compression='lzf')\n"
        "d.create_dataset('scaled', data=np.arange(1000), scaleoffset=0)\n");
    for (const char* name : {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", ">f4", ">i8"}) {
        EXPECT_TRUE(file.read(name).to(at::kLong).equal(at::arange(3))) << name;
    }
    EXPECT_EQ(file.read("f2").scalar_type(), at::kFloat);
    EXPECT_EQ(file.read("u2").scalar_type(), at::kInt);
    EXPECT_EQ(file.read("u4").scalar_type(), at::kLong);
    EXPECT_EQ(file.read("?").scalar_type(), at::kByte);
    EXPECT_EQ(file.read("?").sum().item<int>(), 2);
    EXPECT_TRUE(file.read("packed").flatten().equal(at::arange(1000).to(at::kFloat)));
    expect_refused(file, "u8", "not read as numbers");
    expect_refused(file, "c8", "not read as numbers");
    expect_refused(file, "none", "null dataspace");
    expect_refused(file, "lzf", "filter 32000 'lzf' is not read; allowed are deflate");
    expect_refused(file, "scaled", "is not read");
}

TEST_F(ForeignHdf5, NothingOutsideTheFileIsReached) {
    const Hdf5File file = written(
        "with h.File(folder + '/other.h5', 'w') as o: o['x'] = np.arange(4.0); o['g/y'] = np.arange(4.0)\n"
        "open(folder + '/raw', 'wb').write(b'secret!!' * 4)\n"
        "d['link'] = h.ExternalLink(folder + '/other.h5', '/x')\n"
        "d['group'] = h.ExternalLink(folder + '/other.h5', '/g')\n"
        "d['soft'] = h.SoftLink('/link'); d['real'] = np.arange(4.0); d['good'] = h.SoftLink('/real')\n"
        "d['dangling'] = h.SoftLink('/nothing')\n"
        "d.create_dataset('external', (4,), 'f8', external=[(folder + '/raw', 0, 32)])\n"
        "v = h.VirtualLayout((4,), 'f8'); v[:] = h.VirtualSource(folder + '/other.h5', 'x', (4,))\n"
        "d.create_virtual_dataset('virtual', v)\n");
    expect_refused(file, "link", "external links are not followed");
    expect_refused(file, "group/y", "external links are not followed");
    expect_refused(file, "soft", "H5Oopen failed");
    expect_refused(file, "external", "external storage is not read");
    expect_refused(file, "virtual", "virtual datasets are not read");
    EXPECT_TRUE(file.read("good").equal(at::arange(4).to(at::kDouble)));
    EXPECT_FALSE(file.has("dangling"));
    EXPECT_THROW(file.read("dangling"), Hdf5Error);
    EXPECT_EQ(file.children("").size(), 8U);
}

TEST_F(ForeignHdf5, AbsurdSizesAreRefusedBeforeMemoryIsTaken) {
    const Hdf5File file = written(
        "d.create_dataset('fill', (10**6, 10**6), 'f8', chunks=(10, 10))\n"
        "d.create_dataset('late', (10**5, 10**4), 'f8')\n"
        "d.create_dataset('chunk', (2**20, 2**9), 'f8', chunks=(2**19, 2**9), compression='gzip')\n"
        "d.create_dataset('axes', (2**40, 2**40), 'u1', chunks=(16, 16))\n"
        "d.create_dataset('names', (10**10,), h.string_dtype(), chunks=(10,))\n");
    expect_refused(file, "fill", "reading takes");
    expect_refused(file, "late", "reading takes");
    // A chunk is decoded whole, so one row of this one would take 2 GiB.
    expect_line(message_of<Hdf5Error>([&] { file.read_rows("chunk", 0, 1); }), "chunks are larger");
    expect_refused(file, "axes", "absurd");
    expect_line(message_of<Hdf5Error>([&] { file.read_strings("names"); }), "reading takes");
    // Rows of the same datasets are small enough.
    EXPECT_EQ(file.read_rows("fill", 999999, 1).size(1), 1000000);
}

// The packed values, where damage reaches furthest. Damage to metadata is HDF5's own to survive, and 1.10.8 does not
// always: our own files are therefore sealed (see content_file.h).
TEST_F(ForeignHdf5, EveryFlippedByteOfTheValuesIsAnErrorOrAValue) {
    const at::Tensor expected = at::arange(60).to(at::kFloat).reshape({3, 20});
    for (const char* options :
         {"compression='gzip', shuffle=True", "compression='gzip', fletcher32=True", "shuffle=True"}) {
        written("s = d.create_dataset('x', data=np.arange(60, dtype='f4').reshape(3, 20), chunks=(3, 20), " +
                std::string(options) +
                ")\nd.flush()\n"
                "i = s.id.get_chunk_info(0)\nopen(folder + '/where', 'w').write('%d %d' % (i.byte_offset, i.size))\n");
        std::istringstream where(test_support::read_text(folder_ / "where"));
        std::size_t first = 0;
        std::size_t size = 0;
        where >> first >> size;
        const std::string whole = test_support::read_text(folder_ / "file.h5");
        ASSERT_LE(first + size, whole.size());
        ASSERT_GT(size, 20U);
        int refused = 0;
        for (std::size_t at = first; at < first + size; ++at) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
            test_support::write_text(folder_ / "damaged.h5", damaged);
            try {
                const at::Tensor read = Hdf5File::open(folder_ / "damaged.h5").read("x");
                EXPECT_FALSE(read.equal(expected)) << options << ", byte " << at;
            } catch (const Hdf5Error& error) {
                ++refused;
                expect_line(error.what(), "damaged.h5: 'x'");
            }
        }
        // Nothing but a checksum (deflate has one too) can tell a changed value.
        EXPECT_EQ(refused, std::string(options) == "shuffle=True" ? 0 : static_cast<int>(size)) << options;
    }
}

TEST_F(ForeignHdf5, TruncatedFilesAreRefused) {
    written(
        "d.create_dataset('x', data=np.arange(6000, dtype='f4').reshape(3, 2000), compression='gzip')\nd['n'] = ['a', "
        "'bb']\n");
    const std::string whole = test_support::read_text(folder_ / "file.h5");
    for (std::size_t length = 0; length < whole.size(); length += 97) {
        test_support::write_text(folder_ / "cut.h5", whole.substr(0, length));
        EXPECT_THROW(Hdf5File::open(folder_ / "cut.h5").read("x"), Hdf5Error) << length;
    }
}

TEST_F(ForeignHdf5, ChunksThatUnpackToTooLittleAreRefused) {
    const Hdf5File file = written(
        "import zlib\n"
        "def put(name, packed, mask=0, **options):\n"
        "    s = d.create_dataset(name, (4, 25), 'f4', chunks=(2, 25), **options)\n"
        "    s.id.write_direct_chunk((2, 0), packed, mask)\n"
        "full = np.arange(50, dtype='f4').tobytes()\n"
        "put('good', zlib.compress(full), compression='gzip')\n"
        "put('short', zlib.compress(full[:100]), compression='gzip')\n"
        "put('long', zlib.compress(full * 2), compression='gzip')\n"
        "put('cut', zlib.compress(full)[:-9], compression='gzip')\n"
        "put('skipped', full, 1, compression='gzip')\n"
        "put('skipped_short', full[:100], 1, compression='gzip')\n"
        "d.create_dataset('all', data=np.arange(1000, dtype='i2').reshape(10, 100), chunks=(3, 7), compression='gzip', "
        "shuffle=True, fletcher32=True)\n");
    EXPECT_EQ(file.read("good")[3][24].item<float>(), 49);
    EXPECT_EQ(file.read("skipped")[3][24].item<float>(), 49);
    EXPECT_TRUE(file.read("all").flatten().equal(at::arange(1000).to(at::kShort)));
    for (const char* name : {"short", "long", "cut", "skipped_short"})
        expect_refused(file, name, "does not unpack to 200 bytes");
    // Rows of other chunks are read; those of the damaged one are not.
    EXPECT_EQ(file.read_rows("short", 1, 1).abs().sum().item<float>(), 0);
    EXPECT_THROW(file.read_rows("short", 1, 2), Hdf5Error);
}

TEST_F(ForeignHdf5, GoldenFilesAreReadWhole) {
    int datasets = 0;
    for (const char* topic : {"loader", "metrics", "networks", "operators", "samplers", "schedule"}) {
        const Hdf5File file = Hdf5File::open(test_support::golden_folder() / (std::string(topic) + ".h5"));
        for (std::vector<std::string> names = file.children(""); !names.empty();) {
            const std::string name = names.back();
            names.pop_back();
            for (const std::string& attribute : file.attribute_names(name)) {
                EXPECT_NO_THROW(file.attribute(name, attribute)) << topic << " " << name << "@" << attribute;
            }
            if (!file.is_group(name)) {
                EXPECT_EQ(file.read(name).sizes().vec(), file.shape(name)) << topic << " " << name;
                ++datasets;
                continue;
            }
            for (const std::string& child : file.children(name)) names.push_back(name + "/" + child);
        }
    }
    EXPECT_GT(datasets, 100);
    const Hdf5File operators = Hdf5File::open(test_support::golden_folder() / "operators.h5");
    EXPECT_EQ(operators.shape("gaussian_blur_61_3/kernel"), (std::vector<std::int64_t>{61, 61}));
    EXPECT_NEAR(operators.read("gaussian_blur_61_3/kernel").sum().item<double>(), 1, 1e-6);
}

}  // namespace pipeline
