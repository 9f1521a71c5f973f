#include "tests/mpi/small_runs.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "pipeline/data/sha256.h"
#include "tests/cluster/processes.h"

namespace test_support {

namespace fs = std::filesystem;

namespace {

const fs::path quickstart_of_runs = source_folder() / "jobs" / "quickstart";

}  // namespace

std::string program() {
    return (binary_folder() / "diffinv").string();
}

std::string write_job(const TemporaryFolder& folder, const std::string& rest) {
    const fs::path job = folder / "small.ini";
    write_text(job, "dataset = " + (quickstart_of_runs / "images").string() +
                        "\nmodel = " + (quickstart_of_runs / "model").string() + "\nseed = 3\n" + rest);
    return job.string();
}

std::string write_varied_job(const TemporaryFolder& folder) {
    return write_job(folder,
                     "images = 0-2\nbatch = 2\nsteps = 3\nmethod = sdedit, dps, score_ald, ddpm\n"
                     "operator = box, random\n[ddpm]\nsamples = 3\n");
}

std::string write_long_job(const TemporaryFolder& folder) {
    return write_job(folder,
                     "images = 0-3\nbatch = 2\nsteps = 20\nmethod = sdedit, ddpm\noperator = box\n"
                     "[sdedit]\nt-start = 1000\n[ddpm]\nsamples = 16\n");
}

CommandResult run_job(const std::string& job, const fs::path& output, int workers, const std::string& more) {
    return run_command(program() + " run " + job + " --output " + output.string() + " --workers " +
                       std::to_string(workers) + " " + more);
}

std::map<std::string, std::string> hashes(const fs::path& run) {
    std::map<std::string, std::string> found;
    for (const char* part : {"units", "measurements"}) {
        for (const auto& entry : fs::recursive_directory_iterator(run / part)) {
            if (entry.is_regular_file()) {
                found[fs::relative(entry.path(), run).string()] = pipeline::sha256_of_file(entry.path());
            }
        }
    }
    return found;
}

pid_t start_job(const std::string& job, const fs::path& output, int workers, const fs::path& log,
                const std::vector<std::string>& more) {
    const pid_t process = fork();
    if (process != 0) return process;
    std::vector<std::string> words = {
        "diffinv", "run", job, "--output", output.string(), "--workers", std::to_string(workers)};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (freopen(log.c_str(), "w", stdout) == nullptr || dup2(STDOUT_FILENO, STDERR_FILENO) < 0) _exit(98);
    execv(program().c_str(), arguments.data());
    _exit(99);
}

int end_of(pid_t process) {
    int status = 0;
    waitpid(process, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int count_of(const std::string& text, const std::string& word) {
    int count = 0;
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
    return count;
}

int committed_units(const fs::path& run) {
    int count = 0;
    std::error_code ignored;
    for (const auto& entry : fs::recursive_directory_iterator(run / "units", ignored)) {
        count += entry.path().extension() == ".h5";
    }
    return count;
}

std::vector<int> processes_of_rank(const fs::path& run, int rank) {
    std::vector<int> found;
    for (const int process : processes_with("rank " + run.string())) {
        std::ifstream file("/proc/" + std::to_string(process) + "/environ", std::ios::binary);
        std::stringstream all;
        all << file.rdbuf();
        const std::string text = std::string(1, '\0') + all.str();
        const std::string wanted = std::string(1, '\0') + "OMPI_COMM_WORLD_RANK=" + std::to_string(rank) + '\0';
        if (text.find(wanted) != std::string::npos) found.push_back(process);
    }
    return found;
}

int temporaries(const fs::path& run) {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(run)) count += entry.path().extension() == ".tmp";
    return count;
}

}  // namespace test_support
