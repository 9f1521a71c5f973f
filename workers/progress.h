#pragma once

#include <chrono>
#include <string>

#include "workers/status.h"

namespace workers {

/// Progress on standard error: one redrawn line on a terminal, otherwise a plain line every 30 seconds.
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
    std::chrono::steady_clock::time_point last_;
};

}  // namespace workers
