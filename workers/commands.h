#pragma once

#include <span>
#include <string>
#include <string_view>

#include "workers/arguments.h"

namespace workers {

/// One command of the program. Each has a file of its own, command_NAME.cpp.
struct Command {
    std::string_view name;
    std::string_view usage;    ///< "run JOB [--output DIR] [--workers N] [--NAME VALUE …]"
    std::string_view summary;  ///< One line for `diffinv --help`.
    std::string_view help;     ///< The rest of `diffinv NAME --help`.
    ArgumentRules rules;       ///< `--help` lists the job's options too, where it takes them.
    int (*run)(Arguments& arguments);
    bool is_hidden = false;
};

std::span<const Command> command_table();

/// Finds the command and runs it; turns what is thrown into one line on standard error.
/// @return the program's exit code
int run_program(std::span<const std::string> words);

int plan_command(Arguments& arguments);
int run_command(Arguments& arguments);
int submit_command(Arguments& arguments);
int status_command(Arguments& arguments);
int calibrate_command(Arguments& arguments);
int drain_command(Arguments& arguments);
int cancel_command(Arguments& arguments);
int merge_command(Arguments& arguments);
int verify_command(Arguments& arguments);
int report_command(Arguments& arguments);
int list_command(Arguments& arguments);
int inspect_command(Arguments& arguments);
int convert_command(Arguments& arguments);
int export_command(Arguments& arguments);
int version_command(Arguments& arguments);
int rank_command(Arguments& arguments);

}  // namespace workers
