#include "jobs/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "jobs/job_error.h"
#include "jobs/journal_line.h"
#include "tests/support/paths.h"

namespace {

using jobs::Journal;
using jobs::JournalEntry;
using jobs::read_journal;
using test_support::TemporaryFolder;

const std::vector<JournalEntry> written = {
    {.event = "run", .rank = 0, .time = 1764000000.25, .host = "node1"},
    {.event = "assigned", .unit = 12, .rank = 1, .time = 1764000001},
    {.event = "committed",
     .unit = 12,
     .rank = 1,
     .time = 1764000009.5,
     .seconds = 8.125,
     .seconds_sampling = 7.5,
     .diverged = 1,
     .unreadable = 2,
     .host = "node1",
     .device = "cpu"},
    {.event = "failed", .unit = 13, .rank = 2, .time = 1764000010, .reason = "no {room}\n\"left\""},
};

void append_all(const std::filesystem::path& folder) {
    Journal journal(folder);
    for (const JournalEntry& entry : written) journal.append(entry);
    journal.sync();
}

void expect_same(const JournalEntry& read, const JournalEntry& entry) {
    EXPECT_EQ(read.event, entry.event);
    EXPECT_EQ(read.unit, entry.unit);
    EXPECT_EQ(read.rank, entry.rank);
    EXPECT_EQ(read.time, entry.time);
    EXPECT_EQ(read.seconds, entry.seconds);
    EXPECT_EQ(read.seconds_sampling, entry.seconds_sampling);
    EXPECT_EQ(read.diverged, entry.diverged);
    EXPECT_EQ(read.unreadable, entry.unreadable);
    EXPECT_EQ(read.host, entry.host);
    EXPECT_EQ(read.device, entry.device);
    EXPECT_EQ(read.reason, entry.reason);
}

}  // namespace

TEST(Journal, WhatIsAppendedIsRead) {
    const TemporaryFolder folder;
    EXPECT_TRUE(read_journal(folder.path()).empty());
    append_all(folder.path());
    append_all(folder.path());
    const auto read = read_journal(folder.path());
    ASSERT_EQ(read.size(), 2 * written.size());
    for (std::size_t i = 0; i < read.size(); ++i) expect_same(read[i], written[i % written.size()]);
}

TEST(Journal, CutAtAnyByteItLosesOnlyTheLineThatWasCut) {
    const TemporaryFolder folder;
    append_all(folder.path());
    const std::string text = test_support::read_text(folder / "journal.jsonl");
    for (std::size_t length = 0; length <= text.size(); ++length) {
        // A whole line without its line break is a whole entry.
        std::size_t whole = static_cast<std::size_t>(
            std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length), '\n'));
        if (length < text.size() && text[length] == '\n') ++whole;

        test_support::write_text(folder / "journal.jsonl", text.substr(0, length));
        const auto read = read_journal(folder.path());
        ASSERT_EQ(read.size(), whole) << length;
        for (std::size_t i = 0; i < whole; ++i) expect_same(read[i], written[i]);

        // The next run's entries are not lost with it.
        append_all(folder.path());
        const auto continued = read_journal(folder.path());
        ASSERT_EQ(continued.size(), whole + written.size()) << length;
        for (std::size_t i = 0; i < written.size(); ++i) expect_same(continued[whole + i], written[i]);
    }
}

TEST(Journal, ForeignLinesArePassedOver) {
    const TemporaryFolder folder;
    test_support::write_text(folder / "journal.jsonl",
                             "hello\n[1, 2]\n{\"unit\": 3}\n{\"event\": 4}\n{\"event\": \"run\", \"unit\": \"x\"}\n"
                             "\xff\xfe\n\n{\"event\": \"run\", \"new\": true}\n");
    const auto read = read_journal(folder.path());
    ASSERT_EQ(read.size(), 1u);
    EXPECT_EQ(read[0].event, "run");
}

