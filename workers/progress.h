#pragma once

#include <chrono>
#include <set>
#include <string>

#include "workers/status.h"

namespace workers {

/// Progress on standard error: one redrawn line on a terminal, otherwise a plain line every 30 seconds; and once, on
/// standard output, which rank computes on which GPU.
class Progress {
  public:
    Progress();
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void show(const Status& status);
    /// Wipes the redrawn line, so that what is printed next begins a line.
    void clear();

  private:
    bool is_terminal_;
    bool is_drawn_ = false;
    std::set<int> told_;
    std::chrono::steady_clock::time_point last_;
};

}  // namespace workers
