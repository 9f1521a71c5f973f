#include "pipeline/data/content_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isnan.h>

#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"

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
    : path_(path), file_(Hdf5File::create(path)) {
    text("kind", kind);
    integer("schema", schema);
}

void ContentWriter::text(const std::string& name, const std::string& value) {
    file_.set_attribute("", name, value);
    digest_text(digest_, name, value);
    record_.add_text(name, value);
}

void ContentWriter::integer(const std::string& name, std::int64_t value) {
    file_.set_attribute("", name, value);
    const at::Tensor values = column_tensor<std::int64_t>({value}, at::kLong);
    digest_tensor(digest_, name, values);
    record_.add_tensor(name, values);
}

void ContentWriter::real(const std::string& name, double value) {
    if (std::isnan(value)) value = canonical_nan;
    file_.set_attribute("", name, value);
    const at::Tensor values = column_tensor<double>({value}, at::kDouble);
    digest_tensor(digest_, name, values);
    record_.add_tensor(name, values);
}

void ContentWriter::tensor(const std::string& name, const at::Tensor& values, const Hdf5Layout& layout) {
    at::Tensor dense = values.detach().cpu().contiguous();
    if (dense.is_floating_point()) {
        const at::Tensor is_nan = dense.isnan();
        if (is_nan.any().item<bool>()) dense = dense.masked_fill(is_nan, canonical_nan);
    }
    file_.write(name, dense, layout);
    digest_tensor(digest_, name, dense);
    record_.add_tensor(name, dense, layout.chunk.empty() ? std::nullopt : file_.chunks(name));
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
    record_.add_texts(name, values);
}

void ContentWriter::remark(const std::string& object, const std::string& name, const Hdf5Attribute& value) {
    file_.set_attribute(object, name, value);
}

void ContentWriter::finish() {
    const std::string digest = digest_.finish();
    file_.set_attribute("", "content_digest", digest);
    record_.add_text("content_digest", digest);
    file_.close();
    record_.append_to(path_);
}

void check_content_kind(const std::filesystem::path& path, const std::string& wanted, const std::string& found) {
    if (found != wanted) throw FileError(path, "is a '" + found + "', expected a '" + wanted + "'");
}

void check_content_schema(const std::filesystem::path& path, std::int64_t wanted, std::int64_t found) {
    if (found == wanted) return;
    throw OtherSchemaError(path,
                           "has schema " + std::to_string(found) + ", this program reads " + std::to_string(wanted));
}

ContentReader::ContentReader(const std::filesystem::path& path, const std::string& kind, std::int64_t schema)
    : sealed_(path), file_(Hdf5File::open(path)) {
    check_content_kind(path, kind, text("kind"));
    check_content_schema(path, schema, integer("schema"));
}

std::string ContentReader::text(const std::string& name) {
    std::string value = root_attribute<std::string>(file_, name, sealed_.path());
    digest_text(digest_, name, value);
    record_.add_text(name, value);
    return value;
}

std::int64_t ContentReader::integer(const std::string& name) {
    const auto value = root_attribute<std::int64_t>(file_, name, sealed_.path());
    const at::Tensor values = column_tensor<std::int64_t>({value}, at::kLong);
    digest_tensor(digest_, name, values);
    record_.add_tensor(name, values);
    return value;
}

double ContentReader::real(const std::string& name) {
    const auto value = root_attribute<double>(file_, name, sealed_.path());
    const at::Tensor values = column_tensor<double>({value}, at::kDouble);
    digest_tensor(digest_, name, values);
    record_.add_tensor(name, values);
    return value;
}

at::Tensor ContentReader::tensor(const std::string& name) {
    at::Tensor values = file_.read(name);
    digest_tensor(digest_, name, values);
    // Images alone are written in chunks.
    record_.add_tensor(name, values, values.dim() == 4 ? file_.chunks(name) : std::nullopt);
    return values;
}

std::vector<std::int64_t> ContentReader::integers(const std::string& name) {
    return column_values<std::int64_t>(tensor(name), at::kLong, name, sealed_.path());
}

std::vector<double> ContentReader::reals(const std::string& name) {
    return column_values<double>(tensor(name), at::kDouble, name, sealed_.path());
}

std::vector<std::string> ContentReader::texts(const std::string& name) {
    std::vector<std::string> values = file_.read_strings(name);
    digest_texts(digest_, name, values);
    record_.add_texts(name, values);
    return values;
}

void ContentReader::finish() {
    const std::string digest = digest_.finish();
    if (root_attribute<std::string>(file_, "content_digest", sealed_.path()) != digest) {
        throw FileError(sealed_.path(), "is damaged: its content does not have the digest it was written with");
    }
    record_.add_text("content_digest", digest);
    if (ContentRecord::read(sealed_) != record_) {
        throw FileError(sealed_.path(), "is damaged: the record beside its seal does not say what it holds");
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
