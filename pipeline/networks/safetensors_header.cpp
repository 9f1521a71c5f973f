#include "pipeline/networks/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/safetensors_dtype.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

constexpr std::uint64_t longest_header = 100'000'000;
constexpr std::size_t most_dimensions = 64;

/// What the format says of one tensor, field by field, before it is checked as a whole.
struct RawEntry {
    bool has_dtype = false;
    bool has_shape = false;
    bool has_offsets = false;
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> offsets;
};

/// Takes the header's JSON event by event. A tree would silently keep one of two equal keys, and cost far more memory.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit HeaderEvents(std::string_view file) : file_(file) {}

    std::map<std::string, RawEntry> take_entries() { return std::move(entries_); }

    bool start_object(std::size_t /*size*/) override {
        if (place_ == Place::outside) {
            place_ = Place::root;
        } else if (place_ == Place::root) {
            place_ = name_ == "__metadata__" ? Place::metadata : Place::entry;
        } else {
            fail_here("an object");
        }
        return true;
    }

    bool end_object() override {
        if (place_ == Place::entry) finish_entry();
        place_ = place_ == Place::root ? Place::outside : Place::root;
        return true;
    }

    bool key(string_t& key) override {
        if (place_ == Place::root) {
            name_ = key;
            const bool is_new =
                key == "__metadata__" ? !std::exchange(has_metadata_, true) : entries_.try_emplace(key).second;
            if (!is_new) fail("occurs twice");
        } else if (place_ == Place::metadata) {
            if (!metadata_keys_.insert(key).second) fail("has the key '" + readable_name(key) + "' twice");
        } else {
            begin_field(key);
        }
        return true;
    }

    bool string(string_t& value) override {
        if (place_ == Place::metadata) return true;
        if (place_ != Place::entry || field_ != "dtype") fail_here("a string");
        entry().dtype = value;
        return true;
    }

    bool start_array(std::size_t /*size*/) override {
        if (place_ != Place::entry || field_ == "dtype") fail_here("an array");
        place_ = Place::numbers;
        return true;
    }

    bool end_array() override {
        place_ = Place::entry;
        return true;
    }

    bool number_unsigned(number_unsigned_t value) override {
        if (place_ != Place::numbers) fail_here("a number");
        auto& numbers = field_ == "shape" ? entry().shape : entry().offsets;
        if (field_ == "shape" && numbers.size() == most_dimensions) fail("has more than 64 dimensions");
        if (field_ == "data_offsets" && numbers.size() == 2) fail("has more than two data_offsets");
        numbers.push_back(value);
        return true;
    }

    bool number_integer(number_integer_t value) override { refuse_number(std::to_string(value)); }
    bool number_float(number_float_t /*value*/, const string_t& text) override { refuse_number(readable_name(text)); }
    bool null() override { fail_here("null"); }
    bool boolean(bool /*value*/) override { fail_here("a boolean"); }
    bool binary(binary_t& /*value*/) override { fail_here("binary data"); }

    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) override {
        // The library's text quotes the bytes around the place; they are foreign.
        throw CheckpointError(std::string(file_) + ": the header is not valid UTF-8 JSON at byte " +
                              std::to_string(position) + ": " + readable_name(error.what()));
    }

  private:
    enum class Place { outside, root, metadata, entry, numbers };

    RawEntry& entry() { return entries_[name_]; }

    [[noreturn]] void fail(const std::string& reason) const {
        throw CheckpointError(std::string(file_) + ": tensor '" + readable_name(name_) + "' " + reason);
    }

    /// Something stands where the format has something else.
    [[noreturn]] void fail_here(const std::string& what) const {
        switch (place_) {
            case Place::outside:
                throw CheckpointError(std::string(file_) + ": the header is " + what + ", expected a JSON object");
            case Place::root:
                fail("is " + what + ", expected an object");
            case Place::metadata:
                throw CheckpointError(std::string(file_) + ": __metadata__ holds " + what + ", expected strings alone");
            case Place::entry:
            case Place::numbers:
                break;
        }
        fail("has " + what + " in '" + field_ + "', expected " +
             (field_ == "dtype" ? "a string" : "an array of whole numbers ≥ 0"));
    }

    [[noreturn]] void refuse_number(const std::string& number) const {
        if (place_ != Place::numbers) fail_here("a number");
        fail("has " + number + " in '" + field_ + "', expected whole numbers ≥ 0 below 2^64");
    }

    void begin_field(const std::string& key) {
        field_ = key;
        bool* seen = nullptr;
        if (key == "dtype") seen = &entry().has_dtype;
        if (key == "shape") seen = &entry().has_shape;
        if (key == "data_offsets") seen = &entry().has_offsets;
        if (seen == nullptr) fail("has the unknown field '" + readable_name(key) + "'");
        if (std::exchange(*seen, true)) fail("has '" + key + "' twice");
    }

    void finish_entry() {
        if (!entry().has_dtype) fail("has no 'dtype'");
        if (!entry().has_shape) fail("has no 'shape'");
        if (!entry().has_offsets) fail("has no 'data_offsets'");
        if (entry().offsets.size() != 2)
            fail("has " + std::to_string(entry().offsets.size()) + " data_offsets, expected two");
    }

    std::string_view file_;
    Place place_ = Place::outside;
    std::string name_;
    std::string field_;
    bool has_metadata_ = false;
    std::set<std::string> metadata_keys_;
    std::map<std::string, RawEntry> entries_;
};

