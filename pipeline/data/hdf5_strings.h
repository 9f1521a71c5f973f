#pragma once

#include <string>
#include <vector>

#include "pipeline/data/hdf5_handle.h"

namespace pipeline {

/// The type that strings are written with: variable length, UTF-8.
Hdf5Handle make_string_type(const Hdf5Place& place);

/// One string as read from a fixed-length field: without its padding.
std::string trim_fixed_string(const char* field, std::size_t size, H5T_str_t padding);

/// Reads `count` strings through `read(memory_type, buffer)`, whatever their storage; `space` describes the buffer.
template <typename Read>
std::vector<std::string> read_string_values(hid_t type, hid_t space, std::size_t count, const Hdf5Place& place,
                                            Read&& read) {
    // The library does not convert between character sets nor lengths: read as stored.
    const Hdf5Handle memory_type(check_hdf5(H5Tcopy(type), "H5Tcopy", place), H5Tclose);
    std::vector<std::string> values;
    values.reserve(count);
    if (check_hdf5(H5Tis_variable_str(type), "H5Tis_variable_str", place) > 0) {
        std::vector<char*> pointers(count, nullptr);
        read(memory_type, pointers.data());
        try {
            for (const char* pointer : pointers) values.emplace_back(pointer != nullptr ? pointer : "");
        } catch (...) {
            H5Dvlen_reclaim(memory_type, space, H5P_DEFAULT, pointers.data());
            throw;
        }
        check_hdf5(H5Dvlen_reclaim(memory_type, space, H5P_DEFAULT, pointers.data()), "H5Dvlen_reclaim", place);
        return values;
    }
    const std::size_t size = H5Tget_size(type);
    std::vector<char> buffer(count * size);
    read(memory_type, buffer.data());
    const H5T_str_t padding = H5Tget_strpad(type);
    for (std::size_t i = 0; i < count; ++i) values.push_back(trim_fixed_string(&buffer[i * size], size, padding));
    return values;
}

/// @throws Hdf5Error  where the text holds a zero byte, which would cut it
void check_hdf5_string(const std::string& text, const Hdf5Place& place);

}  // namespace pipeline
