#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace workers {

/// Does tasks one after the other on one thread beside the caller's; or, where it has none, at once on the caller's.
class SideThread {
  public:
    /// @param on_start  called first on the new thread; may be null
    SideThread(bool has_thread, std::function<void()> on_start);
    /// Waits for the task that runs; those that have not begun are dropped.
    ~SideThread();
    SideThread(const SideThread&) = delete;
    SideThread& operator=(const SideThread&) = delete;

    /// What the task throws is thrown by the future.
    std::future<void> run(std::function<void()> task);

  private:
    void serve(const std::function<void()>& on_start);

    std::mutex mutex_;
    std::condition_variable has_news_;
    std::deque<std::packaged_task<void()>> tasks_;
    bool is_closing_ = false;
    std::thread thread_;  ///< Last: it uses the others.
};

}  // namespace workers
