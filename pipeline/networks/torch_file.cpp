#include "pipeline/networks/torch_file.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include "pipeline/networks/file_mapping.h"
#include "pipeline/networks/pickle.h"
#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/safetensors_dtype.h"
#include "pipeline/networks/zip_directory.h"

namespace pipeline {
namespace {

using Kind = PickleValue::Kind;

/// Where the bytes of storages lie, and the tensors of the state dictionary over them.
struct SavedState {
    std::map<std::string, PickledTensor> tensors;
    std::map<std::string, std::span<std::byte>> storages;  ///< By key.
};

std::int64_t bytes_of(const PickledStorage& storage, const std::string& file) {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(storage.elements, static_cast<std::int64_t>(c10::elementSize(storage.type)), &bytes)) {
        throw CheckpointError(file + ": storage '" + readable_name(storage.key) + "' has an absurd size");
    }
    return bytes;
}

/// The first of the field's wrappers that holds a dictionary; the value itself where there is none.
const PickleValue& unwrapped(const PickleValue& root, const std::string& file, std::vector<std::string>* notes) {
    if (!root.is(Kind::dictionary)) throw CheckpointError(file + ": holds no state dictionary");
    for (const char* wrapper : {"ema", "ema_model", "model", "state_dict", "model_state_dict"}) {
        const PickleValue* inner = root.find(wrapper);
        if (inner == nullptr || !inner->is(Kind::dictionary)) continue;
        if (notes != nullptr)
            notes->push_back("the weights are those under '" + std::string(wrapper) + "' in the file");
        return *inner;
    }
    return root;
}

std::map<std::string, PickledTensor> tensors_of(const PickleValue& root, const std::string& file,
                                                std::vector<std::string>* notes) {
    const PickleValue& state = unwrapped(root, file, notes);
    std::map<std::string, PickledTensor> tensors;
    for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
        const PickleValue& key = *state.items[i];
        const PickleValue& value = *state.items[i + 1];
        if (!key.is(Kind::text)) throw CheckpointError(file + ": the state dictionary has a key that is no text");
        if (!value.is(Kind::tensor)) {
            throw CheckpointError(file + ": '" + readable_name(key.text) +
                                  "' is no tensor; expected is a state dictionary, or one under ema, ema_model, model, "
                                  "state_dict or model_state_dict");
        }
        if (!tensors.emplace(key.text, value.tensor).second) {
            throw CheckpointError(file + ": '" + readable_name(key.text) + "' occurs twice");
        }
    }
    if (tensors.empty()) throw CheckpointError(file + ": the state dictionary is empty");
    return tensors;
}

SavedState read_zip_container(std::span<std::byte> bytes, const std::string& file, std::vector<std::string>* notes) {
    const auto members = read_zip_directory(bytes, file);
    // ROOT/data.pkl, with one ROOT for all members
    std::string root;
    for (const auto& [name, content] : members) {
        if (!name.ends_with("/data.pkl") || name.find('/') != name.size() - 9) continue;
        if (!root.empty()) throw CheckpointError(file + ": zip archive: two members are named data.pkl");
        root = name.substr(0, name.size() - 8);
    }
    if (root.empty()) throw CheckpointError(file + ": zip archive: no member NAME/data.pkl; torch.save makes one");
    if (members.contains(root + "constants.pkl")) {
        throw CheckpointError(file + ": a TorchScript archive; read are state dictionaries of torch.save");
    }
    if (const auto order = members.find(root + "byteorder"); order != members.end()) {
        const std::string_view word(reinterpret_cast<const char*>(order->second.data()), order->second.size());
        if (word != "little") {
            throw CheckpointError(file + ": its byte order is '" + readable_name(word) + "', read is little");
        }
    }

    SavedState saved;
    std::size_t position = 0;
    PickleMachine machine(members.at(root + "data.pkl"), file);
    saved.tensors = tensors_of(machine.read(position), file, notes);
    for (const auto& [name, content] : members) {
        if (name.starts_with(root + "data/")) saved.storages.emplace(name.substr(root.size() + 5), content);
    }
    return saved;
}

bool is_magic(const PickleValue& value) {
    constexpr char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    return value.is(Kind::long_integer) && value.text == std::string_view(magic, 10);
}

/// Five pickles (magic number, version, system, the object, the keys of its storages), then the storages in the order
/// of the keys, each with its number of elements before it.
SavedState read_legacy_container(std::span<std::byte> bytes, const std::string& file, std::vector<std::string>* notes) {
    std::size_t position = 0;
    PickleMachine machine(bytes, file);
    if (!is_magic(machine.read(position))) throw CheckpointError(file + ": a pickle, but none of torch.save");
    const PickleValue& version = machine.read(position);
    if (!version.is(Kind::integer) || version.integer != 1001) {
        throw CheckpointError(file + ": legacy container: its version is not 1001");
    }
    const PickleValue& system = machine.read(position);
    const PickleValue* is_little = system.is(Kind::dictionary) ? system.find("little_endian") : nullptr;
    if (is_little == nullptr || !is_little->is(Kind::boolean) || is_little->integer != 1) {
        throw CheckpointError(file + ": legacy container: its numbers are not little-endian");
    }

    SavedState saved;
    const PickleValue& root = machine.read(position);
    const PickleValue& keys = machine.read(position);
    saved.tensors = tensors_of(root, file, notes);
    if (!keys.is(Kind::list)) throw CheckpointError(file + ": legacy container: no list of storages");

    // All storages of the file, the optimiser's too: their sizes tell where the next one starts
    const std::map<std::string, PickledStorage> known = machine.storages();
    for (const PickleValue* key : keys.items) {
        const auto storage = key->is(Kind::text) ? known.find(key->text) : known.end();
        if (storage == known.end())
            throw CheckpointError(file + ": legacy container: it lists a storage that nothing uses");
        std::int64_t elements = 0;
        if (bytes.size() - position < sizeof elements)
            throw CheckpointError(file + ": the file ends inside its storages");
        std::memcpy(&elements, bytes.data() + position, sizeof elements);
        position += sizeof elements;
        const std::string shown = "storage '" + readable_name(key->text) + "'";
        if (elements != storage->second.elements) {
            throw CheckpointError(file + ": " + shown + " has " + std::to_string(elements) +
                                  " elements, its pickle says " + std::to_string(storage->second.elements));
        }
        const auto size = static_cast<std::uint64_t>(bytes_of(storage->second, file));
        if (size > bytes.size() - position) throw CheckpointError(file + ": the file ends inside " + shown);
        if (!saved.storages.emplace(key->text, bytes.subspan(position, size)).second) {
            throw CheckpointError(file + ": " + shown + " is listed twice");
        }
        position += size;
    }
    if (position != bytes.size()) {
        throw CheckpointError(file + ": " + std::to_string(bytes.size() - position) + " bytes after the last storage");
    }
    return saved;
}

