#include "workers/start_watch.h"

#include <chrono>
#include <utility>

namespace workers {

StartWatch::StartWatch(double seconds, std::function<void()> on_late)
    : thread_([this, seconds, on_late = std::move(on_late)](const std::stop_token& stop) {
          std::unique_lock lock(mutex_);
          wake_.wait_for(lock, stop, std::chrono::duration<double>(seconds), [] { return false; });
          if (!stop.stop_requested()) on_late();
      }) {}

}  // namespace workers
