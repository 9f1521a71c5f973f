#pragma once

#include <string>

#include "pipeline/networks/tensor_file.h"

/// What a call refuses with; empty where it does not.
template <class Call>
std::string refusal(Call&& call) {
    try {
        call();
    } catch (const pipeline::CheckpointError& error) {
        return error.what();
    }
    return {};
}
