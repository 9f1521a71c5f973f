#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "pipeline/networks/model.h"

namespace conformance {

/// The network of a golden folder that `name` stands for: where networks.h5 has a group of this name, the files that
/// its attributes `weights_file` and `config_file` say, else weights/NAME.safetensors and weights/NAME.json.
/// @throws NotBuilt  where the format has no reader: diffusers folders, .pt files
pipeline::ModelDescription describe_network(const std::filesystem::path& folder, const std::string& name);

/// Networks for samplers, each loaded once.
class NetworkShelf {
  public:
    explicit NetworkShelf(std::filesystem::path folder) : folder_(std::move(folder)) {}
    pipeline::Model& model(const std::string& name);

  private:
    std::filesystem::path folder_;
    std::map<std::string, std::unique_ptr<pipeline::Model>> models_;
};

}  // namespace conformance
