#include "pipeline/networks/safetensors.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "pipeline/networks/file_mapping.h"
#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/safetensors_dtype.h"
#include "pipeline/networks/safetensors_header.h"

namespace pipeline {
namespace {

/// One tensor over the file's bytes; `owner` lives as long as it does, and gets its pages back when it goes.
at::Tensor tensor_over(std::byte* data, const SafetensorsEntry& entry, const std::shared_ptr<FileMapping>& owner) {
    const at::TensorOptions options = at::TensorOptions().dtype(*find_safetensors_dtype(entry.dtype)->type);
    const std::size_t size = entry.end - entry.begin;
    // The format promises no alignment: what does not lie on a multiple of its own size is copied.
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(data) % options.dtype().itemsize() == 0;
    if (size == 0 || !is_aligned) {
        at::Tensor copy = at::empty(entry.shape, options);
        if (size != 0) std::memcpy(copy.data_ptr(), data, size);
        return copy;
    }
    const std::span<std::byte> bytes(data, size);
    const auto release = [owner, bytes](void* /*data*/) {
        if (owner != nullptr) owner->release(bytes);
    };
    return at::from_blob(data, entry.shape, release, options);
}

TensorMap tensors_over(std::span<std::byte> bytes, std::string_view file, const std::shared_ptr<FileMapping>& owner) {
    const SafetensorsHeader header = parse_safetensors_header(bytes, file);
    TensorMap tensors;
    for (const auto& [name, entry] : header.entries) {
        tensors.emplace(name, tensor_over(bytes.data() + header.buffer_start + entry.begin, entry, owner));
    }
    return tensors;
}

}  // namespace

TensorMap read_safetensors(const std::filesystem::path& path) {
    const auto mapping = std::make_shared<FileMapping>(path);
    return tensors_over(mapping->bytes(), readable_name(path.string()), mapping);
}

TensorMap read_safetensors(std::span<const std::byte> bytes, std::string_view name) {
    // from_blob has no form for constant bytes; nobody may write into tensors made here.
    const std::span<std::byte> writable(const_cast<std::byte*>(bytes.data()), bytes.size());
    return tensors_over(writable, readable_name(name), nullptr);
}

TensorHeaders read_safetensors_headers(const std::filesystem::path& path) {
    const FileMapping mapping(path);
    TensorHeaders headers;
    for (auto& [name, entry] : parse_safetensors_header(mapping.bytes(), readable_name(path.string())).entries) {
        headers.emplace(name, TensorHeader{std::move(entry.dtype), std::move(entry.shape)});
    }
    return headers;
}

}  // namespace pipeline
