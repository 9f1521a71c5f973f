// Makes a checkpoint of a preset's size, and measures what loading one takes:
//   checkpoint_memory make imagenet256 zip|legacy|safetensors FILE
//   checkpoint_memory load FILE imagenet256
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ops/full.h>
#include <nlohmann/json.hpp>

#include "pipeline/networks/guided_diffusion.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/model_presets.h"
#include "pipeline/networks/safetensors.h"
#include "tests/pipeline/networks/torch_writer.h"

namespace {

namespace tw = torch_writer;

struct SavedTensor {
    std::string name;
    std::vector<std::int64_t> shape, strides;
    std::int64_t elements = 1;
};

std::vector<SavedTensor> tensors_of(const std::string& preset) {
    const pipeline::ModelPreset* found = pipeline::find_model_preset(preset);
    if (found == nullptr) throw std::invalid_argument("presets are " + pipeline::preset_names());
    std::vector<SavedTensor> tensors;
    const auto model = pipeline::describe_guided_diffusion(nlohmann::json::parse(found->flags), preset);
    for (const auto& [name, shape] : pipeline::parameter_shapes(model.network)) {
        SavedTensor tensor{name, shape, std::vector<std::int64_t>(shape.size())};
        for (std::size_t i = shape.size(); i-- > 0;) {
            tensor.strides[i] = tensor.elements;
            tensor.elements *= shape[i];
        }
        tensors.push_back(tensor);
    }
    return tensors;
}

void make(const std::string& preset, const std::string& kind, const std::string& file) {
    const std::vector<SavedTensor> tensors = tensors_of(preset);
    if (kind == "safetensors") {
        pipeline::TensorMap map;
        for (const SavedTensor& tensor : tensors) map[tensor.name] = at::full({1}, 0.01F).expand(tensor.shape);
        pipeline::write_safetensors(file, map);
        return;
    }
    const bool is_legacy = kind == "legacy";
    std::vector<std::string> items, keys;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        keys.push_back(std::to_string(i));
        items.push_back(tw::text(tensors[i].name));
        items.push_back(tw::tensor({.key = keys.back(), .elements = tensors[i].elements, .is_legacy = is_legacy}, 0,
                                   tensors[i].shape, tensors[i].strides));
    }
    const std::string pickle = tw::protocol() + tw::dictionary(items) + ".";
    std::ofstream out(file, std::ios::binary);
    tw::ZipWriter zip(out);
    if (is_legacy) out << tw::legacy_pickles(pickle, keys);
    if (!is_legacy) zip.add("archive/data.pkl", pickle);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string content = tw::floats(static_cast<std::size_t>(tensors[i].elements));
        if (is_legacy) {
            for (int byte = 0; byte < 8; ++byte) out.put(static_cast<char>((tensors[i].elements >> (8 * byte)) & 0xFF));
            out << content;
        } else {
            zip.add("archive/data/" + keys[i], content);
        }
    }
    if (!is_legacy) zip.finish();
    if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

void load(const std::string& file, const std::string& preset) {
    const auto bytes = static_cast<double>(std::filesystem::file_size(file));
    const pipeline::Model model(pipeline::describe_model(file, preset));
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double peak = static_cast<double>(usage.ru_maxrss) * 1024;
    std::printf("%s: %.0f bytes, %zu tensors, peak %.0f bytes, %.3f of the file\n", file.c_str(), bytes,
                model.parameters().size(), peak, peak / bytes);
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    try {
        if (words.size() == 4 && words[0] == "make") return make(words[1], words[2], words[3]), 0;
        if (words.size() == 3 && words[0] == "load") return load(words[1], words[2]), 0;
        std::fprintf(stderr, "checkpoint_memory make PRESET zip|legacy|safetensors FILE | load FILE PRESET\n");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "checkpoint_memory: %s\n", error.what());
    }
    return 2;
}
