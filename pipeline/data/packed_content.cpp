#include "pipeline/data/packed_content.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>

#include "pipeline/data/content_file.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"

namespace pipeline {

namespace {

/// Entries of a shape; −1 where it is none.
std::int64_t entries_of(const std::vector<std::int64_t>& shape) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    std::int64_t entries = 1;
    for (const std::int64_t size : shape) {
        if (size < 0 || (size > 0 && entries > most / size)) return -1;
        entries *= size;
    }
    return entries;
}

}  // namespace

PackedImages::PackedImages(std::shared_ptr<const SealedFile> file, std::string name, at::ScalarType type,
                           std::vector<std::int64_t> shape, Hdf5Chunks chunks)
    : file_(std::move(file)),
      name_(std::move(name)),
      type_(type),
      shape_(std::move(shape)),
      chunks_(std::move(chunks)) {}

std::string PackedImages::chunk(std::int64_t image) const {
    return file_->bytes(place(image).address, place(image).bytes);
}

at::Tensor PackedImages::unpacked() const {
    return as_file_error(file(), [this] { return Hdf5File::open(file()).read(name_); });
}

PackedContentReader::PackedContentReader(const std::filesystem::path& path, const std::string& kind,
                                         std::int64_t schema)
    : file_(std::make_shared<SealedFile>(path)) {
    std::optional<ContentRecord> record = ContentRecord::read(*file_);
    if (!record) {
        // Of another schema, perhaps, in which there was none: HDF5 has the words for it.
        as_file_error(path, [&] { ContentReader(path, kind, schema); });
        throw FileError(path, "is damaged: it has no record beside its seal");
    }
    record_ = std::move(*record);
    check_content_kind(path, kind, text("kind"));
    check_content_schema(path, schema, integer("schema"));
}

void PackedContentReader::refuse(const std::string& name, const std::string& wanted) const {
    throw FileError(file_->path(), "'" + name + "' is not " + wanted + " in its record");
}

const ContentEntry& PackedContentReader::entry(const std::string& name) const {
    const ContentEntry* found = record_.find(name);
    if (found == nullptr) refuse(name, "there");
    return *found;
}

std::string PackedContentReader::text(const std::string& name) const {
    const ContentEntry& found = entry(name);
    if (found.type != "text" || found.texts.size() != 1) refuse(name, "a text");
    return found.texts.front();
}

std::vector<std::string> PackedContentReader::texts(const std::string& name) const {
    const ContentEntry& found = entry(name);
    const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(found.texts.size())};
    if (found.type != "texts" || found.shape != shape) refuse(name, "a column of texts");
    return found.texts;
}

at::Tensor PackedContentReader::tensor(const std::string& name) const {
    const ContentEntry& found = entry(name);
    const std::optional<at::ScalarType> type = content_type(found.type);
    if (!type || found.chunks) refuse(name, "a tensor");
    const std::int64_t entries = entries_of(found.shape);
    if (entries < 0 || static_cast<std::uint64_t>(entries) * c10::elementSize(*type) != found.values.size()) {
        refuse(name, "a tensor of its shape");
    }
    at::Tensor values = at::empty(found.shape, at::TensorOptions().dtype(*type));
    if (entries > 0) std::memcpy(values.data_ptr(), found.values.data(), found.values.size());
    return values;
}

template <typename Number>
std::vector<Number> PackedContentReader::numbers(const std::string& name, at::ScalarType type) const {
    const ContentEntry& found = entry(name);
    const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(found.values.size() / sizeof(Number))};
    if (found.chunks || found.type != c10::toString(type) || found.shape != shape ||
        found.values.size() % sizeof(Number) != 0) {
        refuse(name, std::string("a column of ") + c10::toString(type));
    }
    std::vector<Number> values(found.values.size() / sizeof(Number));
    if (!values.empty()) std::memcpy(values.data(), found.values.data(), values.size() * sizeof(Number));
    return values;
}

std::vector<std::int64_t> PackedContentReader::integers(const std::string& name) const {
    return numbers<std::int64_t>(name, at::kLong);
}

std::vector<double> PackedContentReader::reals(const std::string& name) const {
    return numbers<double>(name, at::kDouble);
}

std::int64_t PackedContentReader::integer(const std::string& name) const {
    const std::vector<std::int64_t> found = integers(name);
    if (found.size() != 1) refuse(name, "an integer");
    return found.front();
}

double PackedContentReader::real(const std::string& name) const {
    const std::vector<double> found = reals(name);
    if (found.size() != 1) refuse(name, "a number");
    return found.front();
}

bool PackedContentReader::is_packed(const std::string& name) const {
    return entry(name).chunks.has_value();
}

PackedImages PackedContentReader::images(const std::string& name) const {
    const ContentEntry& found = entry(name);
    const std::optional<at::ScalarType> type = content_type(found.type);
    if (!type || !found.chunks || found.shape.size() != 4 ||
        found.shape.front() != static_cast<std::int64_t>(found.chunks->places.size())) {
        refuse(name, "[N, y, x, channel] in a chunk each");
    }
    return {file_, name, *type, found.shape, *found.chunks};
}

}  // namespace pipeline
