#include <algorithm>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_handle.h"
#include "pipeline/data/hdf5_strings.h"
#include "pipeline/data/hdf5_types.h"

namespace pipeline {

namespace {

constexpr std::uint64_t attribute_limit_bytes = std::uint64_t{1} << 26;

herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* data) {
    try {
        static_cast<std::vector<std::string>*>(data)->emplace_back(name);
    } catch (const std::exception&) {
        return -1;  // an exception must not cross the library
    }
    return 0;
}

/// Numbers as the variant has them: one value alone where the attribute is a scalar.
template <typename Number>
Hdf5Attribute read_numbers(hid_t attribute, hid_t memory_type, bool is_scalar, std::size_t count,
                           const Hdf5Place& place) {
    std::vector<Number> values(count);
    if (count > 0) check_hdf5(H5Aread(attribute, memory_type, values.data()), "H5Aread", place);
    if (is_scalar) return values.front();
    return values;
}

Hdf5Attribute read_attribute_value(hid_t attribute, const Hdf5Place& place) {
    const Hdf5Handle type(check_hdf5(H5Aget_type(attribute), "H5Aget_type", place), H5Tclose);
    const Hdf5Handle space(check_hdf5(H5Aget_space(attribute), "H5Aget_space", place), H5Sclose);
    const std::vector<std::int64_t> shape = extent_of_hdf5(space, place);
    std::uint64_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::uint64_t>(size);
    if (count > attribute_limit_bytes / std::max<std::size_t>(H5Tget_size(type), 8)) refuse_hdf5(place, "is too large");

    switch (H5Tget_class(type)) {
        case H5T_FLOAT:
            return read_numbers<double>(attribute, H5T_NATIVE_DOUBLE, shape.empty(), count, place);
        case H5T_INTEGER:
            // Every value must fit the signed integer that it is read as.
            if (H5Tget_size(type) == 8 && H5Tget_sign(type) == H5T_SGN_NONE) break;
            return read_numbers<std::int64_t>(attribute, H5T_NATIVE_INT64, shape.empty(), count, place);
        case H5T_ENUM:
            return read_numbers<std::int64_t>(attribute, H5T_NATIVE_INT64, shape.empty(), count, place);
        case H5T_STRING:
            if (count != 1) break;
            return read_string_values(type, space, 1, place,
                                      [&](hid_t memory_type, void* buffer) {
                                          check_hdf5(H5Aread(attribute, memory_type, buffer), "H5Aread", place);
                                      })
                .front();
        default:
            break;
    }
    refuse_hdf5(place, "its type is not read; allowed are numbers, lists of numbers and one string");
}

/// Creates the attribute anew and writes its values.
void write_attribute_value(hid_t object, const std::string& name, hid_t disk_type, hid_t memory_type, hid_t space,
                           const void* values, const Hdf5Place& place) {
    if (check_hdf5(H5Aexists(object, name.c_str()), "H5Aexists", place) > 0) {
        check_hdf5(H5Adelete(object, name.c_str()), "H5Adelete", place);
    }
    const Hdf5Handle attribute(
        check_hdf5(H5Acreate2(object, name.c_str(), disk_type, space, H5P_DEFAULT, H5P_DEFAULT), "H5Acreate2", place),
        H5Aclose);
    if (values != nullptr) check_hdf5(H5Awrite(attribute, memory_type, values), "H5Awrite", place);
}

template <typename Number>
constexpr bool is_integer = std::is_same_v<Number, std::int64_t>;

}  // namespace

std::optional<Hdf5Attribute> Hdf5File::attribute(const std::string& object, const std::string& name) const {
    const Hdf5Place place{path_, object + "@" + name};
    const Hdf5Handle holder = open_hdf5_object(id_, {path_, object});
    if (check_hdf5(H5Aexists(holder, name.c_str()), "H5Aexists", place) == 0) return std::nullopt;
    const Hdf5Handle attribute(check_hdf5(H5Aopen(holder, name.c_str(), H5P_DEFAULT), "H5Aopen", place), H5Aclose);
    return read_attribute_value(attribute, place);
}

std::vector<std::string> Hdf5File::attribute_names(const std::string& object) const {
    const Hdf5Place place{path_, object};
    const Hdf5Handle holder = open_hdf5_object(id_, place);
    std::vector<std::string> names;
    check_hdf5(H5Aiterate2(holder, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_attribute, &names), "H5Aiterate2",
               place);
    std::sort(names.begin(), names.end());
    return names;
}

void Hdf5File::set_attribute(const std::string& object, const std::string& name, const Hdf5Attribute& value) {
    const Hdf5Place place{path_, object + "@" + name};
    const Hdf5Handle holder = open_hdf5_object(id_, {path_, object});
    const Hdf5Handle scalar(check_hdf5(H5Screate(H5S_SCALAR), "H5Screate", place), H5Sclose);

    const auto write = [&]<typename Value>(const Value& held) {
        if constexpr (std::is_same_v<Value, std::string>) {
            const Hdf5Handle type = make_string_type(place);
            check_hdf5_string(held, place);
            const char* text = held.c_str();
            write_attribute_value(holder, name, type, type, scalar, &text, place);
        } else if constexpr (std::is_arithmetic_v<Value>) {
            write_attribute_value(holder, name, is_integer<Value> ? H5T_STD_I64LE : H5T_IEEE_F64LE,
                                  is_integer<Value> ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, scalar, &held, place);
        } else {
            using Number = typename Value::value_type;
            const hsize_t count = held.size();
            const Hdf5Handle list(check_hdf5(H5Screate_simple(1, &count, nullptr), "H5Screate_simple", place),
                                  H5Sclose);
            write_attribute_value(holder, name, is_integer<Number> ? H5T_STD_I64LE : H5T_IEEE_F64LE,
                                  is_integer<Number> ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE, list,
                                  held.empty() ? nullptr : held.data(), place);
        }
    };
    std::visit(write, value);
}

}  // namespace pipeline