/// The header's text, which lies between the length and the buffer.
std::string_view header_text(std::span<const std::byte> bytes, std::string_view file) {
    const auto refuse = [&](const std::string& reason) { return CheckpointError(std::string(file) + ": " + reason); };
    if (bytes.size() < 8) {
        throw refuse("no safetensors file: " + std::to_string(bytes.size()) +
                     " bytes are too short to hold a header length");
    }
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (length > longest_header) {
        throw refuse("header length " + std::to_string(length) + " is more than 100000000: no safetensors file");
    }
    if (length > bytes.size() - 8) {
        throw refuse("header length " + std::to_string(length) + " does not fit in a file of " +
                     std::to_string(bytes.size()) + " bytes");
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, length);
    if (text.empty() || text.front() != '{') throw refuse("the header does not start with '{': no safetensors file");
    // The JSON library takes a NUL for the end of its input and would not look at what follows.
    if (text.find('\0') != std::string_view::npos) throw refuse("the header is not valid JSON: it holds a NUL byte");
    return text;
}

/// @throws CheckpointError  where dtype, shape and offsets of one tensor do not agree.
SafetensorsEntry checked_entry(const std::string& name, const RawEntry& raw, std::string_view file) {
    const auto refuse = [&](const std::string& reason) {
        return CheckpointError(std::string(file) + ": tensor '" + readable_name(name) + "' " + reason);
    };
    const SafetensorsDtype* dtype = find_safetensors_dtype(raw.dtype);
    if (dtype == nullptr) throw refuse("has the unknown dtype '" + readable_name(raw.dtype) + "'");

    // Zeros count as one here: a tensor without elements must have strides that can be computed, too.
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t product = static_cast<std::uint64_t>(dtype->bits);
    bool is_empty = false;
    SafetensorsEntry entry{raw.dtype, {}, raw.offsets[0], raw.offsets[1]};
    for (const std::uint64_t size : raw.shape) {
        is_empty = is_empty || size == 0;
        if (size > largest || __builtin_mul_overflow(product, std::max<std::uint64_t>(size, 1), &product) ||
            product > largest) {
            throw refuse("has a shape whose number of elements overflows");
        }
        entry.shape.push_back(static_cast<std::int64_t>(size));
    }
    const std::uint64_t bits = is_empty ? 0 : product;
    if (bits % 8 != 0) throw refuse("of type " + raw.dtype + " does not fill whole bytes");
    if (entry.end < entry.begin) {
        throw refuse("ends at " + std::to_string(entry.end) + " before it begins at " + std::to_string(entry.begin));
    }
    if (entry.end - entry.begin != bits / 8) {
        throw refuse("has " + std::to_string(entry.end - entry.begin) +
                     " bytes by its data_offsets, but its shape and dtype need " + std::to_string(bits / 8));
    }
    return entry;
}

/// The tensors, sorted by their begin, must tile the buffer exactly.
void check_tiling(const std::map<std::string, SafetensorsEntry>& entries, std::uint64_t buffer_size,
                  std::string_view file) {
    std::vector<std::pair<const std::string, SafetensorsEntry> const*> order;
    order.reserve(entries.size());
    for (const auto& item : entries) order.push_back(&item);
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
        return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
    });
    std::uint64_t position = 0;
    for (const auto* item : order) {
        const auto& [name, entry] = *item;
        if (entry.begin != position) {
            const std::string what = entry.begin < position ? " overlaps the tensor before it: it begins at "
                                                            : " leaves a hole before it: it begins at ";
            throw CheckpointError(std::string(file) + ": tensor '" + readable_name(name) + "'" + what +
                                  std::to_string(entry.begin) + ", the one before ends at " + std::to_string(position));
        }
        position = entry.end;
    }
    if (position > buffer_size) {
        throw CheckpointError(std::string(file) + ": the file is cut short: the tensors need " +
                              std::to_string(position) + " bytes, it holds " + std::to_string(buffer_size));
    }
    if (position < buffer_size) {
        throw CheckpointError(std::string(file) + ": " + std::to_string(buffer_size - position) +
                              " trailing bytes after the last tensor");
    }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, std::string_view file) {
    const std::string_view text = header_text(bytes, file);
    HeaderEvents events(file);
    nlohmann::json::sax_parse(text.begin(), text.end(), &events);

    SafetensorsHeader header;
    header.buffer_start = 8 + text.size();
    for (const auto& [name, raw] : events.take_entries()) header.entries.emplace(name, checked_entry(name, raw, file));
    check_tiling(header.entries, bytes.size() - header.buffer_start, file);

    // Only now, so that a broken file is called broken whatever its types are.
    for (const auto& [name, entry] : header.entries) {
        if (!find_safetensors_dtype(entry.dtype)->type) {
            throw CheckpointError(std::string(file) + ": tensor '" + readable_name(name) + "' has dtype " +
                                  entry.dtype +
                                  ", which is not read; F32, F16, BF16 and F64 are, and integers up to I64");
        }
    }
    return header;
}

}  // namespace pipeline
