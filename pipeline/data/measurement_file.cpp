#include "pipeline/data/measurement_file.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"

namespace pipeline {

namespace {

constexpr const char* measurement_kind = "diffinv measurement";
constexpr std::int64_t measurement_schema = 2;

bool have_one_row_each(const MeasurementFile& file) {
    const std::size_t count = file.image_index.size();
    const auto rows = static_cast<std::int64_t>(count);
    return file.image_name.size() == count && file.image_hash.size() == count && file.image_error.size() == count &&
           file.y.dim() == 4 && file.y.size(0) == rows &&
           (file.truth.defined() ? file.truth.dim() == 4 && file.truth.size(0) == rows
                                 : file.source_channels.size() == count && file.source_bits.size() == count &&
                                       (file.sigma_each.empty() || file.sigma_each.size() == count));
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

at::Tensor read_images(ContentReader& reader, const std::string& name, const std::filesystem::path& path) {
    const at::Tensor stored = reader.tensor(name);
    if (stored.dim() != 4 || stored.scalar_type() != at::kFloat) {
        throw FileError(path, "'" + name + "' is not [image, y, x, channel] of float32");
    }
    return to_channel_first(stored);
}

MeasurementFile read_measurement(const std::filesystem::path& path, std::optional<Hdf5File>* opened) {
    ContentReader reader(path, measurement_kind, measurement_schema);
    MeasurementFile file;
    file.operator_name = reader.text("operator");
    file.operator_settings = reader.text("operator_settings");
    file.sigma_y = reader.real("sigma_y");
    file.poisson_rate = reader.real("poisson_rate");
    file.image_index = reader.integers("image_index");
    file.image_name = reader.texts("image_name");
    file.image_hash = reader.texts("image_hash");
    file.image_error = reader.texts("image_error");
    if (reader.file().has("truth")) {
        file.truth = read_images(reader, "truth", path);
    } else {
        file.source_channels = reader.integers("source_channels");
        file.source_bits = reader.integers("source_bits");
        file.sigma_each = reader.reals("sigma_each");
    }
    file.y = read_images(reader, "y", path);
    for (const std::string& name : reader.texts("parameter_name")) {
        file.parameters[name] = reader.tensor("parameters/" + name);
    }
    reader.finish();
    if (!have_one_row_each(file)) throw FileError(path, "its columns have different lengths");
    if (opened != nullptr) opened->emplace(reader.release());
    return file;
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

MeasurementFile read_measurement_file(const std::filesystem::path& folder, const std::string& label, std::int64_t block,
                                      std::optional<Hdf5File>* opened) {
    const std::filesystem::path path = folder / measurement_path(label, block);
    return as_file_error(path, [&] { return read_measurement(path, opened); });
}

}  // namespace pipeline
