#include "pipeline/data/hdf5_types.h"

#include <array>
#include <stdexcept>
#include <string>

#include <c10/core/ScalarType.h>

namespace pipeline {

namespace {

[[noreturn]] void refuse_tensor_type(at::ScalarType type) {
    throw std::invalid_argument(std::string("hdf5: tensors of type ") + c10::toString(type) +
                                " are not stored; allowed are float32, float64, int8 to int64 and uint8");
}

}  // namespace

hid_t hdf5_memory_type(at::ScalarType type) {
    switch (type) {
        case at::ScalarType::Float:
            return H5T_NATIVE_FLOAT;
        case at::ScalarType::Double:
            return H5T_NATIVE_DOUBLE;
        case at::ScalarType::Char:
            return H5T_NATIVE_INT8;
        case at::ScalarType::Byte:
            return H5T_NATIVE_UINT8;
        case at::ScalarType::Short:
            return H5T_NATIVE_INT16;
        case at::ScalarType::Int:
            return H5T_NATIVE_INT32;
        case at::ScalarType::Long:
            return H5T_NATIVE_INT64;
        default:
            refuse_tensor_type(type);
    }
}

hid_t hdf5_disk_type(at::ScalarType type) {
    switch (type) {
        case at::ScalarType::Float:
            return H5T_IEEE_F32LE;
        case at::ScalarType::Double:
            return H5T_IEEE_F64LE;
        case at::ScalarType::Char:
            return H5T_STD_I8LE;
        case at::ScalarType::Byte:
            return H5T_STD_U8LE;
        case at::ScalarType::Short:
            return H5T_STD_I16LE;
        case at::ScalarType::Int:
            return H5T_STD_I32LE;
        case at::ScalarType::Long:
            return H5T_STD_I64LE;
        default:
            refuse_tensor_type(type);
    }
}

at::ScalarType tensor_type_of_hdf5(hid_t type, const Hdf5Place& place) {
    const H5T_class_t kind = H5Tget_class(type);
    const std::size_t size = H5Tget_size(type);
    if (kind == H5T_FLOAT) {
        if (size == 2 || size == 4) return at::ScalarType::Float;
        if (size == 8) return at::ScalarType::Double;
    }
    // What h5py calls bool is an enumeration of one byte.
    if (kind == H5T_ENUM && size == 1) return at::ScalarType::Byte;
    if (kind == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE) {
        if (size == 1) return at::ScalarType::Byte;
        if (size == 2) return at::ScalarType::Int;
        if (size == 4) return at::ScalarType::Long;
    } else if (kind == H5T_INTEGER) {
        if (size == 1) return at::ScalarType::Char;
        if (size == 2) return at::ScalarType::Short;
        if (size == 4) return at::ScalarType::Int;
        if (size == 8) return at::ScalarType::Long;
    }
    refuse_hdf5(place,
                "its type is not read as numbers; allowed are floats of 2 to 8 bytes, integers of 1 to 8 bytes "
                "(unsigned 1 to 4) and booleans");
}

std::vector<std::int64_t> extent_of_hdf5(hid_t space, const Hdf5Place& place) {
    if (H5Sget_simple_extent_type(space) == H5S_NULL) refuse_hdf5(place, "holds no values (null dataspace)");
    const int rank = check_hdf5(H5Sget_simple_extent_ndims(space), "H5Sget_simple_extent_ndims", place);
    std::array<hsize_t, H5S_MAX_RANK> sizes{};
    check_hdf5(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), "H5Sget_simple_extent_dims", place);

    // The product must fit before anyone multiplies.
    constexpr hsize_t largest = hsize_t{1} << 56;
    hsize_t count = 1;
    for (int axis = 0; axis < rank; ++axis) {
        const hsize_t size = sizes[static_cast<std::size_t>(axis)];
        if (size > largest || (size != 0 && count > largest / size)) {
            refuse_hdf5(place, "its size is absurd: axis " + std::to_string(axis) + " has " + std::to_string(size) +
                                   " entries");
        }
        if (size != 0) count *= size;
    }
    return {sizes.begin(), sizes.begin() + rank};
}

void check_hdf5_read_size(hid_t dataset, std::uint64_t count, std::uint64_t bytes_per_element, const Hdf5Place& place) {
    // Asked only where it matters: the library walks through all chunks for it.
    constexpr std::uint64_t slack = std::uint64_t{1} << 26;  // small datasets may be all fill value, stored as nothing
    const bool is_small = count <= slack / bytes_per_element;
    const auto stored = is_small ? 0 : static_cast<std::uint64_t>(H5Dget_storage_size(dataset));
    const auto refuse = [&](std::uint64_t allowed) {
        refuse_hdf5(place, "reading takes " + std::to_string(count) + " × " + std::to_string(bytes_per_element) +
                               " bytes, allowed are " + std::to_string(allowed) + " (" + std::to_string(stored) +
                               " bytes are stored)");
    };
    if (count > hdf5_read_limit_bytes / bytes_per_element) refuse(hdf5_read_limit_bytes);
    const std::uint64_t believable =
        stored > hdf5_read_limit_bytes / 1100 ? hdf5_read_limit_bytes : stored * 1100 + slack;
    if (count * bytes_per_element > believable) refuse(believable);

    // A chunk is decoded whole, however little of it is asked for.
    const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(dataset), "H5Dget_create_plist", place), H5Pclose);
    if (H5Pget_layout(creation) != H5D_CHUNKED) return;
    std::array<hsize_t, H5S_MAX_RANK> sizes{};
    const int rank = check_hdf5(H5Pget_chunk(creation, H5S_MAX_RANK, sizes.data()), "H5Pget_chunk", place);
    std::uint64_t chunk_bytes = bytes_per_element;
    for (int axis = 0; axis < rank; ++axis) {
        const std::uint64_t size = sizes[static_cast<std::size_t>(axis)];
        if (size == 0 || chunk_bytes > hdf5_chunk_limit_bytes / size) {
            refuse_hdf5(place, "its chunks are larger than " + std::to_string(hdf5_chunk_limit_bytes) + " bytes");
        }
        chunk_bytes *= size;
    }
}

}  // namespace pipeline
