#pragma once

#include <filesystem>

#include "tests/conformance/report.h"

namespace conformance {

// One function per topic of a golden folder. Each discovers its cases from the file and does nothing where there is
// none. To add a topic: its file, its function here, its line in main.cpp.

void check_networks(const std::filesystem::path& folder, Report& report);
void check_loader(const std::filesystem::path& folder, Report& report);
void check_schedule(const std::filesystem::path& folder, Report& report);
void check_operators(const std::filesystem::path& folder, Report& report);
void check_samplers(const std::filesystem::path& folder, Report& report);
void check_metrics(const std::filesystem::path& folder, Report& report);

}  // namespace conformance
