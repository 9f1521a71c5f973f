#include "pipeline/data/image_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/dataset_rows.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/read_bytes.h"
#include "pipeline/data/sha256.h"

namespace pipeline {

namespace {

bool has_image_extension(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return false;
    std::string extension = name.substr(dot + 1);
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
    return extension == "png" || extension == "jpg" || extension == "jpeg";
}

/// Names of the images below a folder, relative to it. Real folders are walked before linked ones, so that an image
/// that can be reached both ways goes by its real name.
class FolderWalk {
  public:
    explicit FolderWalk(std::filesystem::path root) : root_(std::move(root)) {
        walk("");
        for (; !linked_.empty(); linked_.pop_front()) walk(linked_.front());
        std::sort(names_.begin(), names_.end());
    }
    const std::vector<std::string>& names() const { return names_; }

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
                } else if (has_image_extension(name)) {
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
    std::set<std::pair<dev_t, ino_t>> visited_;
    std::deque<std::string> linked_;
    std::vector<std::string> names_;
};

}  // namespace

ImageFolder::ImageFolder(std::filesystem::path folder, operators::Shape shape)
    : folder_(std::move(folder)), shape_(shape) {
    const FolderWalk walk(folder_);
    files_.reserve(walk.names().size());
    for (const std::string& name : walk.names()) {
        std::error_code error;
        const std::uintmax_t bytes = std::filesystem::file_size(folder_ / name, error);
        files_.push_back({name, error ? -1 : static_cast<std::int64_t>(bytes)});
    }
    if (files_.empty())
        throw FileError(folder_, "holds no image; looked for *.png, *.jpg and *.jpeg, in any case, recursively");
}

const ImageFolder::File& ImageFolder::file(std::int64_t index) const {
    if (index < 0 || index >= size()) {
        throw std::invalid_argument("image folder: image " + std::to_string(index) + " asked for, there are " +
                                    std::to_string(size()));
    }
    return files_[static_cast<std::size_t>(index)];
}

std::filesystem::path ImageFolder::path(std::int64_t index) const {
    return folder_ / file(index).name;
}

ImageBatch ImageFolder::images(std::span<const std::int64_t> indices) const {
    ImageBatch batch = make_image_batch(indices.size(), shape_);
    for (std::size_t row = 0; row < indices.size(); ++row) {
        const std::filesystem::path file = path(indices[row]);
        batch.names[row] = name(indices[row]);
        // Only what is wrong with this file is this row's fate; a lack of memory is not.
        try {
            const std::string bytes = read_bytes(file);
            batch.content_hashes[row] = sha256(bytes);
            batch.images[static_cast<std::int64_t>(row)].copy_(fit_image(decode_image(bytes, file), shape_, file));
        } catch (const FileError& error) {
            batch.errors[row] = error.what();
        }
    }
    return batch;
}

MeasuredBatch ImageFolder::measured(std::span<const std::int64_t> indices, const operators::Shape& y) const {
    MeasuredBatch measured = make_measured_batch(indices.size(), y);
    ImageBatch& batch = measured.batch;
    for (std::size_t row = 0; row < indices.size(); ++row) {
        const std::filesystem::path file = path(indices[row]);
        batch.names[row] = name(indices[row]);
        try {
            const std::string bytes = read_bytes(file);
            batch.content_hashes[row] = sha256(bytes);
            const at::Tensor image = decode_image(bytes, file);
            batch.images[static_cast<std::int64_t>(row)].copy_(measured_image(image, y, file));
            measured.channels[row] = image.size(0);
            measured.bits[row] = bits_of(bytes, file);
        } catch (const FileError& error) {
            batch.errors[row] = error.what();
        }
    }
    return measured;
}

void ImageFolder::check(std::span<const std::int64_t> indices) const {
    for (const std::int64_t index : indices_to_check(indices)) {
        const std::filesystem::path file = path(index);
        check_image_channels(check_image(file).channels, shape_.channels, file);
    }
}

std::vector<std::int64_t> ImageFolder::labels(std::span<const std::int64_t> indices) const {
    std::map<std::string, std::int64_t> classes;
    for (const File& file : files_) {
        const std::size_t slash = file.name.find('/');
        if (slash == std::string::npos) {
            throw FileError(folder_, "'" + printable(file.name) + "' lies in no subfolder; classes are subfolders");
        }
        classes.emplace(file.name.substr(0, slash), 0);
    }
    std::int64_t next = 0;
    for (auto& [name, number] : classes) number = next++;
    std::vector<std::int64_t> labels;
    for (const std::int64_t index : indices) {
        const std::string& image = name(index);
        labels.push_back(classes.at(image.substr(0, image.find('/'))));
    }
    return labels;
}

std::string ImageFolder::digest() const {
    Sha256 hash;
    hash.update("image folder\n");
    for (const File& file : files_) {
        hash.update(file.name).update(std::string_view("\0", 1)).update(std::to_string(file.bytes)).update("\n");
    }
    return hash.finish();
}

}  // namespace pipeline
