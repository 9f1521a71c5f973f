#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace test_support {

/// Process ids whose command line contains `needle`, this process left out. Zombies have no command line.
inline std::vector<int> processes_with(const std::string& needle) {
    std::vector<int> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "cmdline", std::ios::binary);
        std::string line{std::istreambuf_iterator<char>(file), {}};
        for (char& byte : line) {
            if (byte == '\0') byte = ' ';
        }
        const int process = std::atoi(name.c_str());
        if (line.find(needle) != std::string::npos && process != static_cast<int>(getpid())) found.push_back(process);
    }
    return found;
}

/// Waits until `condition` holds; false where it never did.
template <class Condition>
bool wait_until(double seconds, const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return condition();
}

}  // namespace test_support
