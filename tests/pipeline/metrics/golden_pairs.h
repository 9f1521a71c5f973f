#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/image_file.h"
#include "tests/support/paths.h"

namespace test_support {

/// A pair of metrics.h5, as a batch of one.
struct GoldenPair {
    std::string name;
    at::Tensor restored;
    at::Tensor reference;
};

inline pipeline::Hdf5File golden_metrics() {
    return pipeline::Hdf5File::open(golden_folder() / "metrics.h5");
}

inline std::vector<GoldenPair> golden_pairs(const pipeline::Hdf5File& file) {
    std::vector<GoldenPair> pairs;
    for (const std::string& name : file.children("pairs")) {
        const std::string group = "pairs/" + name;
        pairs.push_back(
            {name, file.read(group + "/restored").unsqueeze(0), file.read(group + "/reference").unsqueeze(0)});
    }
    return pairs;
}

inline double stored_number(const pipeline::Hdf5File& file, const GoldenPair& pair, const std::string& name) {
    return std::get<double>(file.attribute("pairs/" + pair.name, name).value());
}

/// tests/data/FOLDER/NAME, [1, C, H, W] on [−1, 1].
inline at::Tensor test_image(const std::string& folder, const std::string& name) {
    return pipeline::read_image(source_folder() / "tests" / "data" / folder / name).unsqueeze(0);
}

}  // namespace test_support
