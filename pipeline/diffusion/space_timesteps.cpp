#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "pipeline/diffusion/noise_schedule.h"

namespace pipeline {

namespace {

[[noreturn]] void refuse_respacing(std::string_view request, const std::string& why) {
    throw std::invalid_argument("respacing '" + std::string(request) + "': " + why);
}

int parse_count(std::string_view text, std::string_view request) {
    int count = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc{} || stop != end || count < 0) {
        refuse_respacing(request,
                         "'" + std::string(text) + "' is not a number of steps; expected 250, 10+15+20 or ddim50");
    }
    return count;
}

/// The smallest integer stride that gives exactly `count` timesteps: 0, stride, 2 stride, …
std::vector<int> stride_timesteps(int steps, int count, std::string_view request) {
    for (int stride = 1; stride < steps; ++stride) {
        if ((steps + stride - 1) / stride != count) continue;
        std::vector<int> timesteps;
        for (int t = 0; t < steps; t += stride) timesteps.push_back(t);
        return timesteps;
    }
    refuse_respacing(request, "no integer stride takes exactly " + std::to_string(count) + " of " +
                                  std::to_string(steps) + " timesteps");
}

std::vector<int> section_counts(std::string_view request) {
    std::vector<int> counts;
    std::string_view rest = request;
    while (true) {
        const std::size_t separator = rest.find_first_of(",+");
        counts.push_back(parse_count(rest.substr(0, separator), request));
        if (separator == std::string_view::npos) return counts;
        rest.remove_prefix(separator + 1);
    }
}

}  // namespace

std::vector<int> space_timesteps(int steps, std::string_view request) {
    constexpr std::string_view stride_prefix = "ddim";
    if (request.starts_with(stride_prefix)) {
        return stride_timesteps(steps, parse_count(request.substr(stride_prefix.size()), request), request);
    }
    const std::vector<int> counts = section_counts(request);
    const int sections = static_cast<int>(counts.size());
    std::vector<int> timesteps;
    int start = 0;
    for (int section = 0; section < sections; ++section) {
        // The first `steps mod sections` sections are one longer.
        const int size = steps / sections + (section < steps % sections ? 1 : 0);
        const int count = counts[section];
        if (count > size) {
            refuse_respacing(request, "cannot take " + std::to_string(count) + " timesteps from a section of " +
                                          std::to_string(size));
        }
        const double stride = count > 1 ? static_cast<double>(size - 1) / (count - 1) : 1.0;
        // The running sum, not k · stride: they round to different timesteps for a quarter of all counts.
        double position = 0.0;
        for (int k = 0; k < count; ++k, position += stride) {
            // nearbyint rounds halves to even, as the reference does.
            timesteps.push_back(start + static_cast<int>(std::nearbyint(position)));
        }
        start += size;
    }
    if (timesteps.empty()) refuse_respacing(request, "it takes no timestep, expected at least 1");
    return timesteps;
}

}  // namespace pipeline
