#include "pipeline/data/measurement_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"

namespace pipeline {

namespace {

constexpr const char* measurement_kind = "diffinv measurement";
constexpr std::int64_t measurement_schema = 3;

/// @param truth  images that are known
bool have_one_row_each(const MeasurementFile& file, std::optional<std::int64_t> truth, std::int64_t y) {
    const std::size_t count = file.image_index.size();
    const auto rows = static_cast<std::int64_t>(count);
    return file.image_name.size() == count && file.image_hash.size() == count && file.image_error.size() == count &&
           y == rows &&
           (truth ? *truth == rows
                  : file.source_channels.size() == count && file.source_bits.size() == count &&
                        (file.sigma_each.empty() || file.sigma_each.size() == count));
}

bool have_one_row_each(const MeasurementFile& file) {
    if (file.y.dim() != 4 || (file.truth.defined() && file.truth.dim() != 4)) return false;
    return have_one_row_each(file, file.truth.defined() ? std::optional(file.truth.size(0)) : std::nullopt,
                             file.y.size(0));
}

/// Images as they are read back bit for bit, packed as their values allow.
void write_images(ContentWriter& writer, const std::string& name, const at::Tensor& images) {
    const at::Tensor stored = to_channel_last(images);
    writer.tensor(name, stored, image_layout(stored, !is_on_8_bit_levels(stored)));
    writer.remark(name, "axes", "image, y, x, channel");
}

void write_measurement_file(const std::filesystem::path& path, const MeasurementFile& file) {
    ContentWriter writer(path, measurement_kind, measurement_schema);
    writer.text("operator", file.operator_name);
    writer.text("operator_settings", file.operator_settings);
    writer.real("sigma_y", file.sigma_y);
    writer.real("poisson_rate", file.poisson_rate);
    writer.column("image_index", file.image_index);
    writer.column("image_name", file.image_name);
    writer.column("image_hash", file.image_hash);
    writer.column("image_error", file.image_error);
    if (file.truth.defined()) {
        write_images(writer, "truth", file.truth);
    } else {
        writer.column("source_channels", file.source_channels);
        writer.column("source_bits", file.source_bits);
        writer.column("sigma_each", file.sigma_each);
    }
    write_images(writer, "y", file.y);

    // Names first: a reader learns from them what to ask for.
    std::vector<std::string> names;
    for (const auto& parameter : file.parameters) names.push_back(parameter.first);
    writer.column("parameter_name", names);
    for (const auto& [name, values] : file.parameters) {
        const bool is_stack = values.dim() == 4 && values.numel() > 0;
        writer.tensor("parameters/" + name, values, is_stack ? image_layout(values, false) : Hdf5Layout{});
    }
    writer.finish();
}

void check_images(const std::string& name, const std::vector<std::int64_t>& shape, at::ScalarType type,
                  const std::filesystem::path& path) {
    if (shape.size() == 4 && type == at::kFloat) return;
    throw FileError(path, "'" + name + "' is not [image, y, x, channel] of float32");
}

/// All but images and parameters, in the order of writing.
/// @param read_images     called with the name, where they stand
/// @param read_parameter  called with the name of each
template <typename Reader, typename ReadImages, typename ReadParameter>
MeasurementFile read_columns(Reader& reader, ReadImages read_images, ReadParameter read_parameter) {
    MeasurementFile file;
    file.operator_name = reader.text("operator");
    file.operator_settings = reader.text("operator_settings");
    file.sigma_y = reader.real("sigma_y");
    file.poisson_rate = reader.real("poisson_rate");
    file.image_index = reader.integers("image_index");
    file.image_name = reader.texts("image_name");
    file.image_hash = reader.texts("image_hash");
    file.image_error = reader.texts("image_error");
    if (reader.has("truth")) {
        read_images("truth");
    } else {
        file.source_channels = reader.integers("source_channels");
        file.source_bits = reader.integers("source_bits");
        file.sigma_each = reader.reals("sigma_each");
    }
    read_images("y");
    for (const std::string& name : reader.texts("parameter_name")) read_parameter(name);
    return file;
}

MeasurementFile read_measurement(const std::filesystem::path& path) {
    ContentReader reader(path, measurement_kind, measurement_schema);
    std::map<std::string, at::Tensor> images;
    operators::Parameters parameters;
    MeasurementFile file = read_columns(
        reader, [&](const std::string& name) { images[name] = reader.tensor(name); },
        [&](const std::string& name) { parameters[name] = reader.tensor("parameters/" + name); });
    reader.finish();
    for (auto& [name, stored] : images) {
        check_images(name, stored.sizes().vec(), stored.scalar_type(), path);
        (name == "y" ? file.y : file.truth) = to_channel_first(stored);
    }
    file.parameters = std::move(parameters);
    if (!have_one_row_each(file)) throw FileError(path, "its columns have different lengths");
    return file;
}

PackedMeasurement read_packed(const std::filesystem::path& path) {
    const PackedContentReader reader(path, measurement_kind, measurement_schema);
    PackedMeasurement packed;
    operators::Parameters parameters;
    std::optional<std::int64_t> truth;
    packed.content = read_columns(
        reader,
        [&](const std::string& name) {
            PackedImages& images = name == "y" ? packed.y : packed.truth;
            images = reader.images(name);
            check_images(name, images.shape(), images.type(), path);
            if (name == "truth") truth = images.count();
        },
        [&](const std::string& name) {
            const std::string place = "parameters/" + name;
            if (reader.is_packed(place)) {
                packed.parameters[name] = reader.images(place);
            } else {
                parameters[name] = reader.tensor(place);
            }
        });
    packed.content.parameters = std::move(parameters);
    packed.content_digest = reader.content_digest();
    if (!have_one_row_each(packed.content, truth, packed.y.count())) {
        throw FileError(path, "its columns have different lengths");
    }
    return packed;
}

}  // namespace

std::filesystem::path measurement_path(const std::string& label, std::int64_t block) {
    const bool is_plain = !label.empty() && label != "." && label != ".." &&
                          std::none_of(label.begin(), label.end(), [](char c) { return c == '/' || c == '\0'; });
    if (!is_plain) throw std::invalid_argument("measurement label '" + printable(label) + "' is not a folder's name");
    char name[48];
    std::snprintf(name, sizeof name, "block-%04lld.h5", static_cast<long long>(block));
    return std::filesystem::path("measurements") / label / name;
}

void commit_measurement_file(const std::filesystem::path& folder, const std::string& label, std::int64_t block,
                             const MeasurementFile& file) {
    if (!have_one_row_each(file) || file.y.scalar_type() != at::kFloat ||
        (file.truth.defined() && file.truth.scalar_type() != at::kFloat)) {
        throw std::invalid_argument("measurement " + label + ": truth " +
                                    (file.truth.defined() ? operators::shape_of(file.truth) : std::string("(none)")) +
                                    " and y " + operators::shape_of(file.y) + " are not float32 for " +
                                    std::to_string(file.image_index.size()) + " images, or columns differ in length");
    }
    commit_content_file(folder / measurement_path(label, block),
                        [&](const std::filesystem::path& temporary) { write_measurement_file(temporary, file); });
}

MeasurementFile read_measurement_file(const std::filesystem::path& folder, const std::string& label,
                                      std::int64_t block) {
    const std::filesystem::path path = folder / measurement_path(label, block);
    return as_file_error(path, [&] { return read_measurement(path); });
}

PackedMeasurement read_packed_measurement(const std::filesystem::path& folder, const std::string& label,
                                          std::int64_t block) {
    const std::filesystem::path path = folder / measurement_path(label, block);
    return as_file_error(path, [&] { return read_packed(path); });
}

}  // namespace pipeline
