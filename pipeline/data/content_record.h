#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/sealed_file.h"

namespace pipeline {

/// One thing that a content file holds: its values, or for images the places of the chunks they are packed in.
struct ContentEntry {
    std::string type;  ///< "text", "texts", or the name of a tensor's element type
    std::vector<std::int64_t> shape;
    std::vector<std::string> texts;    ///< of "text" and "texts"
    std::string values;                ///< the bytes of numbers, little-endian, where they are in no chunks
    std::optional<Hdf5Chunks> chunks;  ///< of images: one for each entry of the leading axis

    bool operator==(const ContentEntry&) const = default;
};

/// What a content file holds, once more in a form that is read at once: a run of 10⁵ units is merged from records,
/// without HDF5 looking for every column of every file. CBOR between the HDF5 file's end and the seal.
class ContentRecord {
  public:
    void add_text(const std::string& name, const std::string& value);
    void add_texts(const std::string& name, const std::vector<std::string>& values);
    /// @param chunks  where the tensor is stored in chunks: its values are not in the record then
    void add_tensor(const std::string& name, const at::Tensor& dense, std::optional<Hdf5Chunks> chunks = {});

    /// Null where there is none of this name.
    const ContentEntry* find(const std::string& name) const;
    bool operator==(const ContentRecord&) const = default;

    /// @throws FileError
    void append_to(const std::filesystem::path& path) const;
    /// Nothing where the file has no record, or a damaged one.
    static std::optional<ContentRecord> read(const SealedFile& file);

  private:
    void add(const std::string& name, ContentEntry entry);
    std::map<std::string, ContentEntry> entries_;
};

/// The element type of this name among those that content files hold.
std::optional<at::ScalarType> content_type(const std::string& name);

}  // namespace pipeline
