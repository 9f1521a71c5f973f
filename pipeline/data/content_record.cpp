#include "pipeline/data/content_record.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "pipeline/data/file_error.h"

namespace pipeline {

namespace {

using Json = nlohmann::json;
using Binary = Json::binary_t;

static_assert(std::endian::native == std::endian::little, "records and HDF5's values are little-endian");

/// Far above what the columns of a unit take.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 28;

constexpr at::ScalarType content_types[] = {at::kFloat, at::kDouble, at::kLong, at::kInt,
                                            at::kShort, at::kChar,   at::kByte};

Json json_of(const ContentEntry& entry) {
    Json json = {{"type", entry.type}, {"shape", entry.shape}};
    if (entry.chunks) {
        json["shuffled"] = entry.chunks->is_shuffled;
        Json& places = json["chunks"] = Json::array();
        for (const Hdf5ChunkPlace& place : entry.chunks->places) {
            places.push_back({place.address, place.bytes, place.filter_mask});
        }
    } else if (!entry.texts.empty()) {
        json["texts"] = entry.texts;
    } else {
        json["values"] = Binary({entry.values.begin(), entry.values.end()});
    }
    return json;
}

ContentEntry entry_of(const Json& json) {
    ContentEntry entry;
    json.at("type").get_to(entry.type);
    json.at("shape").get_to(entry.shape);
    if (json.contains("chunks")) {
        entry.chunks.emplace();
        json.at("shuffled").get_to(entry.chunks->is_shuffled);
        for (const Json& place : json.at("chunks")) {
            entry.chunks->places.push_back(
                {place.at(0).get<std::uint64_t>(), place.at(1).get<std::uint64_t>(), place.at(2).get<std::uint32_t>()});
        }
    } else if (json.contains("texts")) {
        json.at("texts").get_to(entry.texts);
    } else {
        const Binary& values = json.at("values").get_binary();
        entry.values.assign(values.begin(), values.end());
    }
    return entry;
}

}  // namespace

std::optional<at::ScalarType> content_type(const std::string& name) {
    for (const at::ScalarType type : content_types) {
        if (name == c10::toString(type)) return type;
    }
    return std::nullopt;
}

void ContentRecord::add(const std::string& name, ContentEntry entry) {
    if (!entries_.emplace(name, std::move(entry)).second) {
        throw std::logic_error("content file: '" + name + "' is written twice");
    }
}

void ContentRecord::add_text(const std::string& name, const std::string& value) {
    add(name, {.type = "text", .shape = {}, .texts = {value}, .values = {}, .chunks = {}});
}

void ContentRecord::add_texts(const std::string& name, const std::vector<std::string>& values) {
    add(name, {.type = "texts",
               .shape = {static_cast<std::int64_t>(values.size())},
               .texts = values,
               .values = {},
               .chunks = {}});
}

void ContentRecord::add_tensor(const std::string& name, const at::Tensor& dense, std::optional<Hdf5Chunks> chunks) {
    ContentEntry entry{.type = c10::toString(dense.scalar_type()),
                       .shape = dense.sizes().vec(),
                       .texts = {},
                       .values = {},
                       .chunks = std::move(chunks)};
    if (!content_type(entry.type)) throw std::logic_error("content file: '" + name + "' is of " + entry.type);
    if (!entry.chunks) entry.values.assign(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
    add(name, std::move(entry));
}

const ContentEntry* ContentRecord::find(const std::string& name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
}

void ContentRecord::append_to(const std::filesystem::path& path) const {
    Json json = Json::object();
    for (const auto& [name, entry] : entries_) json[name] = json_of(entry);
    std::string bytes;
    Json::to_cbor(json, bytes);
    const std::uint64_t size = bytes.size();
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    std::ofstream file(path, std::ios::binary | std::ios::app);
    file << bytes;
    file.close();
    if (!file) throw FileError(path, "its record cannot be written");
}

std::optional<ContentRecord> ContentRecord::read(const SealedFile& file) {
    std::uint64_t size = 0;
    if (file.size() < sizeof size) return std::nullopt;
    const std::uint64_t end = file.size() - sizeof size;
    std::memcpy(&size, file.bytes(end, sizeof size).data(), sizeof size);
    if (size > std::min(end, most_bytes)) return std::nullopt;
    try {
        const Json json = Json::from_cbor(file.bytes(end - size, size));
        if (!json.is_object()) return std::nullopt;
        ContentRecord record;
        for (const auto& [name, entry] : json.items()) record.add(name, entry_of(entry));
        return record;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace pipeline