/// With every storage there, of the size that the pickle says.
SavedState read_state(std::span<std::byte> bytes, const std::string& file, std::vector<std::string>* notes) {
    if (!is_torch_file(bytes)) throw CheckpointError(file + ": neither a zip archive nor a pickle of torch.save");
    const bool is_zip = bytes[0] == std::byte{'P'};
    SavedState saved = is_zip ? read_zip_container(bytes, file, notes) : read_legacy_container(bytes, file, notes);
    for (const auto& [name, tensor] : saved.tensors) {
        const auto storage = saved.storages.find(tensor.storage.key);
        const std::string shown = "storage '" + readable_name(tensor.storage.key) + "' of " + readable_name(name);
        if (storage == saved.storages.end()) throw CheckpointError(file + ": " + shown + " is missing");
        const std::int64_t wanted = bytes_of(tensor.storage, file);
        if (storage->second.size() != static_cast<std::uint64_t>(wanted)) {
            throw CheckpointError(file + ": " + shown + " has " + std::to_string(storage->second.size()) +
                                  " bytes, expected " + std::to_string(wanted));
        }
    }
    return saved;
}

/// A storage as a tensor of one dimension; `mapping` lives as long as it does, and gets its pages back when it goes.
at::Tensor storage_tensor(std::span<std::byte> bytes, at::ScalarType type,
                          const std::shared_ptr<FileMapping>& mapping) {
    const at::TensorOptions options = at::TensorOptions().dtype(type);
    const auto item = static_cast<std::int64_t>(c10::elementSize(type));
    const std::int64_t elements = static_cast<std::int64_t>(bytes.size()) / item;
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % static_cast<std::uint64_t>(item) == 0;
    if (elements > 0 && is_aligned) {
        const auto release = [mapping, bytes](void* /*data*/) {
            if (mapping != nullptr) mapping->release(bytes);
        };
        return at::from_blob(bytes.data(), {elements}, release, options);
    }
    at::Tensor copy = at::empty({elements}, options);
    if (elements > 0) std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
    if (mapping != nullptr) mapping->release(bytes);
    return copy;
}

TensorMap tensors_over(std::span<std::byte> bytes, const std::string& file, const std::shared_ptr<FileMapping>& mapping,
                       std::vector<std::string>* notes) {
    const SavedState saved = read_state(bytes, file, notes);
    std::map<std::pair<std::string, at::ScalarType>, at::Tensor> storages;
    TensorMap tensors;
    for (const auto& [name, tensor] : saved.tensors) {
        at::Tensor& storage = storages[{tensor.storage.key, tensor.storage.type}];
        if (!storage.defined()) {
            storage = storage_tensor(saved.storages.at(tensor.storage.key), tensor.storage.type, mapping);
        }
        tensors.emplace(name, storage.as_strided(tensor.sizes, tensor.strides, tensor.offset));
    }
    return tensors;
}

}  // namespace

bool is_torch_file(std::span<const std::byte> start) {
    const auto is = [&](std::size_t i, unsigned value) { return start[i] == static_cast<std::byte>(value); };
    if (start.size() < 4) return false;
    const bool is_zip = is(0, 'P') && is(1, 'K') && is(2, 3) && is(3, 4);
    const bool is_pickle = is(0, 0x80) && start[1] >= std::byte{2} && start[1] <= std::byte{5};
    return is_zip || is_pickle;
}

TensorMap read_torch_file(const std::filesystem::path& path, std::vector<std::string>* notes) {
    const auto mapping = std::make_shared<FileMapping>(path);
    return tensors_over(mapping->bytes(), readable_name(path.string()), mapping, notes);
}

TensorMap read_torch_file(std::span<const std::byte> bytes, std::string_view name, std::vector<std::string>* notes) {
    // from_blob has no form for constant bytes; nobody may write into tensors made here.
    const std::span<std::byte> writable(const_cast<std::byte*>(bytes.data()), bytes.size());
    return tensors_over(writable, readable_name(name), nullptr, notes);
}

TensorHeaders read_torch_headers(const std::filesystem::path& path, std::vector<std::string>* notes) {
    const FileMapping mapping(path);
    const std::string file = readable_name(path.string());
    TensorHeaders headers;
    for (const auto& [name, tensor] : read_state(mapping.bytes(), file, notes).tensors) {
        headers[name] = {std::string(safetensors_name(tensor.storage.type)), tensor.sizes};
    }
    return headers;
}

}  // namespace pipeline
