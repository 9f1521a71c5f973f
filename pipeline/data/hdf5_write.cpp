#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_handle.h"
#include "pipeline/data/hdf5_types.h"

namespace pipeline {

namespace {

bool is_empty_extent(const std::vector<std::int64_t>& shape) {
    for (const std::int64_t size : shape) {
        if (size == 0) return true;
    }
    return false;
}

Hdf5Handle make_space(const std::vector<std::int64_t>& shape, const Hdf5Place& place) {
    if (shape.empty()) return {check_hdf5(H5Screate(H5S_SCALAR), "H5Screate", place), H5Sclose};
    const std::vector<hsize_t> extent(shape.begin(), shape.end());
    return {check_hdf5(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), "H5Screate_simple",
                       place),
            H5Sclose};
}

/// Storage of a dataset. One without entries is stored contiguously whatever was asked, since it has no chunks.
Hdf5Handle make_creation_list(const std::vector<std::int64_t>& shape, const Hdf5Layout& layout,
                              const Hdf5Place& place) {
    Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_DATASET_CREATE), "H5Pcreate", place), H5Pclose);
    check_hdf5(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times", place);
    if (layout.chunk.empty()) {
        if (layout.deflate != 0 || layout.shuffle || layout.fletcher32) {
            throw std::invalid_argument("hdf5: '" + place.object + "' has filters but no chunk");
        }
        return creation;
    }
    if (layout.chunk.size() != shape.size()) {
        throw std::invalid_argument("hdf5: '" + place.object + "' has " + std::to_string(shape.size()) +
                                    " axes, its chunk " + std::to_string(layout.chunk.size()));
    }
    if (is_empty_extent(shape)) return creation;
    const std::vector<hsize_t> chunk(layout.chunk.begin(), layout.chunk.end());
    check_hdf5(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()), "H5Pset_chunk", place);
    if (layout.shuffle) check_hdf5(H5Pset_shuffle(creation), "H5Pset_shuffle", place);
    if (layout.deflate != 0) {
        check_hdf5(H5Pset_deflate(creation, static_cast<unsigned>(layout.deflate)), "H5Pset_deflate", place);
    }
    if (layout.fletcher32) check_hdf5(H5Pset_fletcher32(creation), "H5Pset_fletcher32", place);
    return creation;
}

}  // namespace

void Hdf5File::make_dataset(const std::string& name, at::ScalarType type, const std::vector<std::int64_t>& shape,
                            const Hdf5Layout& layout) {
    const Hdf5Place place{path_, name};
    const std::size_t slash = name.rfind('/');
    if (slash != std::string::npos) make_group(name.substr(0, slash));
    const Hdf5Handle space = make_space(shape, place);
    const Hdf5Handle creation = make_creation_list(shape, layout, place);
    const Hdf5Handle dataset(
        check_hdf5(H5Dcreate2(id_, name.c_str(), hdf5_disk_type(type), space, H5P_DEFAULT, creation, H5P_DEFAULT),
                   "H5Dcreate2", place),
        H5Dclose);
}

void Hdf5File::write(const std::string& name, const at::Tensor& values, const Hdf5Layout& layout) {
    const Hdf5Place place{path_, name};
    make_dataset(name, values.scalar_type(), values.sizes().vec(), layout);
    if (values.numel() == 0) return;
    const at::Tensor dense = values.detach().cpu().contiguous();
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    check_hdf5(
        H5Dwrite(dataset, hdf5_memory_type(dense.scalar_type()), H5S_ALL, H5S_ALL, H5P_DEFAULT, dense.const_data_ptr()),
        "H5Dwrite", place);
}

void Hdf5File::write_rows(const std::string& name, std::int64_t first, const at::Tensor& values) {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const Hdf5Handle space(check_hdf5(H5Dget_space(dataset), "H5Dget_space", place), H5Sclose);

    // Values must be rows of this dataset: every other axis equal, and inside it.
    const std::vector<std::int64_t> whole = extent_of_hdf5(space, place);
    std::vector<std::int64_t> expected = whole;
    if (!expected.empty() && values.dim() > 0) expected.front() = values.size(0);
    if (values.dim() == 0 || values.sizes() != at::IntArrayRef(expected) || first < 0 ||
        first > whole.front() - values.size(0)) {
        throw std::invalid_argument("hdf5: rows from " + std::to_string(first) + " of shape " +
                                    operators::shape_of(values) + " do not fit '" + name + "' of shape " +
                                    c10::str(at::IntArrayRef(whole)));
    }
    if (values.numel() == 0) return;
    std::vector<hsize_t> start(whole.size(), 0);
    start.front() = static_cast<hsize_t>(first);
    const std::vector<hsize_t> extent(expected.begin(), expected.end());
    check_hdf5(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr),
               "H5Sselect_hyperslab", place);
    const Hdf5Handle memory = make_space(expected, place);
    const at::Tensor dense = values.detach().cpu().contiguous();
    check_hdf5(
        H5Dwrite(dataset, hdf5_memory_type(dense.scalar_type()), memory, space, H5P_DEFAULT, dense.const_data_ptr()),
        "H5Dwrite", place);
}

}  // namespace pipeline
