#include "pipeline/data/hdf5.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pipeline/data/hdf5_handle.h"

namespace pipeline {

namespace {

Hdf5Handle file_access(const Hdf5Place& place) {
    Hdf5Handle access(check_hdf5(H5Pcreate(H5P_FILE_ACCESS), "H5Pcreate", place), H5Pclose);
    check_hdf5(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "H5Pset_fclose_degree", place);
#if H5_VERSION_GE(1, 10, 7)
    // Files here are immutable or have one writer, and some cluster file systems cannot lock.
    check_hdf5(H5Pset_file_locking(access, false, true), "H5Pset_file_locking", place);
#endif
    return access;
}

herr_t collect_link(hid_t, const char* name, const H5L_info_t*, void* data) {
    try {
        static_cast<std::vector<std::string>*>(data)->emplace_back(name);
    } catch (const std::exception&) {
        return -1;  // an exception must not cross the library
    }
    return 0;
}

/// True where the path leads to an object; false where any part of it is missing.
bool exists_in_hdf5(hid_t file, const Hdf5Place& place) {
    const std::string& name = place.object;
    if (name.empty() || name == "/") return true;
    for (std::size_t end = name.find('/', 1);; end = name.find('/', end + 1)) {
        const std::string prefix = name.substr(0, end);
        if (check_hdf5(H5Lexists(file, prefix.c_str(), H5P_DEFAULT), "H5Lexists", place) == 0) return false;
        if (check_hdf5(H5Oexists_by_name(file, prefix.c_str(), H5P_DEFAULT), "H5Oexists_by_name", place) == 0) {
            return false;
        }
        if (end == std::string::npos) return true;
        // A dataset has no members, and the library calls it an error to ask.
        const Hdf5Handle object(check_hdf5(H5Oopen(file, prefix.c_str(), H5P_DEFAULT), "H5Oopen", place), H5Oclose);
        if (H5Iget_type(object) != H5I_GROUP) return false;
    }
}

}  // namespace

Hdf5File Hdf5File::open(const std::filesystem::path& path) {
    prepare_hdf5();
    const Hdf5Place place{path};
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) refuse_hdf5(place, "no such file");
    if (!std::filesystem::is_regular_file(status)) refuse_hdf5(place, "not a file");

    const Hdf5Handle access = file_access(place);
    const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
    if (id < 0 && H5Fis_hdf5(path.c_str()) == 0) refuse_hdf5(place, "not an HDF5 file");
    if (id < 0) {
        // The check above has cleared the error stack: ask again for the reason.
        check_hdf5(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), "H5Fopen", place);
    }
    return Hdf5File(path, id);
}

Hdf5File Hdf5File::create(const std::filesystem::path& path) {
    prepare_hdf5();
    const Hdf5Place place{path};
    const Hdf5Handle access = file_access(place);
    const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_FILE_CREATE), "H5Pcreate", place), H5Pclose);
    check_hdf5(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times", place);
    return Hdf5File(path, check_hdf5(H5Fcreate(path.c_str(), H5F_ACC_EXCL, creation, access), "H5Fcreate", place));
}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept : path_(std::move(other.path_)), id_(std::exchange(other.id_, -1)) {}

Hdf5File& Hdf5File::operator=(Hdf5File&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(id_, other.id_);
    return *this;
}

Hdf5File::~Hdf5File() {
    if (id_ >= 0) H5Fclose(id_);
}

void Hdf5File::close() {
    const hid_t id = std::exchange(id_, -1);
    if (id < 0) return;
    const Hdf5Place place{path_};
    // The descriptor is given back whatever the flush says; its error is the one that tells why.
    try {
        check_hdf5(H5Fflush(id, H5F_SCOPE_GLOBAL), "H5Fflush", place);
    } catch (...) {
        H5Fclose(id);
        throw;
    }
    check_hdf5(H5Fclose(id), "H5Fclose", place);
}

bool Hdf5File::has(const std::string& name) const {
    return exists_in_hdf5(id_, {path_, name});
}

bool Hdf5File::is_group(const std::string& name) const {
    const Hdf5Place place{path_, name};
    if (!exists_in_hdf5(id_, place)) return false;
    return H5Iget_type(open_hdf5_object(id_, place)) == H5I_GROUP;
}

std::vector<std::string> Hdf5File::children(const std::string& group) const {
    const Hdf5Place place{path_, group};
    const Hdf5Handle object = open_hdf5_object(id_, place);
    if (H5Iget_type(object) != H5I_GROUP) refuse_hdf5(place, "is not a group");
    std::vector<std::string> names;
    check_hdf5(H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_link, &names), "H5Literate", place);
    std::sort(names.begin(), names.end());
    return names;
}

void Hdf5File::make_group(const std::string& name) {
    const Hdf5Place place{path_, name};
    if (name.empty() || name == "/" || exists_in_hdf5(id_, place)) return;
    // Missing groups on the way are made one by one, since the library's own shortcut would track their times.
    const std::size_t slash = name.rfind('/');
    if (slash != std::string::npos) make_group(name.substr(0, slash));
    const Hdf5Handle creation(check_hdf5(H5Pcreate(H5P_GROUP_CREATE), "H5Pcreate", place), H5Pclose);
    check_hdf5(H5Pset_obj_track_times(creation, false), "H5Pset_obj_track_times", place);
    const Hdf5Handle group(
        check_hdf5(H5Gcreate2(id_, name.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), "H5Gcreate2", place), H5Gclose);
}

}  // namespace pipeline
