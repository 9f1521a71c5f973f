#pragma once

#include <map>
#include <string>
#include <vector>

namespace cluster {

/// Processes of this host, by rank: tells within the time of a poll that one has ended, and ends one. Others, and those
/// of other hosts, are passed over. Holds a descriptor a process (pidfd), so that a number that is used again is never
/// taken for the one that was watched.
class ProcessWatch {
  public:
    ProcessWatch() = default;
    ~ProcessWatch();
    ProcessWatch(const ProcessWatch&) = delete;
    ProcessWatch& operator=(const ProcessWatch&) = delete;

    /// Watches `process` where `host` is this one.
    void watch(int rank, const std::string& host, int process);
    /// Watches the ranks that this one's launcher has started beside it, before they say anything. Where all `size`
    /// ranks of the world are of this host, one that is not there any more has ended.
    void watch_siblings(int size);
    /// Ranks whose process has ended since the last call; they are watched no longer.
    std::vector<int> ended();
    /// Kills the rank's process, at once; nothing where it is not watched.
    void kill(int rank);

  private:
    std::map<int, int> descriptors_;
    std::vector<int> ended_before_;  ///< Before they could be watched.
};

/// True where a process of this host with this number runs a program of this name.
bool is_running(const std::string& program, int process);

}  // namespace cluster
