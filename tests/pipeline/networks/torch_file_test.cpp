#include "pipeline/networks/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include "pipeline/data/hdf5.h"
#include "pipeline/networks/pickle.h"
#include "pipeline/networks/safetensors.h"
#include "tests/pipeline/networks/refusal.h"
#include "tests/pipeline/networks/torch_writer.h"
#include "tests/support/paths.h"

using testing::HasSubstr;
namespace tw = torch_writer;

namespace {

std::filesystem::path loader_file(const std::string& name) {
    return test_support::golden_folder() / "loader" / name;
}

pipeline::TensorMap read_torch_bytes(const std::string& bytes, std::vector<std::string>* notes = nullptr) {
    return pipeline::read_torch_file(std::as_bytes(std::span(bytes)), "here", notes);
}

std::string refused_torch(const std::string& bytes) {
    return refusal([&] { read_torch_bytes(bytes); });
}

/// The pickle of {"a": tensor}.
std::string state(const std::string& tensor) {
    return tw::protocol() + tw::dictionary({tw::text("a"), tensor}) + ".";
}

/// A zip file of one tensor over a storage of four floats.
std::string zip_of(const std::string& tensor, std::size_t floats = 4) {
    return tw::zip_file(state(tensor), {{"0", tw::floats(floats)}});
}

std::string refused_pickle(const std::string& pickle) {
    return refused_torch(tw::zip_file(pickle, {{"0", tw::floats(4)}}));
}

/// An archive that a change of its members was made to.
std::string zip_with(const std::function<void(tw::ZipWriter&)>& add, bool is_zip64 = false) {
    std::ostringstream out;
    tw::ZipWriter zip(out);
    add(zip);
    zip.finish(is_zip64);
    return out.str();
}

const std::string good_pickle = state(tw::tensor({}, 0, {2, 2}, {2, 1}));

}  // namespace

TEST(TorchFile, ViewsSlicesAndStridesHaveTheirValuesInBothContainers) {
    const auto golden = pipeline::Hdf5File::open(test_support::golden_folder() / "loader.h5");
    for (const char* name : {"views.pt", "views_legacy.pt", "plain_dict.pt", "nested.pt"}) {
        const pipeline::TensorMap tensors = pipeline::read_torch_file(loader_file(name));
        EXPECT_EQ(tensors.size(), 14U) << name;
        for (const auto& [key, tensor] : tensors) {
            const at::Tensor wanted = golden.read(key);
            EXPECT_TRUE(at::equal(tensor.to(at::kDouble).reshape(wanted.sizes()), wanted.to(at::kDouble)))
                << name << " " << key;
        }
        EXPECT_EQ(tensors.at("scalar").dim(), 0) << name;
        EXPECT_EQ(tensors.at("transposed").stride(0), 1) << name;
    }
}

TEST(TorchFile, HeadersAreThoseOfTheTensors) {
    const auto headers = pipeline::read_torch_headers(loader_file("views.pt"));
    EXPECT_EQ(headers.at("bf16").dtype, "BF16");
    EXPECT_EQ(headers.at("flag").dtype, "BOOL");
    EXPECT_EQ(headers.at("transposed").shape, (std::vector<std::int64_t>{10, 6}));
}

TEST(TorchFile, WrappersAreTakenOffAndSaidSo) {
    std::vector<std::string> notes;
    const std::string weights = tw::dictionary({tw::text("a"), tw::tensor({}, 0, {4}, {1})});
    const std::string other = tw::dictionary({tw::text("b"), tw::tensor({}, 0, {4}, {1})});
    for (const char* wrapper : {"ema", "ema_model", "model", "state_dict", "model_state_dict"}) {
        notes.clear();
        const std::string pickle =
            tw::protocol() + tw::dictionary({tw::text("epoch"), tw::integer(7), tw::text(wrapper), weights}) + ".";
        EXPECT_EQ(read_torch_bytes(tw::zip_file(pickle, {{"0", tw::floats(4)}}), &notes).count("a"), 1U);
        ASSERT_EQ(notes.size(), 1U);
        EXPECT_THAT(notes[0], HasSubstr("under '" + std::string(wrapper) + "'"));
    }
    // Where both are there, the average of the weights is what the field samples with
    const std::string both =
        tw::protocol() + tw::dictionary({tw::text("model"), other, tw::text("ema"), weights}) + ".";
    EXPECT_EQ(read_torch_bytes(tw::zip_file(both, {{"0", tw::floats(4)}})).count("a"), 1U);
}

