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
    const std::span<const std::int64_t> looked_at = images.first(std::min(images.size(), images_looked_at));
    for (std::size_t begin = 0; begin < looked_at.size(); begin += images_at_once) {
        std::vector<std::string> names;
        for (const std::int64_t number : looked_at.subspan(begin, std::min(images_at_once, looked_at.size() - begin))) {
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
    // Of the others it is enough that each has one.
    for (std::size_t begin = looked_at.size(); begin < images.size(); begin += images_looked_at) {
        std::vector<std::string> names;
        for (const std::int64_t number : images.subspan(begin, std::min(images_looked_at, images.size() - begin))) {
            names.push_back(dataset.name(number));
        }
        pipeline::find_parameters(entry.file_parameter, settings.word("file"), names);
    }
    return digest.finish();
}

}  // namespace jobs
