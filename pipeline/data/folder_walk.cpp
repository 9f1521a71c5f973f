#include "pipeline/data/folder_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <set>
#include <system_error>
#include <utility>

#include "pipeline/data/file_error.h"

namespace pipeline {

namespace {

class FolderWalk {
  public:
    FolderWalk(std::filesystem::path root, const std::function<bool(const std::string&)>& is_wanted)
        : root_(std::move(root)), is_wanted_(is_wanted) {
        walk("");
        for (; !linked_.empty(); linked_.pop_front()) walk(linked_.front());
        std::sort(names_.begin(), names_.end());
    }
    std::vector<std::string> take_names() { return std::move(names_); }

  private:
    void walk(const std::string& prefix) {
        const std::filesystem::path folder = root_ / prefix;
        struct stat status {};
        if (::stat(folder.c_str(), &status) != 0) throw FileError(folder, std::strerror(errno));
        if (!visited_.emplace(status.st_dev, status.st_ino).second) return;

        std::vector<std::string> folders;
        std::vector<std::string> links;
        try {
            for (const auto& entry : std::filesystem::directory_iterator(folder)) {
                const std::string name = entry.path().filename().string();
                std::error_code error;
                if (name.starts_with('.')) continue;
                if (entry.is_directory(error)) {
                    (entry.is_symlink(error) ? links : folders).push_back(prefix + name + "/");
                } else if (is_wanted_(name)) {
                    names_.push_back(prefix + name);
                }
            }
        } catch (const std::filesystem::filesystem_error& error) {
            throw FileError(folder, "cannot be listed: " + error.code().message());
        }
        std::sort(folders.begin(), folders.end());
        std::sort(links.begin(), links.end());
        linked_.insert(linked_.end(), links.begin(), links.end());
        for (const std::string& name : folders) walk(name);
    }

    std::filesystem::path root_;
    const std::function<bool(const std::string&)>& is_wanted_;
    std::set<std::pair<dev_t, ino_t>> visited_;
    std::deque<std::string> linked_;
    std::vector<std::string> names_;
};

}  // namespace

std::vector<std::string> files_below(const std::filesystem::path& folder,
                                     const std::function<bool(const std::string& name)>& is_wanted) {
    return FolderWalk(folder, is_wanted).take_names();
}

}  // namespace pipeline
