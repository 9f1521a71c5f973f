#include "cluster/process_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

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

std::vector<int> ProcessWatch::ended() {
    std::vector<pollfd> polled;
    std::vector<int> ranks;
    for (const auto& [rank, descriptor] : descriptors_) {
        polled.push_back({descriptor, POLLIN, 0});
        ranks.push_back(rank);
    }
    std::vector<int> found;
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
