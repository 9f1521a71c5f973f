#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace workers {

/// Watches over something that may never return, such as MPI_Comm_spawn of a process that ends before it has joined:
/// where this object lives longer than it may, `on_late` is called from another thread, and is expected to end the
/// process.
class StartWatch {
  public:
    StartWatch(double seconds, std::function<void()> on_late);

  private:
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;  ///< Last: it is joined before the others go.
};

}  // namespace workers
