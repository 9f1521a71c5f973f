#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_chunk_check.h"
#include "pipeline/data/hdf5_handle.h"
#include "pipeline/data/hdf5_types.h"

namespace pipeline {

namespace {

/// An open dataset with what every read needs to know of it.
struct NumericDataset {
    Hdf5Handle id;
    Hdf5Handle space;
    std::vector<std::int64_t> shape;
    at::ScalarType type;
};

NumericDataset open_numeric_dataset(hid_t file, const Hdf5Place& place) {
    Hdf5Handle id = open_hdf5_dataset(file, place);
    Hdf5Handle space(check_hdf5(H5Dget_space(id), "H5Dget_space", place), H5Sclose);
    const Hdf5Handle type(check_hdf5(H5Dget_type(id), "H5Dget_type", place), H5Tclose);
    std::vector<std::int64_t> shape = extent_of_hdf5(space, place);
    const at::ScalarType scalar_type = tensor_type_of_hdf5(type, place);
    return {std::move(id), std::move(space), std::move(shape), scalar_type};
}

/// Memory for the part of this shape from `first` on, after its size was found believable and its chunks whole.
at::Tensor checked_memory(const NumericDataset& dataset, const std::vector<std::int64_t>& first,
                          const std::vector<std::int64_t>& shape, const Hdf5Place& place) {
    std::uint64_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::uint64_t>(size);
    check_hdf5_read_size(dataset.id, count, c10::elementSize(dataset.type), place);
    if (count > 0 && !shape.empty()) check_hdf5_chunks(dataset.id, first, shape, place);
    return at::empty(shape, at::TensorOptions().dtype(dataset.type));
}

/// Selects values' extent from `start` on in the file; memory holds it alone.
void read_part(const NumericDataset& dataset, const std::vector<std::int64_t>& first, at::Tensor& values,
               const Hdf5Place& place) {
    const std::vector<hsize_t> start(first.begin(), first.end());
    const std::vector<hsize_t> extent(values.sizes().begin(), values.sizes().end());
    check_hdf5(H5Sselect_hyperslab(dataset.space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr),
               "H5Sselect_hyperslab", place);
    const Hdf5Handle memory(check_hdf5(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
                                       "H5Screate_simple", place),
                            H5Sclose);
    check_hdf5(
        H5Dread(dataset.id, hdf5_memory_type(dataset.type), memory, dataset.space, H5P_DEFAULT, values.data_ptr()),
        "H5Dread", place);
}

}  // namespace

std::vector<std::int64_t> Hdf5File::shape(const std::string& name) const {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const Hdf5Handle space(check_hdf5(H5Dget_space(dataset), "H5Dget_space", place), H5Sclose);
    return extent_of_hdf5(space, place);
}

at::Tensor Hdf5File::read(const std::string& name) const {
    const Hdf5Place place{path_, name};
    const NumericDataset dataset = open_numeric_dataset(id_, place);
    at::Tensor values =
        checked_memory(dataset, std::vector<std::int64_t>(dataset.shape.size(), 0), dataset.shape, place);
    if (values.numel() == 0) return values;
    check_hdf5(H5Dread(dataset.id, hdf5_memory_type(dataset.type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data_ptr()),
               "H5Dread", place);
    return values;
}

at::Tensor Hdf5File::read_rows(const std::string& name, std::int64_t first, std::int64_t count) const {
    const Hdf5Place place{path_, name};
    const NumericDataset dataset = open_numeric_dataset(id_, place);
    const std::int64_t rows = dataset.shape.empty() ? 0 : dataset.shape.front();
    if (first < 0 || count < 0 || first > rows - count) {
        throw std::invalid_argument("hdf5: rows " + std::to_string(first) + " to " + std::to_string(first + count) +
                                    " asked for, '" + name + "' has " + std::to_string(rows));
    }
    std::vector<std::int64_t> shape = dataset.shape;
    shape.front() = count;
    std::vector<std::int64_t> start(shape.size(), 0);
    start.front() = first;
    at::Tensor values = checked_memory(dataset, start, shape, place);
    if (values.numel() == 0) return values;
    read_part(dataset, start, values, place);
    return values;
}

at::Tensor Hdf5File::read_at(const std::string& name, const std::vector<std::int64_t>& leading) const {
    const Hdf5Place place{path_, name};
    const NumericDataset dataset = open_numeric_dataset(id_, place);
    std::vector<std::int64_t> shape = dataset.shape;
    std::vector<std::int64_t> start(shape.size(), 0);
    bool is_there = leading.size() <= shape.size() && !leading.empty();
    for (std::size_t axis = 0; is_there && axis < leading.size(); ++axis) {
        is_there = leading[axis] >= 0 && leading[axis] < shape[axis];
        start[axis] = leading[axis];
        shape[axis] = 1;
    }
    if (!is_there) throw std::invalid_argument("hdf5: an entry asked for that '" + name + "' does not have");
    at::Tensor values = checked_memory(dataset, start, shape, place);
    if (values.numel() > 0) read_part(dataset, start, values, place);
    return values.reshape(at::IntArrayRef(shape).slice(leading.size()));
}

}  // namespace pipeline
