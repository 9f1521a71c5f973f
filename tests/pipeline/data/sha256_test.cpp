#include "pipeline/data/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "expect_error.h"
#include "pipeline/data/file_error.h"
#include "tests/support/paths.h"

namespace pipeline {

// FIPS 180-4 example values and the long message of NIST's test suite.
TEST(Sha256, KnownAnswers) {
    EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesOfAnySizeGiveTheSameDigest) {
    const std::string text(1000, 'x');
    for (std::size_t piece = 1; piece < 200; ++piece) {
        Sha256 hash;
        for (std::size_t at = 0; at < text.size(); at += piece) hash.update(text.substr(at, piece));
        ASSERT_EQ(hash.finish(), sha256(text)) << piece;
    }
}

// Every place of the padding: lengths around one and two blocks, against the system's own program.
TEST(Sha256, EveryLengthAgreesWithSha256sum) {
    const test_support::TemporaryFolder folder;
    std::string expected;
    for (std::size_t length = 0; length <= 130; ++length) {
        const std::string text(length, static_cast<char>('a' + length % 26));
        test_support::write_text(folder / (std::to_string(1000 + length)), text);
        expected += sha256_of_file(folder / std::to_string(1000 + length)) + "\n";
    }
    const auto result = test_support::run_command("cd '" + folder.path().string() + "' && sha256sum * | cut -c1-64");
    EXPECT_EQ(result.output, expected);
}

TEST(Sha256, MissingFileIsAnErrorThatNamesIt) {
    expect_line(message_of<FileError>([] { sha256_of_file("/nowhere/file"); }), "/nowhere/file: ", "No such file");
}

// Processor time, since the machine may be shared.
TEST(Sha256, SpeedIsAtLeast150MegabytesASecond) {
    const std::string text(std::size_t{1} << 24, 'x');
    double best = 1e9;
    for (int repeat = 0; repeat < 8; ++repeat) {
        const std::clock_t begin = std::clock();
        ASSERT_EQ(sha256(text).size(), 64U);
        best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    const double megabytes_per_second = static_cast<double>(text.size()) / 1e6 / best;
    std::printf("sha256: %.0f MB/s\n", megabytes_per_second);
#ifdef NDEBUG
    EXPECT_GT(megabytes_per_second, 150);
#endif
}

TEST(FileError, ControlCharactersAndBrokenUtf8AreEscaped) {
    EXPECT_EQ(printable("plain ü 日本 😀.png"), "plain ü 日本 😀.png");
    EXPECT_EQ(printable("a\x1b[31m\n\t\x7f"), "a\\x1b[31m\\x0a\\x09\\x7f");
    EXPECT_EQ(printable("\xff\xc3(\xc0\xaf\xed\xa0\x80"), "\\xff\\xc3(\\xc0\\xaf\\xed\\xa0\\x80");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m \xe2\x80\xae"),
              "\\xc2\\x9b31m \\xe2\\x80\\xae");
    EXPECT_EQ(printable(std::string("\0", 1)), "\\x00");
    EXPECT_EQ(printable("\xf0\x9f"), "\\xf0\\x9f");
    EXPECT_STREQ(FileError("a\nb.png", "bad\r").what(), "a\\x0ab.png: bad\\x0d");
}

}  // namespace pipeline
