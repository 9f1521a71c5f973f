#include "tests/conformance/network_files.h"

#include "tests/conformance/golden_file.h"
#include "tests/conformance/report.h"

namespace conformance {

pipeline::ModelDescription describe_network(const std::filesystem::path& folder, const std::string& name) {
    // Which files
    std::filesystem::path weights = folder / "weights" / (name + ".safetensors");
    std::filesystem::path settings = folder / "weights" / (name + ".json");
    if (std::filesystem::is_directory(folder / "weights" / name)) weights = folder / "weights" / name;
    if (const auto list = folder / "networks.h5"; std::filesystem::exists(list)) {
        const GoldenFile file(list);
        if (file.has(name)) {
            if (const auto stated = file.text_if_any(name, "weights_file")) weights = folder / *stated;
            if (const auto stated = file.text_if_any(name, "config_file")) settings = folder / *stated;
        }
    }

    if (std::filesystem::is_directory(weights)) return pipeline::describe_model(weights);
    pipeline::ModelDescription description = pipeline::describe_guided_diffusion(settings);
    description.weights_file = weights;
    return description;
}

pipeline::Model& NetworkShelf::model(const std::string& name) {
    auto& model = models_[name];
    if (model == nullptr) model = std::make_unique<pipeline::Model>(describe_network(folder_, name));
    return *model;
}

}  // namespace conformance
