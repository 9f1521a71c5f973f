#include "pipeline/data/content_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isnan.h>

#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/read_bytes.h"

namespace pipeline {

namespace {

constexpr double canonical_nan = std::numeric_limits<double>::quiet_NaN();

void digest_label(Sha256& digest, const std::string& name, const std::string& type,
                  std::span<const std::int64_t> shape) {
    std::string label = name + '\0' + type;
    for (const std::int64_t size : shape) label += " " + std::to_string(size);
    digest.update(label + '\0');
}

void digest_text(Sha256& digest, const std::string& name, const std::string& value) {
    const auto size = static_cast<std::int64_t>(value.size());
    digest_label(digest, name, "text", {&size, 1});
    digest.update(value);
}

void digest_tensor(Sha256& digest, const std::string& name, const at::Tensor& dense) {
    const at::IntArrayRef shape = dense.sizes();
    digest_label(digest, name, c10::toString(dense.scalar_type()), {shape.data(), shape.size()});
    digest.update(std::span(static_cast<const std::byte*>(dense.const_data_ptr()), dense.nbytes()));
}

void digest_texts(Sha256& digest, const std::string& name, const std::vector<std::string>& values) {
    const auto count = static_cast<std::int64_t>(values.size());
    digest_label(digest, name, "texts", {&count, 1});
    for (const std::string& value : values) digest.update(std::to_string(value.size()) + ":").update(value);
}

template <typename Number>
at::Tensor column_tensor(const std::vector<Number>& values, at::ScalarType type) {
    at::Tensor column = at::empty({static_cast<std::int64_t>(values.size())}, at::TensorOptions().dtype(type));
    std::copy(values.begin(), values.end(), column.data_ptr<Number>());
    return column;
}

template <typename Number>
std::vector<Number> column_values(const at::Tensor& column, at::ScalarType type, const std::string& name,
                                  const std::filesystem::path& path) {
    if (column.dim() != 1 || column.scalar_type() != type) {
        throw FileError(path, "'" + name + "' is not a column of " + c10::toString(type));
    }
    return {column.const_data_ptr<Number>(), column.const_data_ptr<Number>() + column.size(0)};
}

/// "diffinv seal DIGEST\n"
constexpr std::string_view seal_mark = "diffinv seal ";
constexpr std::size_t seal_bytes = seal_mark.size() + 64 + 1;

void append_seal(const std::filesystem::path& path) {
    const std::string seal = std::string(seal_mark) + sha256_of_file(path) + "\n";
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << seal;
    file.close();
    if (!file) throw FileError(path, "its seal cannot be written");
}

/// The path, after its seal was found whole.
const std::filesystem::path& sealed(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw FileError(path, "no such file");
    const std::uint64_t whole = size_of_file(path);
    const std::uint64_t size = whole - std::min<std::uint64_t>(whole, seal_bytes);
    const std::string seal = read_bytes(path, size, seal_bytes);
    if (!seal.starts_with(seal_mark) || !seal.ends_with('\n')) {
        throw FileError(path, "is damaged or not of this program: its last bytes are no seal");
    }
    constexpr std::uint64_t piece = std::uint64_t{1} << 24;
    Sha256 hash;
    for (std::uint64_t first = 0; first < size; first += piece) {
        hash.update(read_bytes(path, first, std::min(piece, size - first)));
    }
    if (seal.substr(seal_mark.size(), 64) != hash.finish()) {
        throw FileError(path, "is damaged: its bytes are not those that were sealed");
    }
    return path;
}

template <typename Value>
Value root_attribute(const Hdf5File& file, const std::string& name, const std::filesystem::path& path) {
    const auto attribute = file.attribute("", name);
    const Value* value = attribute ? std::get_if<Value>(&*attribute) : nullptr;
    if (value == nullptr) throw FileError(path, "attribute '" + name + "' is missing or of another type");
    return *value;
}

}  // namespace

at::Tensor to_channel_last(const at::Tensor& images) {
    return images.permute({0, 2, 3, 1}).contiguous();
}
at::Tensor to_channel_first(const at::Tensor& images) {
    return images.permute({0, 3, 1, 2}).contiguous();
}

Hdf5Layout image_layout(const at::Tensor& channel_last, bool is_smooth) {
    Hdf5Layout layout{.chunk = {1}, .deflate = 1, .shuffle = is_smooth, .fletcher32 = true};
    for (std::int64_t axis = 1; axis < channel_last.dim(); ++axis) {
        layout.chunk.push_back(static_cast<std::uint64_t>(channel_last.size(axis)));
    }
    return layout;
}

bool is_on_8_bit_levels(const at::Tensor& images) {
    const at::Tensor levels = ((images + 1) * 127.5).round();
    return (levels.div(127.5).sub(1) == images).all().item<bool>();
}

ContentWriter::ContentWriter(const std::filesystem::path& path, const std::string& kind, std::int64_t schema)
    : file_(Hdf5File::create(path)) {
    text("kind", kind);
    integer("schema", schema);
}

void ContentWriter::text(const std::string& name, const std::string& value) {
    file_.set_attribute("", name, value);
    digest_text(digest_, name, value);
}

void ContentWriter::integer(const std::string& name, std::int64_t value) {
    file_.set_attribute("", name, value);
    digest_tensor(digest_, name, column_tensor<std::int64_t>({value}, at::kLong));
}

void ContentWriter::real(const std::string& name, double value) {
    if (std::isnan(value)) value = canonical_nan;
    file_.set_attribute("", name, value);
    digest_tensor(digest_, name, column_tensor<double>({value}, at::kDouble));
}

void ContentWriter::tensor(const std::string& name, const at::Tensor& values, const Hdf5Layout& layout) {
    at::Tensor dense = values.detach().cpu().contiguous();
    if (dense.is_floating_point()) {
        const at::Tensor is_nan = dense.isnan();
        if (is_nan.any().item<bool>()) dense = dense.masked_fill(is_nan, canonical_nan);
    }
    file_.write(name, dense, layout);
    digest_tensor(digest_, name, dense);
}

void ContentWriter::column(const std::string& name, const std::vector<std::int64_t>& values) {
    tensor(name, column_tensor(values, at::kLong));
}

void ContentWriter::column(const std::string& name, const std::vector<double>& values) {
    tensor(name, column_tensor(values, at::kDouble));
}

void ContentWriter::column(const std::string& name, const std::vector<std::string>& values) {
    file_.write_strings(name, values);
    digest_texts(digest_, name, values);
}

void ContentWriter::remark(const std::string& object, const std::string& name, const Hdf5Attribute& value) {
    file_.set_attribute(object, name, value);
}

void ContentWriter::finish() {
    file_.set_attribute("", "content_digest", digest_.finish());
    file_.close();
}

ContentReader::ContentReader(const std::filesystem::path& path, const std::string& kind, std::int64_t schema)
    : path_(path), file_(Hdf5File::open(sealed(path))) {
    const std::string found = text("kind");
    if (found != kind) throw FileError(path_, "is a '" + found + "', expected a '" + kind + "'");
    const std::int64_t version = integer("schema");
    if (version != schema) {
        throw FileError(path_,
                        "has schema " + std::to_string(version) + ", this program reads " + std::to_string(schema));
    }
}

std::string ContentReader::text(const std::string& name) {
    std::string value = root_attribute<std::string>(file_, name, path_);
    digest_text(digest_, name, value);
    return value;
}

std::int64_t ContentReader::integer(const std::string& name) {
    const auto value = root_attribute<std::int64_t>(file_, name, path_);
    digest_tensor(digest_, name, column_tensor<std::int64_t>({value}, at::kLong));
    return value;
}

double ContentReader::real(const std::string& name) {
    const auto value = root_attribute<double>(file_, name, path_);
    digest_tensor(digest_, name, column_tensor<double>({value}, at::kDouble));
    return value;
}

at::Tensor ContentReader::tensor(const std::string& name) {
    at::Tensor values = file_.read(name);
    digest_tensor(digest_, name, values);
    return values;
}

std::vector<std::int64_t> ContentReader::integers(const std::string& name) {
    return column_values<std::int64_t>(tensor(name), at::kLong, name, path_);
}

std::vector<double> ContentReader::reals(const std::string& name) {
    return column_values<double>(tensor(name), at::kDouble, name, path_);
}

std::vector<std::string> ContentReader::texts(const std::string& name) {
    std::vector<std::string> values = file_.read_strings(name);
    digest_texts(digest_, name, values);
    return values;
}

void ContentReader::finish() {
    if (root_attribute<std::string>(file_, "content_digest", path_) != digest_.finish()) {
        throw FileError(path_, "is damaged: its content does not have the digest it was written with");
    }
}

void commit_content_file(const std::filesystem::path& target,
                         const std::function<void(const std::filesystem::path& temporary)>& write) {
    as_file_error(target, [&] {
        commit_file(target, [&](const std::filesystem::path& temporary) {
            write(temporary);
            append_seal(temporary);
        });
    });
}

}  // namespace pipeline
