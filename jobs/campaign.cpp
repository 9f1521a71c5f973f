#include "jobs/campaign.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

#include "jobs/job_error.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

namespace fs = std::filesystem;
using pipeline::printable;

constexpr std::string_view plan_name = "plan.json", images_name = "images.txt";
constexpr std::array<std::string_view, 3> own_folders = {"units", "measurements", "logs"};

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
    for (const std::string_view name : own_folders) {
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

/// True for an empty folder, and for one in which a run was stopped before its plan was frozen: its own three folders,
/// empty, and the first file or a part of it.
bool is_unused(const fs::path& folder) {
    std::error_code error;
    std::size_t own = 0, files = 0;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        const bool is_own_file = name == images_name || (name.starts_with(images_name) && name.ends_with(".tmp")) ||
                                 (name.starts_with(plan_name) && name.ends_with(".tmp"));
        if (std::ranges::find(own_folders, name) != own_folders.end()) {
            if (!entry.is_directory(error) || !fs::is_empty(entry.path(), error)) return false;
            ++own;
        } else if (is_own_file && entry.is_regular_file(error)) {
            ++files;
        } else {
            return false;
        }
    }
    if (error) throw EnvironmentError(printable(folder.string()) + ": cannot be listed: " + error.message());
    return files == 0 || own == own_folders.size();
}

/// Writes a file of the run that is whole or not there.
void freeze(const fs::path& file, const std::string& text) {
    try {
        pipeline::commit_bytes(file, text);
    } catch (const pipeline::FileError& failure) {
        throw EnvironmentError(std::string(failure.what()) + "; --output names another folder");
    }
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

/// All files below one of the run's own folders; none where it is missing.
template <typename Visit>
void for_each_file(const fs::path& folder, Visit visit) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) visit(entry.path());
    }
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
        // Where data and model lie, and the device, may have changed: the ranks read it from here.
        if (found.plan().to_json() != plan.to_json()) freeze(folder / plan_name, plan.to_json());
        return Campaign(folder, plan);
    }
    if (fs::is_directory(folder, error) && !is_unused(folder)) {
        throw JobError(printable(folder.string()) + ": holds files and no plan.json, so it is no run's folder; " +
                       "allowed: a new or empty folder, or one of the same job");
    }
    make_folders(folder);
    // plan.json last: a folder with it is whole.
    freeze(folder / images_name, image_list(plan, dataset));
    freeze(folder / plan_name, plan.to_json());
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
    // By their text: taking paths apart would be most of the time for 10⁵ files.
    const std::string prefix = (folder_ / "").native();
    for_each_file(folder_ / "units", [&](const fs::path& file) {
        std::int64_t number = -1;
        const std::string& name = file.native();
        const bool is_unit = read_unit_number(name.substr(name.rfind('/') + 1), number) && number >= 0 &&
                             number < plan_.unit_count() && name == prefix + pipeline::unit_path(number).native();
        if (is_unit) numbers.push_back(number);
    });
    std::ranges::sort(numbers);
    return numbers;
}

void Campaign::remove_temporaries() const {
    std::vector<fs::path> left;
    const auto add = [&](const fs::path& file) {
        if (file.extension() == ".tmp") left.push_back(file);
    };
    for (const char* name : {"units", "measurements"}) for_each_file(folder_ / name, add);
    for (const auto& entry : fs::directory_iterator(folder_)) {
        if (entry.is_regular_file()) add(entry.path());
    }
    for (const fs::path& path : left) fs::remove(path);
}

}  // namespace jobs
