#include "cluster/slurm/slurm_submission.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <system_error>

extern char** environ;

namespace cluster {

namespace {

constexpr std::size_t most_output = 64 * 1024;  // bytes

void check(int error, const char* what) {
    if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

/// A pipe of which the child gets the writing end.
struct Pipe {
    int read = -1, write = -1;
    Pipe() {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
        read = ends[0];
        write = ends[1];
    }
    ~Pipe() {
        close(read);
        close_write();
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close_write() {
        if (write >= 0) close(write);
        write = -1;
    }
};

/// Reads both until both are closed, and keeps the beginning of each.
void read_both(const Pipe& output, const Pipe& errors, ProgramResult& result) {
    std::array<pollfd, 2> sources = {{{output.read, POLLIN, 0}, {errors.read, POLLIN, 0}}};
    const std::array<std::string*, 2> texts = {&result.output, &result.errors};
    std::array<char, 4096> buffer{};
    while (sources[0].fd >= 0 || sources[1].fd >= 0) {
        if (poll(sources.data(), sources.size(), -1) < 0 && errno != EINTR) return;
        for (std::size_t i = 0; i < sources.size(); ++i) {
            if (sources[i].fd < 0 || sources[i].revents == 0) continue;
            const ssize_t got = read(sources[i].fd, buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                sources[i].fd = -1;
                continue;
            }
            const std::size_t room = most_output - std::min(most_output, texts[i]->size());
            texts[i]->append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
        }
    }
}

/// Lines joined into one, without blanks at either end.
std::string one_line(const std::string& text) {
    std::istringstream lines(text);
    std::string joined, line;
    while (std::getline(lines, line)) {
        if (!line.empty()) joined += (joined.empty() ? "" : "; ") + line;
    }
    return joined;
}

}  // namespace

bool is_on_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    std::string folder;
    while (std::getline(folders, folder, ':')) {
        const std::filesystem::path file = std::filesystem::path(folder.empty() ? "." : folder) / program;
        std::error_code ignored;
        if (std::filesystem::is_regular_file(file, ignored) && access(file.c_str(), X_OK) == 0) return true;
    }
    return false;
}

ProgramResult run_program_and_wait(const std::vector<std::string>& arguments) {
    Pipe output, errors;
    posix_spawn_file_actions_t actions;
    check(posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output.write, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors.write, STDERR_FILENO);
    std::vector<std::string> words = arguments;
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t child = 0;
    const int error = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    check(error, ("cannot start " + arguments[0]).c_str());

    output.close_write();
    errors.close_write();
    ProgramResult result;
    read_both(output, errors, result);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

std::string submit_script(const std::filesystem::path& script) {
    const ProgramResult result = run_program_and_wait({"sbatch", "--parsable", script.string()});
    if (result.status != 0) {
        throw std::runtime_error("sbatch ended with status " + std::to_string(result.status) + ": " +
                                 one_line(result.errors));
    }
    // "123" or, where Slurm knows several clusters, "123;name".
    const std::string job = one_line(result.output);
    const std::string number = job.substr(0, job.find(';'));
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) {
        throw std::runtime_error("sbatch said no job number, but: " + one_line(result.output + result.errors));
    }
    return number;
}

}  // namespace cluster
