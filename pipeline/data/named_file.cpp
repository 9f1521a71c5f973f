#include "pipeline/data/named_file.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "pipeline/data/file_error.h"

namespace pipeline {

std::filesystem::path named_file(const std::filesystem::path& folder, const std::string& image_name,
                                 std::initializer_list<const char*> endings, const std::string& what) {
    const std::filesystem::path name = image_name;
    const bool is_inside =
        name.is_relative() && std::none_of(name.begin(), name.end(), [](const auto& part) { return part == ".."; });
    if (!is_inside || name.empty() || image_name.find('\0') != std::string::npos) {
        throw FileError(folder, "an image is called '" + image_name + "', which names no file in this folder");
    }
    std::filesystem::path path;
    for (const char* ending : endings) {
        path = folder / std::filesystem::path(name).replace_extension(ending);
        std::error_code error;
        if (std::filesystem::exists(path, error)) return path;
    }
    path = folder / std::filesystem::path(name).replace_extension(*endings.begin());
    throw FileError(path, "no such file; it is the " + what + " of image '" + image_name + "'");
}

std::vector<std::int64_t> named_rows(const Hdf5File& file, const Hdf5Location& location, std::int64_t count,
                                     std::span<const std::string> image_names, const std::string& what) {
    const std::size_t slash = location.name.rfind('/');
    const std::string names_path =
        (slash == std::string::npos ? "" : location.name.substr(0, slash + 1)) + "image_name";
    std::vector<std::int64_t> rows;
    if (file.has(names_path)) {
        const std::vector<std::string> stored = file.read_strings(names_path);
        if (static_cast<std::int64_t>(stored.size()) != count) {
            throw FileError(location.file, "'" + names_path + "' has " + std::to_string(stored.size()) + " names, '" +
                                               location.name + "' " + std::to_string(count) + " " + what + "s");
        }
        std::unordered_map<std::string_view, std::int64_t> row_of;
        for (std::size_t row = 0; row < stored.size(); ++row) row_of.emplace(stored[row], row);
        for (const std::string& name : image_names) {
            const auto found = row_of.find(name);
            if (found == row_of.end()) {
                throw FileError(location.file, "'" + names_path + "' has no image '" + name + "'");
            }
            rows.push_back(found->second);
        }
        return rows;
    }
    for (const std::string& name : image_names) {
        std::int64_t row = -1;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), row);
        if (error != std::errc() || end != name.data() + name.size()) {
            throw FileError(location.file, "'" + location.name + "' holds a " + what +
                                               " per image, but not whose: put the images' "
                                               "names beside it as '" +
                                               names_path + "' (looked for '" + name + "')");
        }
        if (row < 0 || row >= count) {
            throw FileError(location.file, "'" + location.name + "' has " + std::to_string(count) + " " + what +
                                               "s, none for image " + name);
        }
        rows.push_back(row);
    }
    return rows;
}

}  // namespace pipeline