TEST(TorchFile, ForeignGlobalsAreRefusedByTheirName) {
    for (const char* name : {"forbidden_global.pt", "forbidden_reduce.pt", "forbidden_reduce_legacy.pt"}) {
        EXPECT_THAT(refusal([&] { pipeline::read_torch_file(loader_file(name)); }),
                    HasSubstr("it names the global posix.getcwd"))
            << name;
    }
    EXPECT_THAT(refused_pickle(state(tw::call(tw::global("os", "system"), tw::tuple({tw::text("true")})))),
                HasSubstr("it names the global os.system"));
    EXPECT_THAT(refused_pickle(state(tw::global("argparse", "Name\x1bspace"))), HasSubstr("argparse.Name\\x1bspace"));
    EXPECT_THAT(refused_pickle(state(tw::call(tw::global("torch", "FloatStorage"), tw::tuple({})))),
                HasSubstr("it calls torch.FloatStorage"));
}

TEST(TorchFile, TensorsStayInTheirStorage) {
    EXPECT_EQ(refused_torch(zip_of(tw::tensor({}, 0, {2, 2}, {2, 1}))), "");
    EXPECT_EQ(refused_torch(zip_of(tw::tensor({}, 3, {1}, {1}))), "");
    EXPECT_EQ(refused_torch(zip_of(tw::tensor({}, 4, {0}, {1}))), "");
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 4, {1}, {1}))), HasSubstr("beyond its storage"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 1, {2, 2}, {2, 1}))), HasSubstr("beyond its storage"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 0, {2147483647, 2147483647}, {2147483647, 2147483647}))),
                HasSubstr("beyond its storage"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 0, {5}, {0}))), HasSubstr("more elements than its storage"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 5, {0}, {1}))), HasSubstr("beyond its storage"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, -1, {1}, {1}))), HasSubstr("other arguments"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 0, {2}, {-1}))), HasSubstr("other arguments"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 0, {2}, {1, 1}))), HasSubstr("other arguments"));
}

TEST(TorchFile, StoragesHaveTheSizeThatThePickleSays) {
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({}, 0, {4}, {1}), 5)), HasSubstr("has 20 bytes, expected 16"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({.key = "1"}, 0, {4}, {1}))), HasSubstr("storage '1' of a is missing"));
    EXPECT_THAT(refused_torch(zip_of(tw::tensor({.type = "ComplexFloatStorage"}, 0, {4}, {1}))),
                HasSubstr("the global torch.ComplexFloatStorage"));
}

TEST(TorchFile, PicklesThatAreNoStateDictionaryAreRefused) {
    EXPECT_THAT(refused_pickle(tw::protocol() + tw::integer(3) + "."), HasSubstr("holds no state dictionary"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "}."), HasSubstr("is empty"));
    EXPECT_THAT(refused_pickle(state(tw::integer(1))), HasSubstr("'a' is no tensor"));
    EXPECT_THAT(refused_pickle("\x80\x04."), HasSubstr("protocol 4, read is 2"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "\x93."), HasSubstr("instruction 0x93"));
    EXPECT_THAT(refused_pickle(tw::protocol()), HasSubstr("the file ends inside it"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "a."), HasSubstr("lacks its operand"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "t."), HasSubstr("lacks its mark"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "NN."), HasSubstr("2 values"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "}(" + tw::text("a") + "u."), HasSubstr("a key that has no value"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "h\x05."), HasSubstr("memo entry 5 does not exist"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "Nq\x07."), HasSubstr("memo entry 7 is out of turn"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "X\xff\xff\xff\x7f."), HasSubstr("a text of 2147483647 bytes"));
    EXPECT_THAT(refused_pickle(tw::protocol() + "}}b."), HasSubstr("BUILD"));
}

TEST(TorchFile, AListThatHoldsItselfEndsInOneSentence) {
    const std::string pickle = tw::protocol() + "]q" + std::string(1, '\0') + "h" + std::string(1, '\0') + "a.";
    EXPECT_THAT(refused_pickle(pickle), HasSubstr("holds no state dictionary"));
}

