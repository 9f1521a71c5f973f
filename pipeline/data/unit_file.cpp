#include "pipeline/data/unit_file.h"

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "operators/shape.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/packed_content.h"

namespace pipeline {

namespace {

constexpr const char* unit_kind = "diffinv unit";
constexpr std::int64_t unit_schema = 4;

/// Levels 0 … 255 for [−1, 1]. A row without numbers becomes 0: its status tells.
at::Tensor to_levels(const at::Tensor& images) {
    return images.nan_to_num(-1, 1, -1).clamp(-1, 1).add(1).mul(127.5).round().to(at::kByte);
}

at::Tensor status_column(const std::vector<RowStatus>& status) {
    at::Tensor column = at::empty({static_cast<std::int64_t>(status.size())}, at::TensorOptions().dtype(at::kChar));
    auto* values = column.data_ptr<std::int8_t>();
    for (const RowStatus one : status) *values++ = static_cast<std::int8_t>(one);
    return column;
}

std::vector<RowStatus> status_values(const at::Tensor& column, const std::filesystem::path& path) {
    if (column.dim() != 1 || column.scalar_type() != at::kChar)
        throw FileError(path, "'rows/status' is not a column of int8");
    std::vector<RowStatus> status;
    for (std::int64_t row = 0; row < column.size(0); ++row) {
        const std::int8_t value = column.const_data_ptr<std::int8_t>()[row];
        if (value < 0 || value > static_cast<std::int8_t>(RowStatus::unreadable)) {
            throw FileError(
                path, "row " + std::to_string(row) + " has status " + std::to_string(value) + ", which is unknown");
        }
        status.push_back(static_cast<RowStatus>(value));
    }
    return status;
}

bool have_length_of(const UnitRows& rows, std::int64_t images) {
    const std::size_t count = rows.image_index.size();
    return rows.image_name.size() == count && rows.image_hash.size() == count && rows.image_error.size() == count &&
           rows.sample.size() == count && rows.status.size() == count && rows.psnr.size() == count &&
           rows.ssim.size() == count && rows.lpips.size() == count && rows.psnr_measurement.size() == count &&
           rows.residual.size() == count && rows.psnr_unobserved.size() == count && rows.class_label.size() == count &&
           (rows.sigma_each.empty() || rows.sigma_each.size() == count) && images == static_cast<std::int64_t>(count);
}

void write_unit_file(const std::filesystem::path& path, const UnitFile& file) {
    ContentWriter writer(path, unit_kind, unit_schema);
    writer.integer("unit", file.unit);
    writer.text("plan_digest", file.plan_digest);
    writer.text("configuration", file.configuration);
    writer.integer("nfe", file.rows.nfe);

    const bool is_float = file.store == Store::float32;
    const at::Tensor images =
        to_channel_last(is_float ? file.rows.restored.to(at::kFloat) : to_levels(file.rows.restored));
    writer.tensor("restored", images, image_layout(images, is_float));
    writer.remark(
        "restored", "valid_range",
        is_float ? Hdf5Attribute(std::vector<double>{-1, 1}) : Hdf5Attribute(std::vector<std::int64_t>{0, 255}));
    writer.remark("restored", "axes", "row, y, x, channel");

    writer.column("rows/image_index", file.rows.image_index);
    writer.column("rows/image_name", file.rows.image_name);
    writer.column("rows/image_hash", file.rows.image_hash);
    writer.column("rows/image_error", file.rows.image_error);
    writer.column("rows/sample", file.rows.sample);
    writer.tensor("rows/status", status_column(file.rows.status));
    writer.column("rows/psnr", file.rows.psnr);
    writer.column("rows/ssim", file.rows.ssim);
    writer.column("rows/lpips", file.rows.lpips);
    writer.column("rows/psnr_measurement", file.rows.psnr_measurement);
    writer.column("rows/psnr_unobserved", file.rows.psnr_unobserved);
    writer.column("rows/class", file.rows.class_label);
    writer.column("rows/residual", file.rows.residual);
    if (!file.rows.sigma_each.empty()) writer.column("rows/sigma_each", file.rows.sigma_each);
    writer.finish();
}

void check_images(const std::vector<std::int64_t>& shape, at::ScalarType type, const std::filesystem::path& path) {
    if (shape.size() == 4 && (type == at::kFloat || type == at::kByte)) return;
    throw FileError(path, "'restored' is not [N, y, x, channel] of float32 or uint8");
}

/// All but the images, in the order of writing: `read_images` is called where they stand.
template <typename Reader, typename ReadImages>
UnitFile read_columns(Reader& reader, const std::filesystem::path& path, ReadImages read_images) {
    UnitFile file;
    file.unit = reader.integer("unit");
    file.plan_digest = reader.text("plan_digest");
    file.configuration = reader.text("configuration");
    file.rows.nfe = reader.integer("nfe");
    read_images();
    file.rows.image_index = reader.integers("rows/image_index");
    file.rows.image_name = reader.texts("rows/image_name");
    file.rows.image_hash = reader.texts("rows/image_hash");
    file.rows.image_error = reader.texts("rows/image_error");
    file.rows.sample = reader.integers("rows/sample");
    file.rows.status = status_values(reader.tensor("rows/status"), path);
    file.rows.psnr = reader.reals("rows/psnr");
    file.rows.ssim = reader.reals("rows/ssim");
    file.rows.lpips = reader.reals("rows/lpips");
    file.rows.psnr_measurement = reader.reals("rows/psnr_measurement");
    file.rows.psnr_unobserved = reader.reals("rows/psnr_unobserved");
    file.rows.class_label = reader.integers("rows/class");
    file.rows.residual = reader.reals("rows/residual");
    if (reader.has("rows/sigma_each")) file.rows.sigma_each = reader.reals("rows/sigma_each");
    return file;
}

void check_content(const UnitFile& file, std::int64_t images, std::int64_t unit, const std::filesystem::path& path) {
    if (!have_length_of(file.rows, images)) throw FileError(path, "its columns have different lengths");
    if (file.unit != unit) throw FileError(path, "holds unit " + std::to_string(file.unit));
}

UnitFile read_unit(const std::filesystem::path& path, std::int64_t unit) {
    ContentReader reader(path, unit_kind, unit_schema);
    at::Tensor images;
    UnitFile file = read_columns(reader, path, [&] { images = reader.tensor("restored"); });
    reader.finish();

    check_images(images.sizes().vec(), images.scalar_type(), path);
    check_content(file, images.size(0), unit, path);
    file.store = images.scalar_type() == at::kByte ? Store::uint8 : Store::float32;
    file.rows.restored = to_channel_first(images).to(at::kFloat);
    if (file.store == Store::uint8) file.rows.restored.div_(127.5).sub_(1);
    return file;
}

PackedUnit read_packed(const std::filesystem::path& path, std::int64_t unit) {
    const PackedContentReader reader(path, unit_kind, unit_schema);
    PackedUnit packed;
    packed.content = read_columns(reader, path, [&] { packed.restored = reader.images("restored"); });
    packed.content_digest = reader.content_digest();

    check_images(packed.restored.shape(), packed.restored.type(), path);
    check_content(packed.content, packed.restored.count(), unit, path);
    packed.content.store = packed.restored.type() == at::kByte ? Store::uint8 : Store::float32;
    return packed;
}

}  // namespace

std::filesystem::path unit_path(std::int64_t unit) {
    char text[96];
    std::snprintf(text, sizeof text, "units/%03lld/unit-%06lld.h5", static_cast<long long>(unit / 1000),
                  static_cast<long long>(unit));
    return text;
}

void commit_unit_file(const std::filesystem::path& folder, const UnitFile& file) {
    const at::Tensor& images = file.rows.restored;
    if (images.dim() != 4 || images.numel() == 0 || !have_length_of(file.rows, images.size(0))) {
        throw std::invalid_argument(
            "unit " + std::to_string(file.unit) + ": restored is " + operators::shape_of(file.rows.restored) +
            ", not one [C, H, W] for each of the rows' " + std::to_string(file.rows.image_index.size()) +
            " entries, or columns differ in length");
    }
    commit_content_file(folder / unit_path(file.unit),
                        [&](const std::filesystem::path& temporary) { write_unit_file(temporary, file); });
}

UnitFile read_unit_file(const std::filesystem::path& folder, std::int64_t unit) {
    const std::filesystem::path path = folder / unit_path(unit);
    return as_file_error(path, [&] { return read_unit(path, unit); });
}

PackedUnit read_packed_unit(const std::filesystem::path& folder, std::int64_t unit) {
    const std::filesystem::path path = folder / unit_path(unit);
    return as_file_error(path, [&] { return read_packed(path, unit); });
}

}  // namespace pipeline
