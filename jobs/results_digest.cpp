#include "jobs/results_digest.h"

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/data/sha256.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

void add_column(pipeline::Sha256& digest, const Hdf5File& file, const std::string& name) {
    const std::vector<std::int64_t> shape = file.shape(name);
    if (shape.size() != 1) return;
    digest.update(name + " " + std::to_string(shape.front()) + "\n");
    if (file.is_text(name)) {
        // With its length before it: no two columns of texts give the same bytes.
        for (const std::string& text : file.read_strings(name)) digest.update(std::to_string(text.size()) + ":" + text);
        return;
    }
    const at::Tensor values = file.read(name).contiguous();
    digest.update(std::span(static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()));
}

void add_folder(pipeline::Sha256& digest, const Hdf5File& file, const std::string& folder) {
    std::vector<std::string> groups;
    for (const std::string& child : file.children(folder.empty() ? "/" : folder)) {
        const std::string name = folder.empty() ? child : folder + "/" + child;
        if (file.is_group(name)) {
            groups.push_back(name);
        } else {
            add_column(digest, file, name);
        }
    }
    for (const std::string& group : groups) add_folder(digest, file, group);
}

}  // namespace

std::string columns_digest(const Hdf5File& file) {
    pipeline::Sha256 digest;
    add_folder(digest, file, "");
    return digest.finish();
}

}  // namespace jobs
