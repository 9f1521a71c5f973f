#include "workers/side_thread.h"

#include <utility>

namespace workers {

SideThread::SideThread(bool has_thread, std::function<void()> on_start) {
    if (has_thread) thread_ = std::thread([this, start = std::move(on_start)] { serve(start); });
}

SideThread::~SideThread() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        is_closing_ = true;
    }
    has_news_.notify_one();
    thread_.join();
}

std::future<void> SideThread::run(std::function<void()> task) {
    std::packaged_task<void()> packaged(std::move(task));
    std::future<void> future = packaged.get_future();
    if (!thread_.joinable()) {
        packaged();
        return future;
    }
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(packaged));
    }
    has_news_.notify_one();
    return future;
}

void SideThread::serve(const std::function<void()>& on_start) {
    if (on_start) on_start();
    std::unique_lock lock(mutex_);
    while (true) {
        has_news_.wait(lock, [this] { return is_closing_ || !tasks_.empty(); });
        if (is_closing_) return;
        std::packaged_task<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
    }
}

}  // namespace workers
