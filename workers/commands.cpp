#include "workers/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "jobs/job_error.h"
#include "jobs/suggestion.h"
#include "pipeline/data/file_error.h"
#include "workers/batch_trial.h"
#include "workers/option_text.h"
#include "workers/verdict.h"
#include "workers/worker.h"

namespace workers {

namespace {

constexpr std::array<std::string_view, 2> help_and_markdown = {"help", "markdown"};
constexpr std::array<std::string_view, 1> help_only = {"help"};
constexpr std::array<std::string_view, 3> status_flags = {"help", "json", "watch"};
constexpr std::array<std::string_view, 6> calibrate_values = {"image-size", "batch",     "threads",
                                                              "device",     "precision", "model-preset"};
constexpr std::array<std::string_view, 9> run_values = {
    "output", "workers", "only", "shard", "deadline", "worker-timeout", "start-timeout", "replacements", "work-ahead"};
constexpr std::array<std::string_view, 2> run_flags = {"help", "retry-failed"};
constexpr std::array<std::string_view, 9> rank_values = {
    "work-ahead", "only", "deadline", "worker-timeout", "start-timeout", "replacements", "number", "place", "launch"};

constexpr std::array<std::string_view, 1> verify_values = {"workers"};
constexpr std::array<std::string_view, 2> verify_flags = {"help", "repair"};
constexpr std::array<std::string_view, 8> submit_values = {"output", "nodes", "gpus-per-node", "workers-per-node",
                                                           "time",   "array", "requeue-limit"};
constexpr std::array<std::string_view, 2> submit_flags = {"help", "print"};
constexpr std::array<std::string_view, 1> export_values = {"to"};
constexpr std::array<std::string_view, 2> report_values = {"to", "images"};
constexpr std::array<std::string_view, 6> report_flags = {"help", "intervals", "csv", "json", "latex", "png"};
constexpr std::array<std::string_view, 1> preset_value = {"model-preset"};
constexpr std::array<std::string_view, 2> convert_values = {"to", "model-preset"};

constexpr ArgumentRules plain = {.flags = help_only};

constexpr std::array<Command, 17> commands = {{
    {"plan",
     "plan JOB [--NAME VALUE …]",
     "says what a job would do: units, network calls, bytes, hours; runs nothing",
     "Checks everything that 'run' checks before it starts and writes nothing.",
     {.takes_job_options = true, .flags = help_only},
     plan_command},
    {"run",
     "run JOB [--output DIR] [--workers N] [--only PART] [--retry-failed] [--shard I/K] [--NAME VALUE …]",
     "runs a job, or continues it: the same command again computes what is missing",
     "--output DIR   folder of the run; default: the job file's name without its ending, in the working directory\n"
     "--workers N    processes that compute, 1 to 4096, beside the one that coordinates; default: 1.\n"
     "               The results do not depend on it.\n"
     "--only PART    runs a part of the sweep: method=dps,operator=box,operator=random; keys are method, operator and\n"
     "               sigma-y, one key again means 'or'\n"
     "--retry-failed tries what failed in earlier runs again\n"
     "--shard I/K    computes part I of K in this process alone, without MPI; the parts may run at once and "
     "anywhere\n\n"
     "--deadline T         seconds since 1970 at which all must have ended: nothing is begun that would not end "
     "before\n"
     "--worker-timeout S   a worker that is silent so long is taken for dead (at least ten of its steps); default: "
     "30.\n"
     "                     One of this machine whose process has ended is noticed at once.\n"
     "--start-timeout S    the same while it loads the model or takes a first step; default: 300\n"
     "--replacements N     workers that may be started for dead ones; default: 3\n"
     "--work-ahead 0|1     1: a second thread of each worker reads the next unit and scores and writes the last one "
     "while\n"
     "                     one is sampled; default: 1 on GPUs, 0 on processors. The results do not depend on it.\n\n"
     "Starts mpirun by itself; inside an MPI launch (mpirun -np N+1 diffinv run JOB) it uses the ranks that it finds.\n"
     "Exit codes: 0 all done, 2 job refused, 3 finished but some units failed, 4 the machine lacks something,\n"
     "70 internal error, 75 incomplete: run the same command again, 130 and 143 stopped by INT and TERM.",
     {.takes_job_options = true, .values = run_values, .flags = run_flags},
     run_command},
    {"submit",
     "submit JOB [--output DIR] --nodes N --gpus-per-node G --time T [--print] [-x KEY=VALUE …] [--NAME VALUE …]",
     "hands a job to Slurm, which runs it, and runs it again until it is done",
     "--output DIR            folder of the run, as for 'run'; login node and compute nodes share it\n"
     "--nodes N               default: 1\n"
     "--gpus-per-node G       0 computes on processors\n"
     "--workers-per-node W    processes that compute on a node; default: one for each of its GPUs, at least 1\n"
     "--time T                limit of one stay in the cluster: minutes, HH:MM:SS, D-HH and so on. Near its end no "
     "unit\n"
     "                        begins that would not end in it, and the job goes back into the queue\n"
     "--requeue-limit R       how often it goes back, at most; default: 20\n"
     "--array K               K jobs of one process each, without MPI, that share the units evenly\n"
     "-x KEY=VALUE            another option of sbatch, as -x partition=gpu or -x exclusive; may be repeated\n"
     "--print                 shows the script and does nothing\n\n"
     "Refuses at once whatever 'run' would refuse. The script is DIR/slurm/job.sh, Slurm's output "
     "DIR/logs/slurm-*.log.",
     {.takes_job_options = true, .values = submit_values, .flags = submit_flags, .repeated = "-x"},
     submit_command},
    {"status",
     "status DIR [--watch] [--json]",
     "how a run stands, from any shell",
     "A line for each point of the sweep, the workers and what they have done, what has failed and why, and the time "
     "left\n"
     "with a range of two standard deviations, by what units have taken so far.\n\n"
     "--watch  draws it again every second until the run ends; where standard output is no terminal, a line a change\n"
     "--json   the same as JSON, see docs/status.md",
     {.flags = status_flags},
     status_command},
    {"calibrate",
     "calibrate MODEL [--image-size N] [--batch N] [--threads N] [--device D] [--precision P]",
     "measures what a network call takes on this machine, for the times that 'plan' and 'status' tell",
     "Median of a few calls, forward and with the gradient, kept in ~/.cache/diffinv/costs.json (in the folder\n"
     "DIFFINV_CACHE where that is set).\n\n"
     "--image-size N       side of the images; default: the checkpoint's\n"
     "--batch N            default: 8, as a job's\n"
     "--threads N          default: 1, as a job's\n"
     "--device D           auto, cpu, cuda; --precision P: float32, tf32, bfloat16\n"
     "--model-preset NAME  as for 'inspect'",
     {.values = calibrate_values, .flags = help_only},
     calibrate_command},
    {"drain", "drain DIR", "lets a run finish what it computes and leave, from any shell",
     "Nothing new is begun; the run ends with exit code 75, and the same command continues it.", plain, drain_command},
    {"cancel", "cancel DIR", "stops a run at once, from any shell",
     "What is finished stays; the run ends with exit code 143, and the same command continues it.", plain,
     cancel_command},
    {"merge", "merge DIR", "joins what is finished into results.h5 and results.csv",
     "Units that are missing are left out and counted; 'run' merges by itself when it ends.", plain, merge_command},
    {"verify",
     "verify DIR [--repair] [--workers N]",
     "reads every file of a run again and names what is damaged",
     "Units and measurements are held to the seal over their bytes, the digest of their content and their place in "
     "the\n"
     "plan; results.h5 to the units it was merged from, but for its text. Files that do not belong to the run are "
     "named\n"
     "and left alone.\n\n"
     "--repair       removes what is damaged and computes exactly that again, with the same bytes; not while the job "
     "runs\n"
     "--workers N    processes that compute it, 1 to 4096; default: 1\n\n"
     "Exit codes: 0 all is well, 3 something is damaged; with --repair those of 'run'.",
     {.values = verify_values, .flags = verify_flags},
     verify_command},
    {"report",
     "report DIR… [--to FILE] [--csv] [--json] [--latex] [--png] [--images N] [--intervals]",
     "prints the table and writes report.html: numbers, charts, images and the run itself in one file",
     "The page works offline from a file. It holds the table with intervals and differences from the best, charts, an\n"
     "image browser, the workers over time, and where everything came from. Several folders give one comparison.\n\n"
     "--to FILE      where the page goes, and beside it the other files; default: DIR/report.html\n"
     "--csv          also summary.csv and differences.csv: means with 95 % bootstrap intervals, and differences "
     "between\n"
     "               methods on the same measurements, image by image\n"
     "--json         also report.json, described in docs/report.md\n"
     "--latex        also table.tex: the table as papers print it\n"
     "--png          also table.png (truth, measurement and every method) and samples.png (what was generated)\n"
     "--images N     images of an operator in table.png, 1 to 8, which it asks for too; default: 8\n"
     "--intervals    prints the intervals and the differences from the best method too",
     {.values = report_values, .flags = report_flags},
     report_command},
    {"export",
     "export DIR --to FOLDER",
     "writes truth and restored images as PNG, for the field's own tools",
     "A folder for each line of the table, images by their names; see docs/metrics.md for FID and KID.",
     {.values = export_values, .flags = help_only},
     export_command},
    {"list",
     "list methods|operators|metrics|options [--markdown]",
     "what there is, with every setting",
     "--markdown   the options as Markdown tables, as docs/job_file.md has them",
     {.flags = help_and_markdown},
     list_command},
    {"inspect",
     "inspect MODEL|RESULTS [--model-preset NAME]",
     "what a checkpoint or a results.h5 holds",
     "MODEL is a .safetensors or .pt file, or a folder with model.safetensors and config.json.\n"
     "--model-preset NAME   published settings for a checkpoint that comes without them, as in a job.",
     {.values = preset_value, .flags = help_only},
     inspect_command},
    {"convert",
     "convert MODEL --to FOLDER [--model-preset NAME]",
     "writes a checkpoint as FOLDER/model.safetensors with its settings in FOLDER/config.json",
     "MODEL and --model-preset are as for 'inspect'. Weights are written as float32, the settings as "
     "guided-diffusion's\n"
     "flags; FOLDER is made and must hold neither file yet.",
     {.values = convert_values, .flags = help_only},
     convert_command},
    {"version", "version", "versions of the program and its libraries", "", plain, version_command},
    {"trial", "trial JOB", "", "", {.takes_job_options = true, .flags = help_only}, trial_command, true},
    {"rank", "rank DIR", "", "", {.values = rank_values, .flags = help_only}, rank_command, true},
}};

void print_overview() {
    std::cout << "diffinv restores and generates image datasets with diffusion models.\n\n";
    for (const Command& command : commands) {
        if (!command.is_hidden) std::cout << "  diffinv " << command.usage << "\n      " << command.summary << "\n";
    }
    std::cout << "\n'diffinv COMMAND --help' says more about a command.\n";
}

void print_help(const Command& command) {
    std::cout << "diffinv " << command.usage << "\n\n" << command.summary << "\n";
    if (!command.help.empty()) std::cout << "\n" << command.help << "\n";
    if (!command.rules.takes_job_options) return;
    std::cout << "\nOptions of a job file may stand on the command line too and win there, those of a section as"
                 " --SECTION.NAME.\n\n"
              << option_text(jobs::job_options(), "--") << "\nA method's section may also set:\n\n"
              << option_text(jobs::section_options(), "--METHOD.")
              << "\n'diffinv list methods' and 'diffinv list operators' show their sections.\n";
}

const Command& find_command(const std::string& name) {
    const auto found = std::find_if(commands.begin(), commands.end(), [&](const Command& c) { return c.name == name; });
    if (found != commands.end()) return *found;
    std::vector<std::string> known;
    std::string names;
    for (const Command& command : commands) {
        if (command.is_hidden) continue;
        known.emplace_back(command.name);
        names += (names.empty() ? "" : ", ") + known.back();
    }
    throw jobs::JobError("unknown command '" + name + "'" + jobs::suggestion(name, known) + ", there are " + names);
}

int run_words(std::span<const std::string> words) {
    if (words.empty()) throw jobs::JobError("no command given (see 'diffinv --help')");
    if (words.front() == "--help" || words.front() == "help") {
        print_overview();
        return exit_done;
    }
    const Command& command = find_command(words.front() == "--version" ? "version" : words.front());
    Arguments arguments = parse_arguments(words.subspan(1), command.rules);
    if (arguments.has_flag("help")) {
        print_help(command);
        return exit_done;
    }
    return command.run(arguments);
}

/// The one line of a refusal or failure.
int say(int exit_code, const std::string& message) {
    std::cout.flush();
    std::fprintf(stderr, "diffinv: %s\n", pipeline::printable(message).c_str());
    return exit_code;
}

}  // namespace

std::span<const Command> command_table() {
    return commands;
}

int run_program(std::span<const std::string> words) {
    try {
        return run_words(words);
    } catch (const jobs::JobError& error) {
        return say(exit_refused, error.what());
    } catch (const jobs::EnvironmentError& error) {
        return say(exit_environment, error.what());
    } catch (const std::exception& error) {
        return say(exit_internal, describe_failure(error).reason);
    }
}

}  // namespace workers
