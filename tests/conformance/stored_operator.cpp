#include "tests/conformance/stored_operator.h"

#include "operators/make_operator.h"
#include "tests/conformance/report.h"

namespace conformance {

operators::Shape image_shape(const at::Tensor& batch) {
    return {batch.size(-3), batch.size(-2), batch.size(-1)};
}

std::shared_ptr<const operators::MeasurementOperator> stored_operator(const GoldenFile& file, const std::string& group,
                                                                      const operators::Shape& image,
                                                                      std::int64_t first_row, std::int64_t rows) {
    if (file.has(inside(group, "mask"))) {
        at::Tensor mask = file.read(inside(group, "mask"));
        if (mask.size(0) > 1) mask = mask.narrow(0, first_row, rows);
        return operators::find_operator("mask").make({}, image, {{"mask", mask}});
    }
    // Pooling and resizing store weights of their own kind, a blur its kernel
    if (file.has(inside(group, "kernel"))) {
        return operators::find_operator("kernel").make({}, image, {{"kernel", file.read(inside(group, "kernel"))}});
    }
    // A resize stores its weights; average pooling nothing but what it is called
    const std::string made_by = file.text_if_any(group, "function").value_or("");
    const bool is_average = group.find("average") != std::string::npos || made_by.find("avg_pool") != std::string::npos;
    const bool is_bicubic = file.has(inside(group, "weights_dim2")) || group.find("bicubic") != std::string::npos;
    if (file.has_attribute(group, "scale") && (is_average || is_bicubic)) {
        operators::Settings settings;
        settings.set("factor", file.integer(group, "scale"));
        settings.set("kind", std::string(is_bicubic ? "bicubic" : "average"));
        return operators::find_operator("super_resolution").make(settings, image, {});
    }
    if (group.find("colourisation") != std::string::npos) {
        return operators::find_operator("colourisation").make({}, image, {});
    }
    throw NotBuilt("this operator is not built");
}

}  // namespace conformance
