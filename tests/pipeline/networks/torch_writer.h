#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace torch_writer {

/// Pickle text in pieces, for state dictionaries that torch.save would write and for such as it never would.
std::string protocol();
std::string text(const std::string& value);
std::string integer(std::int64_t value);  ///< 0 … 2³¹−1
std::string global(const std::string& module, const std::string& name);
std::string tuple(const std::vector<std::string>& items);
std::string list(const std::vector<std::string>& items);
/// An OrderedDict of key, value, key, value, …
std::string dictionary(const std::vector<std::string>& keys_and_values);
std::string call(const std::string& function, const std::string& arguments);

struct Storage {
    std::string key = "0";
    std::string type = "FloatStorage";
    std::int64_t elements = 4;
    bool is_legacy = false;
};
std::string storage(const Storage& storage);
/// _rebuild_tensor_v2 of a storage.
std::string tensor(const Storage& storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                   const std::vector<std::int64_t>& strides);

/// Writes a zip archive of stored members, one after the other, to a stream.
class ZipWriter {
  public:
    explicit ZipWriter(std::ostream& out) : out_(out) {}

    /// A member of `size` bytes that `write` writes, at a multiple of 64 as torch.save pads it.
    void add(const std::string& name, std::uint64_t size, const std::function<void(std::ostream&)>& write,
             std::uint16_t method = 0);
    void add(const std::string& name, const std::string& content, std::uint16_t method = 0);
    /// The directory, in the ZIP64 form where asked.
    void finish(bool is_zip64 = false);

  private:
    struct Entry {
        std::string name;
        std::uint64_t size, local_header;
        std::uint16_t method;
    };

    void number(std::uint64_t value, int bytes);

    std::ostream& out_;
    std::uint64_t position_ = 0;
    std::vector<Entry> entries_;
};

/// archive/data.pkl of this pickle, and archive/data/KEY for each storage.
std::string zip_file(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages);

/// The legacy container: magic, version and system pickles, the object's, the keys', and the storages with their
/// counts.
std::string legacy_file(const std::string& pickle, const std::vector<std::pair<std::string, std::string>>& storages,
                        std::size_t bytes_per_element = 4);

/// The same without what stands after the pickles.
std::string legacy_pickles(const std::string& pickle, const std::vector<std::string>& keys);

/// n little-endian float32: 0, 1, 2, …
std::string floats(std::size_t count);

}  // namespace torch_writer
