#include "tests/conformance/golden_file.h"

#include <stdexcept>
#include <variant>

namespace conformance {

namespace {

using pipeline::Hdf5Attribute;

std::optional<std::string> as_text(const Hdf5Attribute& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return std::nullopt;
}

std::optional<std::int64_t> as_integer(const Hdf5Attribute& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value); list != nullptr && list->size() == 1) {
        return list->front();
    }
    return std::nullopt;
}

std::optional<double> as_number(const Hdf5Attribute& value) {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* list = std::get_if<std::vector<double>>(&value); list != nullptr && list->size() == 1) {
        return list->front();
    }
    if (const auto integer = as_integer(value)) return static_cast<double>(*integer);
    return std::nullopt;
}

std::optional<std::vector<double>> as_numbers(const Hdf5Attribute& value) {
    if (const auto* list = std::get_if<std::vector<double>>(&value)) return *list;
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value))
        return std::vector<double>(list->begin(), list->end());
    if (const auto number = as_number(value)) return std::vector<double>{*number};
    return std::nullopt;
}

template <typename Value>
Value expected(const std::optional<Value>& value, const std::string& object, const std::string& name,
               const std::string& what) {
    if (value) return *value;
    throw std::runtime_error("attribute " + name + " of " + object + " is not " + what);
}

}  // namespace

std::string inside(const std::string& group, const std::string& name) {
    return group == "/" ? name : group + "/" + name;
}

GoldenFile::GoldenFile(const std::filesystem::path& path) : path_(path), file_(pipeline::Hdf5File::open(path)) {}

bool GoldenFile::has_attribute(const std::string& object, const std::string& name) const {
    return file_.attribute(object, name).has_value();
}

std::vector<std::string> GoldenFile::members(const std::string& group, bool are_groups) const {
    std::vector<std::string> names;
    for (const std::string& name : file_.children(group)) {
        if (file_.is_group(inside(group, name)) == are_groups) names.push_back(name);
    }
    return names;
}

std::vector<std::string> GoldenFile::groups(const std::string& group) const {
    return members(group, true);
}

std::vector<std::string> GoldenFile::datasets(const std::string& group) const {
    return members(group, false);
}

std::vector<int> GoldenFile::read_integers(const std::string& name) const {
    const at::Tensor values = read(name).to(at::kLong).flatten().contiguous();
    const std::int64_t* first = values.const_data_ptr<std::int64_t>();
    return {first, first + values.numel()};
}

pipeline::Hdf5Attribute GoldenFile::attribute(const std::string& object, const std::string& name) const {
    const auto value = file_.attribute(object, name);
    if (value) return *value;
    throw std::runtime_error(path_.filename().string() + ": " + object + " has no attribute " + name);
}

std::string GoldenFile::text(const std::string& object, const std::string& name) const {
    return expected(as_text(attribute(object, name)), object, name, "a string");
}

double GoldenFile::number(const std::string& object, const std::string& name) const {
    return expected(as_number(attribute(object, name)), object, name, "a number");
}

std::int64_t GoldenFile::integer(const std::string& object, const std::string& name) const {
    return expected(as_integer(attribute(object, name)), object, name, "an integer");
}

std::vector<double> GoldenFile::numbers(const std::string& object, const std::string& name) const {
    return expected(as_numbers(attribute(object, name)), object, name, "a list of numbers");
}

std::optional<std::string> GoldenFile::text_if_any(const std::string& object, const std::string& name) const {
    const auto value = file_.attribute(object, name);
    return value ? as_text(*value) : std::nullopt;
}

std::optional<double> GoldenFile::number_if_any(const std::string& object, const std::string& name) const {
    const auto value = file_.attribute(object, name);
    return value ? as_number(*value) : std::nullopt;
}

}  // namespace conformance
