#include <torch/headeronly/version.h>

#include <iostream>

#include "cluster/mpi_environment.h"
#include "workers/commands.h"
#include "workers/verdict.h"

namespace workers {

namespace {

/// As in CMakeLists.txt, which a test compares it with.
constexpr std::string_view program_version = "0.1.0";

}  // namespace

int version_command(Arguments& arguments) {
    if (!arguments.words.empty()) arguments.only_word("version", "nothing");
    arguments.expect_no_options("version");
    std::cout << "diffinv " << program_version << "\n"
              << "LibTorch " << TORCH_VERSION << "\n"
              << cluster::mpi_library_version() << "\n";
    return exit_done;
}

}  // namespace workers
