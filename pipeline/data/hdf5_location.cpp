#include "pipeline/data/hdf5_location.h"

#include <cstddef>
#include <deque>
#include <string>
#include <system_error>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/read_bytes.h"

namespace pipeline {

std::optional<Hdf5Location> split_hdf5_location(const std::string& location) {
    std::size_t colon = location.rfind(':');
    for (; colon != std::string::npos && colon > 0; colon = location.rfind(':', colon - 1)) {
        const std::filesystem::path file = location.substr(0, colon);
        std::error_code error;
        if (colon + 1 < location.size() && std::filesystem::is_regular_file(file, error)) {
            return Hdf5Location{file, location.substr(colon + 1)};
        }
    }
    return std::nullopt;
}

bool is_hdf5_file(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return false;
    return read_bytes(path, 0, 8) == "\x89HDF\r\n\x1a\n";
}

std::string list_hdf5_datasets(const std::filesystem::path& path) {
    constexpr std::size_t listed = 10;
    constexpr std::size_t visited_limit = 1000;
    const Hdf5File file = Hdf5File::open(path);
    std::string text;
    std::size_t count = 0;
    std::size_t visited = 0;
    // Breadth first, and a limited number of groups: hard links may form a circle.
    for (std::deque<std::string> groups = {""}; !groups.empty() && count < listed; groups.pop_front()) {
        for (const std::string& child : file.children(groups.front())) {
            if (++visited > visited_limit || count == listed) return text + ", …";
            const std::string name = groups.front().empty() ? child : groups.front() + "/" + child;
            if (file.is_group(name)) {
                groups.push_back(name);
            } else {
                text += (count++ == 0 ? "'" : ", '") + name + "'";
            }
        }
    }
    return text.empty() ? "no dataset" : text;
}

}  // namespace pipeline
