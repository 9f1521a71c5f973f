#include "pipeline/data/commit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect_error.h"
#include "pipeline/data/file_error.h"
#include "tests/support/paths.h"

namespace pipeline {

namespace {

std::vector<std::string> files_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_directory()) names.push_back(entry.path().filename());
    }
    return names;
}

}  // namespace

TEST(Commit, FileIsThereWholeAndNothingElse) {
    const test_support::TemporaryFolder folder;
    commit_bytes(folder / "a/b/c.json", "first");
    commit_bytes(folder / "a/b/c.json", "second");
    EXPECT_EQ(test_support::read_text(folder / "a/b/c.json"), "second");
    EXPECT_EQ(files_in(folder.path()), std::vector<std::string>{"c.json"});
}

TEST(Commit, TemporaryNameIsInTheSameFolderAndSaysWhoWrites) {
    const test_support::TemporaryFolder folder;
    std::vector<std::string> names;
    for (int i = 0; i < 2; ++i) {
        commit_file(folder / "x.h5", [&](const std::filesystem::path& temporary) {
            EXPECT_EQ(temporary.parent_path(), folder.path());
            EXPECT_FALSE(std::filesystem::exists(temporary));
            test_support::write_text(temporary, "content");
            names.push_back(temporary.filename());
        });
    }
    char host[65] = "";
    gethostname(host, 64);
    for (const std::string& name : names) {
        EXPECT_TRUE(name.starts_with("x.h5.")) << name;
        EXPECT_TRUE(name.ends_with(".tmp")) << name;
        EXPECT_THAT(name, testing::HasSubstr("." + std::string(host) + "." + std::to_string(getpid()) + "."));
    }
    EXPECT_NE(names[0], names[1]);
}

TEST(Commit, FailedWriteLeavesTheOldFileAndNoTemporary) {
    const test_support::TemporaryFolder folder;
    commit_bytes(folder / "x", "old");
    EXPECT_THROW(commit_file(folder / "x",
                             [](const std::filesystem::path& temporary) {
                                 test_support::write_text(temporary, "half");
                                 throw std::runtime_error("disk on fire");
                             }),
                 std::runtime_error);
    EXPECT_EQ(test_support::read_text(folder / "x"), "old");
    EXPECT_EQ(files_in(folder.path()).size(), 1U);
}

TEST(Commit, FolderThatCannotBeMadeIsNamed) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "file", "x");
    expect_line(message_of<FileError>([&] { commit_bytes(folder / "file/inner/x", "y"); }), "/file: is not a folder");
    // A folder stands where the file should go.
    std::filesystem::create_directories(folder / "target/inner");
    expect_line(message_of<FileError>([&] { commit_bytes(folder / "target", "y"); }), "target: cannot be put in place");
    EXPECT_EQ(files_in(folder.path()), std::vector<std::string>{"file"});
}

// A limit on file size stands for a full disk: the write itself fails, in a process of its own.
TEST(Commit, WriteThatDoesNotFitLeavesTheOldFile) {
    const test_support::TemporaryFolder folder;
    commit_bytes(folder / "x", "old");
    const auto write_too_much = [&] {
        const rlimit limit{4096, 4096};
        setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, SIG_IGN);
        const std::string message = message_of<FileError>([&] { commit_bytes(folder / "x", std::string(10000, 'y')); });
        std::fprintf(stderr, "%s\n", message.c_str());
        std::_Exit(7);
    };
    EXPECT_EXIT(write_too_much(), testing::ExitedWithCode(7), "cannot be written: File too large");
    EXPECT_EQ(test_support::read_text(folder / "x"), "old");
    EXPECT_EQ(files_in(folder.path()).size(), 1U);
}

}  // namespace pipeline
