#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Include {
    std::string file;    // relative to the checkout
    std::string header;  // as written
    int line = 0;
};

/// Every include line of the C++, CUDA and header files under a folder.
std::vector<Include> includes_under(const std::string& folder) {
    static const std::regex pattern(R"re(^\s*#\s*include\s*[<"]([^>"]+)[>"])re");
    const fs::path root = DIFFINV_SOURCE_DIR;
    const std::set<std::string> extensions = {".h", ".hpp", ".cpp", ".cu", ".cuh"};
    std::vector<Include> found;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
        if (!entry.is_regular_file() || !extensions.contains(entry.path().extension().string())) continue;
        std::ifstream file(entry.path());
        std::string text;
        for (int line = 1; std::getline(file, text); ++line) {
            std::smatch match;
            if (std::regex_search(text, match, pattern)) {
                found.push_back({fs::relative(entry.path(), root).string(), match[1], line});
            }
        }
    }
    return found;
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const std::string& prefix) { return text.starts_with(prefix); });
}

/// Lists the includes of `folder` that start with one of `forbidden`, except in files that start with one of `allowed`.
std::string offenders(const std::string& folder, const std::vector<std::string>& forbidden,
                      const std::vector<std::string>& allowed = {}) {
    std::string list;
    for (const Include& include : includes_under(folder)) {
        if (starts_with_any(include.header, forbidden) && !starts_with_any(include.file, allowed)) {
            list += include.file + ":" + std::to_string(include.line) + " includes " + include.header + "\n";
        }
    }
    return list;
}

const std::vector<std::string> rooms = {"operators", "pipeline", "jobs", "cluster", "workers"};

}  // namespace

TEST(Arrows, EveryRoomHasSources) {
    for (const std::string& room : rooms) EXPECT_GT(includes_under(room).size(), 5u) << room;
}

TEST(Arrows, IncludesPointOneWay) {
    const std::map<std::string, std::vector<std::string>> forbidden = {
        {"operators", {"pipeline/", "jobs/", "cluster/", "workers/", "tests/"}},
        {"pipeline", {"jobs/", "cluster/", "workers/", "tests/"}},
        {"jobs", {"cluster/", "workers/", "tests/"}},
        {"cluster", {"operators/", "pipeline/", "jobs/", "workers/", "tests/"}},
        {"workers", {"tests/"}},
    };
    for (const std::string& room : rooms) EXPECT_EQ(offenders(room, forbidden.at(room)), "");
}

TEST(Arrows, OurHeadersAreNamedFromTheRoot) {
    for (const std::string& room : rooms) EXPECT_EQ(offenders(room, {"./", "../"}), "");
}

TEST(Arrows, OnlyClusterAndWorkersNameMpi) {
    for (const std::string room : {"operators", "pipeline", "jobs"}) EXPECT_EQ(offenders(room, {"mpi.h", "mpi-ext.h"}), "");
}

TEST(Arrows, OnlyClusterNamesNccl) {
    for (const std::string room : {"operators", "pipeline", "jobs", "workers"}) EXPECT_EQ(offenders(room, {"nccl.h"}), "");
}

TEST(Arrows, OnlyTheJobFileIncludesBoost) {
    for (const std::string& room : rooms) EXPECT_EQ(offenders(room, {"boost/"}, {"jobs/job_file."}), "");
}

TEST(Arrows, Hdf5IsReachedThroughOneDoor) {
    for (const std::string& room : rooms) EXPECT_EQ(offenders(room, {"hdf5.h", "hdf5_hl.h", "H5"}, {"pipeline/data/hdf5"}), "");
    // The program `inspect` shows a results file, `report` reads one, `merge` writes one: nobody else opens HDF5.
    EXPECT_EQ(offenders("operators", {"pipeline/data/hdf5.h"}), "");
    EXPECT_EQ(offenders("cluster", {"pipeline/data/hdf5.h"}), "");
    EXPECT_EQ(offenders("pipeline", {"pipeline/data/hdf5.h"}, {"pipeline/data/"}), "");
}

TEST(Arrows, NetworksSamplersAndKernelsStandWithoutData) {
    for (const std::string folder : {"pipeline/diffusion", "pipeline/networks", "pipeline/samplers", "pipeline/metrics"}) {
        EXPECT_EQ(offenders(folder, {"pipeline/data/"}), "");
    }
}

TEST(Arrows, HeadersKeepLibTorchNarrow) {
    for (const std::string& room : rooms) EXPECT_EQ(offenders(room, {"torch/torch.h", "torch/nn", "ATen/ATen.h"}), "");
}
