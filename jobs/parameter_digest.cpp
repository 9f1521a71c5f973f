#include "jobs/parameter_digest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "pipeline/data/parameter_file.h"
#include "pipeline/data/sha256.h"

namespace jobs {

namespace {

constexpr std::size_t images_looked_at = 1000;
constexpr std::size_t images_at_once = 50;  // masks are held in memory together

}  // namespace

std::string parameter_digest(const operators::OperatorEntry& entry, const operators::Settings& settings,
                             const operators::Shape& image, const pipeline::Dataset& dataset,
                             std::span<const std::int64_t> images) {
    if (entry.file_parameter.empty()) return {};
    pipeline::Sha256 digest;
    images = images.first(std::min(images.size(), images_looked_at));
    for (std::size_t begin = 0; begin < images.size(); begin += images_at_once) {
        std::vector<std::string> names;
        for (const std::int64_t number : images.subspan(begin, std::min(images_at_once, images.size() - begin))) {
            names.push_back(dataset.name(number));
        }
        const operators::Parameters parameters =
            pipeline::read_parameters(entry.file_parameter, settings.word("file"), image, names);
        entry.make(settings, image, parameters);
        for (const auto& [name, tensor] : parameters) {
            const at::Tensor values = tensor.contiguous();
            digest.update(name + operators::shape_of(values));
            digest.update(std::span(static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()));
        }
    }
    return digest.finish();
}

}  // namespace jobs
