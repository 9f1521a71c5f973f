#include "pipeline/data/image_folder.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/dataset_rows.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/folder_walk.h"
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

}  // namespace

ImageFolder::ImageFolder(std::filesystem::path folder, operators::Shape shape)
    : folder_(std::move(folder)), shape_(shape) {
    const std::vector<std::string> names = files_below(folder_, has_image_extension);
    files_.reserve(names.size());
    for (const std::string& name : names) {
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

void ImageFolder::read_rows(std::span<const std::int64_t> indices, ImageBatch& batch, const UseImage& use) const {
    for (std::size_t row = 0; row < indices.size(); ++row) {
        const std::filesystem::path file = path(indices[row]);
        batch.names[row] = name(indices[row]);
        // Only what is wrong with this file is this row's fate; a lack of memory is not.
        try {
            const std::string bytes = read_bytes(file);
            batch.content_hashes[row] = sha256(bytes);
            batch.images[static_cast<std::int64_t>(row)].copy_(use(row, bytes, file));
        } catch (const FileError& error) {
            batch.errors[row] = error.what();
        }
    }
}

ImageBatch ImageFolder::images(std::span<const std::int64_t> indices) const {
    ImageBatch batch = make_image_batch(indices.size(), shape_);
    read_rows(indices, batch, [&](std::size_t, const std::string& bytes, const std::filesystem::path& file) {
        return fit_image(decode_image(bytes, file), shape_, file);
    });
    return batch;
}

MeasuredBatch ImageFolder::measured(std::span<const std::int64_t> indices, const operators::Shape& y) const {
    MeasuredBatch measured = make_measured_batch(indices.size(), y);
    read_rows(indices, measured.batch,
              [&](std::size_t row, const std::string& bytes, const std::filesystem::path& file) {
                  const at::Tensor image = decode_image(bytes, file);
                  at::Tensor fitting = measured_image(image, y, file);
                  measured.channels[row] = image.size(0);
                  measured.bits[row] = bits_of(bytes, file);
                  return fitting;
              });
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
