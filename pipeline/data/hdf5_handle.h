#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>
#include <utility>

namespace pipeline {

/// An HDF5 identifier that closes itself. Private to the hdf5 sources.
class Hdf5Handle {
  public:
    using Closer = herr_t (*)(hid_t);

    Hdf5Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
    Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
    Hdf5Handle& operator=(Hdf5Handle&&) = delete;
    ~Hdf5Handle() {
        if (id_ >= 0) closer_(id_);
    }
    operator hid_t() const { return id_; }
    /// The identifier, to be closed by somebody else.
    hid_t release() { return std::exchange(id_, -1); }

  private:
    hid_t id_;
    Closer closer_;
};

/// Where a call stands, for its message: the file and the object inside it (empty: the file as a whole).
struct Hdf5Place {
    const std::filesystem::path& file;
    std::string object = {};
};

/// Switches off the library's own printing, filter plugins and external links. Called before anything else.
void prepare_hdf5();

/// "FILE: 'OBJECT': reason", control characters escaped.
[[noreturn]] void refuse_hdf5(const Hdf5Place& place, const std::string& reason);

/// The same with the library's error stack, read before anything clears it.
[[noreturn]] void fail_hdf5(const char* call, const Hdf5Place& place);

/// The call's own result, or an exception where it is negative.
template <typename Result>
Result check_hdf5(Result result, const char* call, const Hdf5Place& place) {
    if (result < 0) fail_hdf5(call, place);
    return result;
}

/// Follows a path inside a file and refuses what is missing or leads out of the file.
void check_hdf5_links(hid_t file, const Hdf5Place& place);

/// Opens a dataset that is safe to read: inside this file, and stored with built-in filters only.
Hdf5Handle open_hdf5_dataset(hid_t file, const Hdf5Place& place);

/// Opens any object (group, dataset) of this file.
Hdf5Handle open_hdf5_object(hid_t file, const Hdf5Place& place);

}  // namespace pipeline
