#include "workers/progress.h"

#include <unistd.h>

#include <cstdio>

namespace workers {

namespace {

constexpr double plain_line_seconds = 30;
constexpr double redraw_seconds = 0.5;

}  // namespace

Progress::Progress() : is_terminal_(isatty(STDERR_FILENO) == 1), last_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
    clear();
}

void Progress::show(const Status& status) {
    for (const std::string& line : new_gpu_lines(status, told_)) {
        clear();
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }
    const auto now = std::chrono::steady_clock::now();
    const double waited = std::chrono::duration<double>(now - last_).count();
    if (waited < (is_terminal_ ? redraw_seconds : plain_line_seconds)) return;
    last_ = now;
    std::fprintf(stderr, is_terminal_ ? "\r\033[K%s" : "%s\n", progress_line(status).c_str());
    std::fflush(stderr);
    is_drawn_ = is_terminal_;
}

void Progress::clear() {
    if (is_drawn_) std::fputs("\r\033[K", stderr);
    is_drawn_ = false;
}

}  // namespace workers