// Two ways of reading a line are one: on all that is written, and on all that is nearly that.
TEST(JournalLine, IsReadAsTheJsonLibraryReadsIt) {
    std::vector<std::string> lines = {R"({"event":"run"})",
                                      R"({"event":"run","new":"x"})",
                                      R"({"unit":1})",
                                      R"({})",
                                      "",
                                      "{",
                                      R"({"event":"run",})",
                                      R"({"event":"run"} )",
                                      R"({"event":"run"}x)",
                                      R"({"event":"run","event":"died"})",
                                      R"({"event":1})",
                                      R"({"event":"run","host":"\u00e4"})",
                                      R"({"event":"run","host":"ä"})",
                                      "{\"event\":\"run\",\"host\":\"\xff\"}",
                                      "{\"event\":\"run\",\"host\":\"a\tb\"}",
                                      "{\"event\":\"run\",\"host\":\"a\x7f\"}"};
    for (const char* number : {"0",
                               "-0",
                               "-1",
                               "01",
                               "-01",
                               "+1",
                               "1.",
                               ".5",
                               "1.5",
                               "-0.25",
                               "1e3",
                               "1E-3",
                               "1.5e300",
                               "1e999",
                               "9223372036854775807",
                               "9223372036854775808",
                               "-9223372036854775809",
                               "4294967297",
                               "123456789012345678901234567890",
                               "0.1000000000000000055511151231257827",
                               "4.9e-324",
                               "1764000001.2524235",
                               "",
                               "-",
                               "nan",
                               "inf",
                               "true",
                               "null",
                               "[1]",
                               "\"1\""}) {
        for (const char* key :
             {"unit", "rank", "time", "seconds", "seconds_sampling", "diverged", "unreadable", "host"}) {
            lines.push_back(std::string(R"({"event":"committed",")") + key + "\":" + number + "}");
        }
    }
    const TemporaryFolder folder;
    append_all(folder.path());
    std::istringstream text(test_support::read_text(folder / "journal.jsonl"));
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
        for (std::size_t at = 0; at < line.size(); ++at) {
            lines.push_back(line.substr(0, at));
            for (const char changed : {'"', '}', ',', '1', '.', '-', '\\', ' '}) {
                lines.push_back(line);
                lines.back()[at] = changed;
            }
        }
    }
    int entries = 0;
    for (const std::string& line : lines) {
        JournalEntry quick, any;
        const bool is_entry = jobs::read_any_journal_line(line, any);
        ASSERT_EQ(jobs::read_journal_line(line, quick), is_entry) << line;
        if (!is_entry) continue;
        SCOPED_TRACE(line);
        expect_same(quick, any);
        ++entries;
    }
    EXPECT_GT(entries, 1000);
}

TEST(Journal, TextThatIsNoUnicodeDoesNotEndARun) {
    const TemporaryFolder folder;
    Journal(folder.path()).append({.event = "failed", .unit = 1, .reason = "photo\xff.png"});
    ASSERT_EQ(read_journal(folder.path()).size(), 1u);
}

TEST(Journal, FolderThatCannotBeWrittenIsTheEnvironmentsFault) {
    const TemporaryFolder folder;
    EXPECT_THROW(Journal(folder / "absent"), jobs::EnvironmentError);
}

TEST(JournalFiles, AreMergedByTimeAndKeepTheirOwnOrder) {
    const TemporaryFolder folder;
    const auto append = [&](const std::string& name, const std::vector<std::pair<double, int>>& times_and_units) {
        Journal journal(folder.path(), name);
        for (const auto& [time, unit] : times_and_units) {
            journal.append({.event = "assigned", .unit = unit, .rank = 1, .time = time});
        }
    };
    append("journal-shard-2-of-2.jsonl", {{1, 20}, {3, 21}, {9, 22}});
    append("journal-shard-1-of-2.jsonl", {{1, 10}, {8, 11}, {2, 12}});  // its clock was set back
    append("journal.jsonl", {{1, 0}, {5, 1}});
    for (const char* foreign : {"journal.txt", "journal.jsonl.bak", "my-journal.jsonl", "journalist.jsonl"}) {
        test_support::write_text(folder / foreign, "{\"event\": \"run\"}\n");
    }
    std::filesystem::create_directory(folder / "journal-folder.jsonl");
    std::vector<std::int64_t> units;
    for (const JournalEntry& entry : read_journal(folder.path())) units.push_back(entry.unit);
    EXPECT_EQ(units, (std::vector<std::int64_t>{0, 10, 20, 21, 1, 11, 12, 22}));
    EXPECT_EQ(read_journal(folder.path())[1].journal, "journal-shard-1-of-2.jsonl");
}

TEST(JournalFiles, LongOnesAreReadToTheirEnd) {
    const TemporaryFolder folder;
    {
        Journal journal(folder.path());
        for (int unit = 0; unit < 1000; ++unit) journal.append({.event = "assigned", .unit = unit, .rank = 1});
    }
    std::int64_t next = 0;
    jobs::for_each_journal_entry(folder.path(), [&](const JournalEntry& entry) { EXPECT_EQ(entry.unit, next++); });
    EXPECT_EQ(next, 1000);
}

TEST(JournalFiles, HaveNamesOfTheirKind) {
    const TemporaryFolder folder;
    for (const char* name : {"", "log.jsonl", "journal.txt", "journal-../x.jsonl", "../journal.jsonl"}) {
        EXPECT_THROW(Journal(folder.path(), name), std::invalid_argument) << name;
    }
}
