#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "expect_error.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/sealed_file.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

std::string many_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 13);
    return bytes;
}

}  // namespace

// A small file is kept in memory, a large one read again: to the caller both are the same.
TEST(SealedFile, SmallAndLargeFilesAreReadAlike) {
    const test_support::TemporaryFolder folder;
    const std::filesystem::path path = folder / "sealed";
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, (std::size_t{1} << 24) - 78,
                                    (std::size_t{1} << 24) - 77, std::size_t{40'000'001}}) {
        const std::string content = many_bytes(count);
        test_support::write_text(path, content);
        append_seal(path);
        const SealedFile file(path);
        EXPECT_EQ(file.size(), count);
        EXPECT_TRUE(file.bytes(0, count) == content) << count;
        const std::size_t last = count - std::min<std::size_t>(count, 2);
        EXPECT_TRUE(file.bytes(last, count - last) == content.substr(last)) << count;
        EXPECT_EQ(file.bytes(count, 0), "");
        EXPECT_THROW(file.bytes(0, count + 1), FileError);
        EXPECT_THROW(file.bytes(count + 1, 0), FileError);
        EXPECT_THROW(file.bytes(1, static_cast<std::uint64_t>(-1)), FileError);
    }
}

TEST(SealedFile, DamageIsFoundInEveryPiece) {
    const test_support::TemporaryFolder folder;
    const std::filesystem::path path = folder / "sealed";
    for (const std::size_t count : {std::size_t{1000}, std::size_t{40'000'001}}) {
        test_support::write_text(path, many_bytes(count));
        append_seal(path);
        const std::string whole = test_support::read_text(path);
        for (const std::size_t at : {std::size_t{0}, count / 2, count - 1, count + 20}) {
            std::string damaged = whole;
            damaged[at] = static_cast<char>(damaged[at] ^ 1);
            test_support::write_text(path, damaged);
            expect_line(message_of<FileError>([&] { SealedFile{path}; }), "sealed: is damaged");
        }
    }
    test_support::write_text(path, "short");
    expect_line(message_of<FileError>([&] { SealedFile{path}; }), "sealed: is damaged or not of this program");
    expect_line(message_of<FileError>([&] { SealedFile{folder / "none"}; }), "none: no such file");
    EXPECT_THROW(SealedFile{folder.path()}, FileError);
}

}  // namespace pipeline
