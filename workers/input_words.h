#pragma once

#include <string_view>

#include "pipeline/samplers/make_sampler.h"

namespace workers {

/// What a method starts from, as `list` and the manual say it.
inline std::string_view input_words(pipeline::MethodInput input) {
    switch (input) {
        case pipeline::MethodInput::nothing:
            return "generates; takes no measurement";
        case pipeline::MethodInput::measurement:
            return "restores from the measurement y";
        case pipeline::MethodInput::truth:
            return "starts from the clean image itself";
    }
    return "";
}

}  // namespace workers