TEST(TorchFile, RepeatedUseOfALongListIsCut) {
    // Each round of five bytes would copy a list of two hundred thousand
    std::string pairs;
    for (int i = 0; i < 1000; ++i) pairs += "h\x01";
    std::string pickle = tw::protocol() + tw::global("collections", "OrderedDict") + "q" + std::string(1, '\0') +
                         tw::tuple({tw::text("k"), "N"}) + "q\x01" + "](" + pairs + "eq\x02";
    for (int i = 0; i < 100000; ++i) pickle += std::string("h") + std::string(1, '\0') + "h\x02\x85R";
    EXPECT_THAT(refused_pickle(pickle + "."), HasSubstr("items"));
}

TEST(TorchFile, Zip64ArchivesAreRead) {
    const auto add = [](tw::ZipWriter& zip) {
        zip.add("archive/data.pkl", good_pickle);
        zip.add("archive/data/0", tw::floats(4));
    };
    for (const bool is_zip64 : {false, true}) {
        const std::string bytes = zip_with(add, is_zip64);
        EXPECT_TRUE(at::equal(read_torch_bytes(bytes).at("a"), at::tensor({0.0F, 1.0F, 2.0F, 3.0F}).view({2, 2})));
    }
}

TEST(TorchFile, ArchivesThatTorchNeverWritesAreRefused) {
    const auto refused_zip = [](const std::function<void(tw::ZipWriter&)>& add) {
        return refused_torch(zip_with(add));
    };
    EXPECT_THAT(refused_zip([](tw::ZipWriter& zip) { zip.add("archive/data.pkl", good_pickle, 8); }),
                HasSubstr("is compressed"));
    EXPECT_THAT(refused_zip([](tw::ZipWriter& zip) { zip.add("data.pkl", good_pickle); }), HasSubstr("no member"));
    EXPECT_THAT(refused_zip([](tw::ZipWriter& zip) {
                    zip.add("archive/data.pkl", good_pickle);
                    zip.add("archive/data.pkl", good_pickle);
                }),
                HasSubstr("two members are named"));
    EXPECT_THAT(refused_zip([](tw::ZipWriter& zip) {
                    zip.add("archive/data.pkl", good_pickle);
                    zip.add("archive/byteorder", "big");
                }),
                HasSubstr("byte order is 'big'"));
    EXPECT_THAT(refused_zip([](tw::ZipWriter& zip) {
                    zip.add("archive/data.pkl", good_pickle);
                    zip.add("archive/constants.pkl", good_pickle);
                }),
                HasSubstr("TorchScript"));
}

TEST(TorchFile, EveryTruncationIsRefused) {
    const std::string zip = zip_of(tw::tensor({}, 0, {4}, {1}));
    const std::string legacy =
        tw::legacy_file(state(tw::tensor({.is_legacy = true}, 0, {4}, {1})), {{"0", tw::floats(4)}});
    EXPECT_EQ(refused_torch(zip), "");
    EXPECT_EQ(refused_torch(legacy), "");
    for (const std::string& whole : {zip, legacy}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_NE(refused_torch(whole.substr(0, size)), "") << size << " of " << whole.size();
        }
    }
    EXPECT_THAT(refused_torch(legacy + "x"), HasSubstr("1 bytes after the last storage"));
}

TEST(TorchFile, LegacyContainersAreHeldToTheirWord) {
    const std::string pickle = state(tw::tensor({.is_legacy = true}, 0, {4}, {1}));
    EXPECT_THAT(refused_torch(tw::legacy_file(pickle, {{"0", tw::floats(5)}})),
                HasSubstr("has 5 elements, its pickle says 4"));
    EXPECT_THAT(refused_torch(tw::legacy_file(pickle, {{"9", tw::floats(4)}})),
                HasSubstr("a storage that nothing uses"));
    EXPECT_THAT(refused_torch(tw::legacy_file(pickle, {})), HasSubstr("is missing"));
    EXPECT_THAT(refused_torch(tw::protocol() + tw::integer(5) + "."), HasSubstr("none of torch.save"));
    const std::string view = tw::tuple({tw::text("storage"), tw::global("torch", "FloatStorage"), tw::text("0"),
                                        tw::text("cpu"), tw::integer(4), tw::tuple({})}) +
                             "Q";
    EXPECT_THAT(refused_torch(tw::legacy_file(state(view), {{"0", tw::floats(4)}})), HasSubstr("a view of another"));
}
