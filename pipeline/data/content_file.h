#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/content_record.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sealed_file.h"
#include "pipeline/data/sha256.h"

namespace pipeline {

// What unit and measurement files have in common: immutable HDF5 files with a digest of their content, which is SHA-256
// over the name, type, shape and values of everything that is written, in the order of the calls. A reader that makes
// the same calls in the same order arrives at the same digest, or the file is damaged. Behind what HDF5 reads stand a
// record of the same content, for readers in a hurry (packed_content.h), and the seal over all bytes.

/// [N, C, H, W] ↔ [N, H, W, C], the order of axes in files.
at::Tensor to_channel_last(const at::Tensor& images);
at::Tensor to_channel_first(const at::Tensor& images);

/// One image a chunk, gzip 1 and a checksum. `is_smooth`: float32 of continuous values packs better with its bytes
/// shuffled (1.28 against 1.09 times), float32 on 8-bit levels worse (1.7 against 3.6 times).
Hdf5Layout image_layout(const at::Tensor& channel_last, bool is_smooth);

/// True where every value is v/127.5 − 1 for a whole v.
bool is_on_8_bit_levels(const at::Tensor& images);

/// Writes a content file. Every NaN is stored with one bit pattern.
class ContentWriter {
  public:
    /// `kind` and `schema` say what the file is: read back by `ContentReader`.
    ContentWriter(const std::filesystem::path& path, const std::string& kind, std::int64_t schema);

    void text(const std::string& name, const std::string& value);
    void integer(const std::string& name, std::int64_t value);
    void real(const std::string& name, double value);
    void tensor(const std::string& name, const at::Tensor& values, const Hdf5Layout& layout = {});
    void column(const std::string& name, const std::vector<std::int64_t>& values);
    void column(const std::string& name, const std::vector<double>& values);
    void column(const std::string& name, const std::vector<std::string>& values);
    /// An attribute that only explains: no part of the content.
    void remark(const std::string& object, const std::string& name, const Hdf5Attribute& value);

    /// Writes the digest, closes the file and puts the record behind it.
    void finish();

  private:
    std::filesystem::path path_;
    Hdf5File file_;
    Sha256 digest_;
    ContentRecord record_;
};

/// @throws FileError  where a file is not of the wanted kind
void check_content_kind(const std::filesystem::path& path, const std::string& wanted, const std::string& found);
/// @throws OtherSchemaError  where it is, but of another version of this program
void check_content_schema(const std::filesystem::path& path, std::int64_t wanted, std::int64_t found);

/// Reads a content file, and at the end holds it to its digest and its record to it.
class ContentReader {
  public:
    /// @throws FileError  where its seal is broken, or it is no file of this kind and schema
    ContentReader(const std::filesystem::path& path, const std::string& kind, std::int64_t schema);

    bool has(const std::string& name) const { return file_.has(name); }
    std::string text(const std::string& name);
    std::int64_t integer(const std::string& name);
    double real(const std::string& name);
    at::Tensor tensor(const std::string& name);
    std::vector<std::int64_t> integers(const std::string& name);
    std::vector<double> reals(const std::string& name);
    std::vector<std::string> texts(const std::string& name);

    /// @throws FileError  where what was read is not what was written
    void finish();

  private:
    SealedFile sealed_;
    Hdf5File file_;
    Sha256 digest_;
    ContentRecord record_;  ///< As it must be for what was read.
};

/// Commits a content file: `write` is given the temporary path; the seal is added.
/// @throws FileError  also for HDF5's errors
void commit_content_file(const std::filesystem::path& target,
                         const std::function<void(const std::filesystem::path& temporary)>& write);

}  // namespace pipeline
