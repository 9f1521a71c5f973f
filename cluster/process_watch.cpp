#include "cluster/process_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "cluster/node_layout.h"

namespace cluster {

namespace {

// glibc of Debian 12 has no names for these calls of Linux 5.3.
int open_process(int process) {
    return static_cast<int>(syscall(SYS_pidfd_open, process, 0));
}

void signal_process(int descriptor, int signal) {
    syscall(SYS_pidfd_send_signal, descriptor, signal, nullptr, 0);
}

/// What mpirun has put into a process's environment; −1 where it is not there.
int environment_number(const std::string& process, const std::string& name) {
    std::ifstream file("/proc/" + process + "/environ", std::ios::binary);
    for (std::string entry; std::getline(file, entry, '\0');) {
        if (entry.starts_with(name + "=")) return std::atoi(entry.c_str() + name.size() + 1);
    }
    return -1;
}

int parent_of(const std::string& process) {
    std::ifstream file("/proc/" + process + "/stat");
    std::string line;
    std::getline(file, line);
    // "pid (name) state parent …"; the name may hold anything.
    const std::size_t end = line.rfind(')');
    return end == std::string::npos || end + 4 >= line.size() ? -1 : std::atoi(line.c_str() + end + 4);
}

}  // namespace

ProcessWatch::~ProcessWatch() {
    for (const auto& [rank, descriptor] : descriptors_) close(descriptor);
}

void ProcessWatch::watch(int rank, const std::string& host, int process) {
    if (host != node_place().host) return;
    const int descriptor = open_process(process);
    // Ended already, or a kernel without the call: silence will tell.
    if (descriptor < 0) return;
    const auto [entry, is_new] = descriptors_.try_emplace(rank, descriptor);
    if (!is_new) {
        close(entry->second);
        entry->second = descriptor;
    }
}

void ProcessWatch::watch_siblings(int size) {
    const int own_rank = environment_number("self", "OMPI_COMM_WORLD_RANK");
    const int local_size = environment_number("self", "OMPI_COMM_WORLD_LOCAL_SIZE");
    if (own_rank < 0) return;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
        const std::string process = entry.path().filename().string();
        if (process.find_first_not_of("0123456789") != std::string::npos || parent_of(process) != getppid()) continue;
        const int rank = environment_number(process, "OMPI_COMM_WORLD_RANK");
        if (rank >= 0 && rank != own_rank) watch(rank, node_place().host, std::atoi(process.c_str()));
    }
    for (int rank = 0; rank < size && local_size == size; ++rank) {
        if (rank != own_rank && !descriptors_.contains(rank)) ended_before_.push_back(rank);
    }
}

std::vector<int> ProcessWatch::ended() {
    std::vector<pollfd> polled;
    std::vector<int> ranks;
    for (const auto& [rank, descriptor] : descriptors_) {
        polled.push_back({descriptor, POLLIN, 0});
        ranks.push_back(rank);
    }
    std::vector<int> found = std::exchange(ended_before_, {});
    if (poll(polled.data(), polled.size(), 0) <= 0) return found;
    for (std::size_t index = 0; index < polled.size(); ++index) {
        if (polled[index].revents == 0) continue;
        found.push_back(ranks[index]);
        close(polled[index].fd);
        descriptors_.erase(ranks[index]);
    }
    return found;
}

void ProcessWatch::kill(int rank) {
    const auto found = descriptors_.find(rank);
    if (found != descriptors_.end()) signal_process(found->second, SIGKILL);
}

bool is_running(const std::string& program, int process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/comm");
    std::string name;
    return std::getline(file, name) && name == program;
}

}  // namespace cluster
