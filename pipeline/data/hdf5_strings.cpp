#include "pipeline/data/hdf5_strings.h"

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_chunk_check.h"
#include "pipeline/data/hdf5_handle.h"
#include "pipeline/data/hdf5_types.h"

namespace pipeline {

Hdf5Handle make_string_type(const Hdf5Place& place) {
    Hdf5Handle type(check_hdf5(H5Tcopy(H5T_C_S1), "H5Tcopy", place), H5Tclose);
    check_hdf5(H5Tset_size(type, H5T_VARIABLE), "H5Tset_size", place);
    check_hdf5(H5Tset_cset(type, H5T_CSET_UTF8), "H5Tset_cset", place);
    return type;
}

std::string trim_fixed_string(const char* field, std::size_t size, H5T_str_t padding) {
    std::string_view text(field, size);
    if (padding == H5T_STR_SPACEPAD) {
        const std::size_t last = text.find_last_not_of(' ');
        return std::string(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
    }
    return std::string(text.substr(0, text.find('\0')));
}

void check_hdf5_string(const std::string& text, const Hdf5Place& place) {
    if (text.find('\0') != std::string::npos) refuse_hdf5(place, "a stored string cannot hold a zero byte");
}

bool Hdf5File::is_text(const std::string& name) const {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const Hdf5Handle type(check_hdf5(H5Dget_type(dataset), "H5Dget_type", place), H5Tclose);
    return H5Tget_class(type) == H5T_STRING;
}

std::vector<std::string> Hdf5File::read_strings(const std::string& name) const {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const Hdf5Handle space(check_hdf5(H5Dget_space(dataset), "H5Dget_space", place), H5Sclose);
    const Hdf5Handle type(check_hdf5(H5Dget_type(dataset), "H5Dget_type", place), H5Tclose);
    if (H5Tget_class(type) != H5T_STRING) refuse_hdf5(place, "does not hold strings");
    std::uint64_t count = 1;
    const std::vector<std::int64_t> extent = extent_of_hdf5(space, place);
    for (const std::int64_t size : extent) count *= static_cast<std::uint64_t>(size);
    check_hdf5_read_size(dataset, count, H5Tget_size(type), place);
    if (count == 0) return {};
    if (!extent.empty()) check_hdf5_chunks(dataset, std::vector<std::int64_t>(extent.size(), 0), extent, place);
    // The library clears a megabyte for every conversion of strings unless it is told that less will do.
    constexpr std::size_t conversion_bytes = 1 << 14;
    const Hdf5Handle transfer(check_hdf5(H5Pcreate(H5P_DATASET_XFER), "H5Pcreate", place), H5Pclose);
    if (H5Tget_size(type) <= conversion_bytes) {
        check_hdf5(H5Pset_buffer(transfer, conversion_bytes, nullptr, nullptr), "H5Pset_buffer", place);
    }
    return read_string_values(type, space, count, place, [&](hid_t memory_type, void* buffer) {
        check_hdf5(H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, transfer, buffer), "H5Dread", place);
    });
}

void Hdf5File::write_strings(const std::string& name, const std::vector<std::string>& values) {
    const Hdf5Place place{path_, name};
    std::vector<const char*> pointers;
    pointers.reserve(values.size());
    for (const std::string& value : values) {
        check_hdf5_string(value, place);
        pointers.push_back(value.c_str());
    }
    const std::size_t slash = name.rfind('/');
    if (slash != std::string::npos) make_group(name.substr(0, slash));

    const Hdf5Handle type = make_string_type(place);
    const hsize_t count = values.size();
    const Hdf5Handle space(check_hdf5(H5Screate_simple(1, &count, nullptr), "H5Screate_simple", place), H5Sclose);
    const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_DATASET_CREATE), "H5Pcreate", place), H5Pclose);
    check_hdf5(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times", place);
    const Hdf5Handle dataset(
        check_hdf5(H5Dcreate2(id_, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), "H5Dcreate2", place),
        H5Dclose);
    if (values.empty()) return;
    check_hdf5(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), "H5Dwrite", place);
}

}  // namespace pipeline
