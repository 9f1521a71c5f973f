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
        refuse_respacing(request, "'" + std::string(text) +
                                      "' is not a number of steps; expected 250, 10+15+20, ddim50, leading50, "
                                      "linspace50, trailing50 or quadratic50");
    }
    return count;
}

void check_count(int count, int steps, std::string_view request) {
    if (count >= 1 && count <= steps) return;
    refuse_respacing(request,
                     "takes " + std::to_string(count) + " timesteps, allowed are 1 to " + std::to_string(steps));
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

/// 0, s, 2 s, … with s = ⌊T/N⌋, all moved up by an offset: "leading50", "leading50+1".
std::vector<int> leading_timesteps(int steps, std::string_view text, std::string_view request) {
    const std::size_t plus = text.find('+');
    const int count = parse_count(text.substr(0, plus), request);
    const int offset = plus == std::string_view::npos ? 0 : parse_count(text.substr(plus + 1), request);
    check_count(count, steps, request);
    std::vector<int> timesteps;
    for (int k = 0; k < count; ++k) timesteps.push_back(k * (steps / count) + offset);
    if (timesteps.back() >= steps) {
        refuse_respacing(request, "its last timestep is " + std::to_string(timesteps.back()) + ", allowed is below " +
                                      std::to_string(steps));
    }
    return timesteps;
}

/// N of 0 … T−1 at equal distances, both ends taken, halves to even.
std::vector<int> linspace_timesteps(int steps, int count, std::string_view request) {
    check_count(count, steps, request);
    std::vector<int> timesteps;
    const double stride = count > 1 ? static_cast<double>(steps - 1) / (count - 1) : 0.0;
    for (int k = 0; k < count; ++k) timesteps.push_back(static_cast<int>(std::nearbyint(k * stride)));
    if (count > 1) timesteps.back() = steps - 1;
    return timesteps;
}

/// T, T − s, T − 2 s, … with s = T/N, rounded halves to even, less one.
std::vector<int> trailing_timesteps(int steps, int count, std::string_view request) {
    check_count(count, steps, request);
    // As numpy.arange computes it: the difference of the first two, times k.
    const double delta = (steps - static_cast<double>(steps) / count) - steps;
    std::vector<int> timesteps(static_cast<std::size_t>(count));
    for (int k = 0; k < count; ++k) {
        timesteps[static_cast<std::size_t>(count - 1 - k)] = static_cast<int>(std::nearbyint(steps + k * delta)) - 1;
    }
    return timesteps;
}

/// ⌊u²⌋ for N numbers u from 0 to √(0.8 T): dense where there is little noise.
std::vector<int> quadratic_timesteps(int steps, int count, std::string_view request) {
    check_count(count, steps, request);
    const double stride = count > 1 ? std::sqrt(steps * 0.8) / (count - 1) : 0.0;
    std::vector<int> timesteps;
    for (int k = 0; k < count; ++k) {
        const double u = k * stride;
        timesteps.push_back(static_cast<int>(u * u));
        if (k > 0 && timesteps[static_cast<std::size_t>(k - 1)] == timesteps.back()) {
            refuse_respacing(request,
                             "it takes timestep " + std::to_string(timesteps.back()) + " twice; allowed are fewer");
        }
    }
    return timesteps;
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
    const auto after = [&](std::string_view prefix) { return request.substr(prefix.size()); };
    if (request.starts_with("leading")) return leading_timesteps(steps, after("leading"), request);
    if (request.starts_with("linspace")) {
        return linspace_timesteps(steps, parse_count(after("linspace"), request), request);
    }
    if (request.starts_with("trailing")) {
        return trailing_timesteps(steps, parse_count(after("trailing"), request), request);
    }
    if (request.starts_with("quadratic")) {
        return quadratic_timesteps(steps, parse_count(after("quadratic"), request), request);
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
