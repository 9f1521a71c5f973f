#include "jobs/campaign.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "jobs/job_error.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

namespace fs = std::filesystem;
using pipeline::printable;

constexpr auto plan_name = "plan.json";

std::string text_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) throw JobError(printable(path.string()) + ": cannot be read");
    return text.str();
}

/// Makes the folders of a run, or says in one line why not.
void make_folders(const fs::path& folder) {
    std::error_code error;
    for (const char* name : {"units", "measurements", "logs"}) {
        fs::create_directories(folder / name, error);
        if (error) break;
    }
    if (!error && access(folder.c_str(), W_OK) != 0) error = std::error_code(errno, std::generic_category());
    if (error) {
        throw EnvironmentError(printable(folder.string()) + ": cannot be written: " + error.message() +
                               "; --output names another folder");
    }
}

std::string image_list(const SweepPlan& plan, const pipeline::Dataset* dataset) {
    std::string list;
    for (const std::int64_t image : plan.images()) list += printable(dataset->name(image)) + "\n";
    return list;
}

/// "unit-000312.h5" → 312.
bool read_unit_number(const std::string& name, std::int64_t& number) {
    constexpr std::string_view prefix = "unit-", suffix = ".h5";
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) return false;
    const char* begin = name.data() + prefix.size();
    const char* end = name.data() + name.size() - suffix.size();
    const auto [stop, error] = std::from_chars(begin, end, number);
    return error == std::errc{} && stop == end;
}

}  // namespace

Campaign::Campaign(fs::path folder, SweepPlan plan) : folder_(std::move(folder)), plan_(std::move(plan)) {}

Campaign Campaign::create_or_continue(const fs::path& folder, const SweepPlan& plan, const pipeline::Dataset* dataset) {
    std::error_code error;
    if (fs::exists(folder / plan_name, error)) {
        const Campaign found = open(folder);
        if (found.plan().digest() != plan.digest()) {
            throw JobError(printable(folder.string()) + ": belongs to another job: " +
                           SweepPlan::difference(found.plan(), plan) + "; allowed: the same job, or another --output");
        }
        make_folders(folder);
        // Where data and model lie, and the device, may differ from the first time.
        return Campaign(folder, plan);
    }
    if (fs::is_directory(folder, error) && !fs::is_empty(folder, error)) {
        throw JobError(printable(folder.string()) + ": holds files and no plan.json, so it is no run's folder; " +
                       "allowed: a new or empty folder, or one of the same job");
    }
    make_folders(folder);
    // plan.json last: a folder with it is whole.
    pipeline::commit_bytes(folder / "images.txt", image_list(plan, dataset));
    pipeline::commit_bytes(folder / plan_name, plan.to_json());
    return Campaign(folder, plan);
}

Campaign Campaign::open(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder / plan_name, error)) {
        throw JobError(printable(folder.string()) + ": is no run's folder: there is no plan.json in it");
    }
    return Campaign(folder, SweepPlan::from_json(text_of(folder / plan_name)));
}

std::vector<std::int64_t> Campaign::committed() const {
    std::vector<std::int64_t> numbers;
    const std::int64_t count = plan_.unit_count();
    for (const auto& group : fs::directory_iterator(folder_ / "units")) {
        if (!group.is_directory()) continue;
        for (const auto& entry : fs::directory_iterator(group.path())) {
            std::int64_t number = -1;
            if (read_unit_number(entry.path().filename().string(), number) && number >= 0 && number < count) {
                numbers.push_back(number);
            }
        }
    }
    std::ranges::sort(numbers);
    return numbers;
}

void Campaign::remove_temporaries() const {
    std::vector<fs::path> left;
    for (const char* name : {"units", "measurements"}) {
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
            if (entry.path().extension() == ".tmp") left.push_back(entry.path());
        }
    }
    for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.is_regular_file() && entry.path().extension() == ".tmp") left.push_back(entry.path());
    }
    for (const fs::path& path : left) fs::remove(path);
}

}  // namespace jobs
