#include "pipeline/data/hdf5_handle.h"

#include <exception>
#include <string>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"

namespace pipeline {

namespace {

/// The first (deepest) and the last (outermost) description of an error stack.
struct ErrorStack {
    std::string cause;
    std::string effect;
};

herr_t collect_error(unsigned, const H5E_error2_t* error, void* data) {
    auto& stack = *static_cast<ErrorStack*>(data);
    try {
        const std::string text = error->desc != nullptr ? error->desc : "";
        if (stack.cause.empty()) stack.cause = text;
        if (!text.empty()) stack.effect = text;
    } catch (const std::exception&) {
        return -1;  // an exception must not cross the library
    }
    return 0;
}

/// A dataset may keep its values in other files, or pass them through code that is loaded at run time: neither is read.
void check_hdf5_storage(hid_t dataset, const Hdf5Place& place) {
    const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(dataset), "H5Dget_create_plist", place), H5Pclose);
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL) refuse_hdf5(place, "virtual datasets are not read; copy the data into one file");
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) {
        refuse_hdf5(place, "unknown storage layout");
    }
    if (check_hdf5(H5Pget_external_count(creation), "H5Pget_external_count", place) > 0) {
        refuse_hdf5(place, "external storage is not read; copy the data into the file");
    }
    const int filters = check_hdf5(H5Pget_nfilters(creation), "H5Pget_nfilters", place);
    for (int i = 0; i < filters; ++i) {
        unsigned flags = 0;
        unsigned settings = 0;
        std::size_t values = 0;
        char name[64] = "";
        const H5Z_filter_t filter =
            H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, sizeof name, name, &settings);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32) {
            name[sizeof name - 1] = '\0';
            refuse_hdf5(place, "filter " + std::to_string(filter) + " '" + name +
                                   "' is not read; allowed are deflate (gzip), shuffle and fletcher32");
        }
    }
}

}  // namespace

void prepare_hdf5() {
    // Error printing is a setting of the calling thread, the other two of the process.
    thread_local const bool is_quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
    static const bool is_closed = H5PLset_loading_state(0) >= 0 && H5Lunregister(H5L_TYPE_EXTERNAL) >= 0;
    if (!is_quiet || !is_closed)
        throw Hdf5Error("HDF5 does not start: H5Eset_auto2, H5PLset_loading_state or H5Lunregister");
}

void refuse_hdf5(const Hdf5Place& place, const std::string& reason) {
    std::string message = printable(place.file.string()) + ": ";
    if (!place.object.empty()) message += "'" + printable(place.object) + "': ";
    throw Hdf5Error(message + printable(reason));
}

void fail_hdf5(const char* call, const Hdf5Place& place) {
    ErrorStack stack;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect_error, &stack);
    std::string reason = std::string(call) + " failed";
    if (!stack.effect.empty()) reason += ": " + stack.effect;
    if (stack.cause != stack.effect) reason += ": " + stack.cause;
    refuse_hdf5(place, reason);
}

void check_hdf5_links(hid_t file, const Hdf5Place& place) {
    const std::string& name = place.object;
    if (name.find('\0') != std::string::npos) refuse_hdf5(place, "a name cannot hold a zero byte");
    for (std::size_t end = name.find('/', 1); !name.empty() && name != "/"; end = name.find('/', end + 1)) {
        const std::string prefix = name.substr(0, end);
        const htri_t exists = H5Lexists(file, prefix.c_str(), H5P_DEFAULT);
        if (exists <= 0) refuse_hdf5(place, "no such object");
        H5L_info_t info;
        check_hdf5(H5Lget_info(file, prefix.c_str(), &info, H5P_DEFAULT), "H5Lget_info", place);
        if (info.type != H5L_TYPE_HARD && info.type != H5L_TYPE_SOFT) {
            refuse_hdf5(place, "external links are not followed; name the file that they lead to");
        }
        if (end == std::string::npos) break;
    }
}

Hdf5Handle open_hdf5_dataset(hid_t file, const Hdf5Place& place) {
    prepare_hdf5();
    Hdf5Handle object = open_hdf5_object(file, place);
    if (H5Iget_type(object) != H5I_DATASET) refuse_hdf5(place, "is not a dataset");
    check_hdf5_storage(object, place);
    return object;
}

Hdf5Handle open_hdf5_object(hid_t file, const Hdf5Place& place) {
    prepare_hdf5();
    if (file < 0) refuse_hdf5(place, "the file is closed");
    check_hdf5_links(file, place);
    const std::string name = place.object.empty() ? "/" : place.object;
    return {check_hdf5(H5Oopen(file, name.c_str(), H5P_DEFAULT), "H5Oopen", place), H5Oclose};
}

}  // namespace pipeline
