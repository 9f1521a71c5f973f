#include <ATen/Parallel.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "workers/commands.h"

int main(int argument_count, char** arguments) {
    // Freed activations stay with the process: returning them to the system costs a tenth of the run in page faults.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
    // OpenMP threads spin; ranks raise this to what the plan says.
    at::set_num_threads(1);
    const std::vector<std::string> words(arguments + 1, arguments + argument_count);
    const int exit_code = workers::run_program(words);
    // All that is ours is closed. LibTorch would take its operators out of their tables one by one, a fifth of the time
    // of a short command, and must not where the CUDA side was opened.
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    std::_Exit(exit_code);
}
