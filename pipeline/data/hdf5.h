#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// A failed HDF5 call, in the library's own words with file and object.
class Hdf5Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// An attribute's value. Fixed- and variable-length strings are read alike; strings are written variable-length UTF-8.
using Hdf5Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;

/// How a dataset is stored.
struct Hdf5Layout {
    std::vector<std::uint64_t> chunk = {};  ///< Empty: contiguous.
    int deflate = 0;                        ///< 0: none; 1 … 9
    bool shuffle = false;
    bool fletcher32 = false;
};

/// Where a stored chunk lies in its file, and which filters were skipped for it.
struct Hdf5ChunkPlace {
    std::uint64_t address = 0, bytes = 0;
    std::uint32_t filter_mask = 0;

    bool operator==(const Hdf5ChunkPlace&) const = default;
};

/// The chunks of a dataset whose chunks are one entry of the leading axis each.
struct Hdf5Chunks {
    bool is_shuffled = false;
    std::vector<Hdf5ChunkPlace> places;

    bool operator==(const Hdf5Chunks&) const = default;
};

class Hdf5ChunkWriter;

/// One HDF5 file, closed with its object. All calls are checked; times are not tracked, so equal content gives equal
/// bytes. Names are paths inside the file ("rows/psnr"); missing groups on the way are made when writing.
///
/// Reading is safe on foreign files: external links, external and virtual storage and filters that need plugins are
/// refused, and sizes are checked before memory is taken. One thread at a time touches HDF5.
class Hdf5File {
  public:
    /// @throws Hdf5Error
    static Hdf5File open(const std::filesystem::path& path);
    /// Creates a new file; an existing one is an error.
    static Hdf5File create(const std::filesystem::path& path);
    Hdf5File(Hdf5File&& other) noexcept;
    Hdf5File& operator=(Hdf5File&& other) noexcept;
    ~Hdf5File();
    /// Closes now, so that errors of the last write are seen.
    void close();

    bool has(const std::string& name) const;
    bool is_group(const std::string& name) const;
    /// Names of a group's members, sorted.
    std::vector<std::string> children(const std::string& group) const;
    std::vector<std::int64_t> shape(const std::string& name) const;

    /// A numeric dataset as a tensor of its own type (float32, float64, int8 … int64, uint8).
    at::Tensor read(const std::string& name) const;
    /// Rows [first, first + count) of the leading dimension.
    at::Tensor read_rows(const std::string& name, std::int64_t first, std::int64_t count) const;
    /// The part of a dataset at these indices of its leading axes, the other axes whole.
    at::Tensor read_at(const std::string& name, const std::vector<std::int64_t>& leading) const;
    /// A dataset of strings.
    bool is_text(const std::string& name) const;
    std::vector<std::string> read_strings(const std::string& name) const;
    std::optional<Hdf5Attribute> attribute(const std::string& object, const std::string& name) const;
    std::vector<std::string> attribute_names(const std::string& object) const;

    void make_group(const std::string& name);
    void write(const std::string& name, const at::Tensor& values, const Hdf5Layout& layout = {});
    void write_strings(const std::string& name, const std::vector<std::string>& values);
    void set_attribute(const std::string& object, const std::string& name, const Hdf5Attribute& value);

    /// An empty dataset to be filled by `chunk_writer` or `write_rows`.
    void make_dataset(const std::string& name, at::ScalarType type, const std::vector<std::int64_t>& shape,
                      const Hdf5Layout& layout);
    void write_rows(const std::string& name, std::int64_t first, const at::Tensor& values);
    /// The stored (compressed) bytes of the chunk at this offset, and which filters were skipped for it.
    std::string read_chunk(const std::string& name, const std::vector<std::uint64_t>& offset,
                           std::uint32_t& filter_mask) const;
    /// Where the chunks lie; nothing where the dataset is not chunked.
    /// @throws Hdf5Error  where a chunk is not one whole entry of the leading axis, or was never written
    std::optional<Hdf5Chunks> chunks(const std::string& name) const;
    Hdf5ChunkWriter chunk_writer(const std::string& name);

    /// Makes a dataset a dimension scale with this name, and attaches scales to a dataset's axes.
    void make_scale(const std::string& name, const std::string& dimension);
    void attach_scale(const std::string& dataset, int axis, const std::string& scale);

  private:
    explicit Hdf5File(std::filesystem::path path, std::int64_t id) : path_(std::move(path)), id_(id) {}
    std::filesystem::path path_;
    std::int64_t id_ = -1;
};

/// A chunked dataset, held open to be filled with stored (compressed) bytes. To be destroyed before its file is closed.
class Hdf5ChunkWriter {
  public:
    Hdf5ChunkWriter(Hdf5ChunkWriter&& other) noexcept;
    Hdf5ChunkWriter& operator=(Hdf5ChunkWriter&&) = delete;
    ~Hdf5ChunkWriter();

    const std::string& name() const { return name_; }
    const std::vector<std::int64_t>& shape() const { return shape_; }
    at::ScalarType type() const { return type_; }
    /// @param offset  of the chunk's first entry on every axis
    void write(const std::vector<std::uint64_t>& offset, std::uint32_t filter_mask, std::string_view bytes);
    /// Closes now, so that errors of the last write are seen.
    void close();

  private:
    friend class Hdf5File;
    Hdf5ChunkWriter(std::filesystem::path path, std::string name, std::int64_t id, std::vector<std::int64_t> shape,
                    at::ScalarType type)
        : path_(std::move(path)), name_(std::move(name)), id_(id), shape_(std::move(shape)), type_(type) {}
    std::filesystem::path path_;
    std::string name_;
    std::int64_t id_ = -1;
    std::vector<std::int64_t> shape_;
    at::ScalarType type_;
};

}  // namespace pipeline
