#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <thread>

#include "cluster/signals.h"
#include "jobs/campaign.h"
#include "workers/commands.h"
#include "workers/status_view.h"
#include "workers/verdict.h"

namespace workers {

namespace {

constexpr std::chrono::milliseconds between_looks{1000}, between_signals{50};

/// Lines that are drawn over their own last state; the cursor is hidden meanwhile.
class Redrawn {
  public:
    Redrawn() { std::fputs("\033[?25l", stdout); }
    ~Redrawn() {
        std::fputs("\033[?25h", stdout);
        std::fflush(stdout);
    }
    Redrawn(const Redrawn&) = delete;
    Redrawn& operator=(const Redrawn&) = delete;

    /// No more lines than the terminal has: what has left it cannot be drawn over.
    void draw(std::vector<std::string> lines, int height) {
        if (height > 2 && lines.size() >= static_cast<std::size_t>(height)) {
            const std::size_t kept = static_cast<std::size_t>(height) - 2, hidden = lines.size() - kept;
            lines.resize(kept);
            lines.push_back("… " + std::to_string(hidden) + " more lines: 'diffinv status' shows them all");
        }
        if (drawn_ > 0) std::printf("\033[%zuA", drawn_);
        for (const std::string& line : lines) std::printf("\r\033[K%s\n", line.c_str());
        // What was longer before.
        std::fputs("\033[J", stdout);
        std::fflush(stdout);
        drawn_ = lines.size();
    }

  private:
    std::size_t drawn_ = 0;
};

/// Until the run ends, or somebody ends the watch.
int watch(const jobs::Campaign& campaign) {
    cluster::install_signal_handlers();
    Terminal terminal = terminal_of(stdout);
    const bool is_redrawn = terminal.is_terminal;
    std::optional<Redrawn> screen;
    if (is_redrawn) screen.emplace();
    std::string told;
    while (true) {
        const StatusView view = look_at(campaign);
        terminal = terminal_of(stdout);
        if (screen) {
            screen->draw(status_lines(view, terminal), terminal.height);
        } else {
            // No terminal: a line for every change.
            std::string line = view.state + ": " + std::to_string(view.committed) + " of " +
                               std::to_string(view.units) + " units committed";
            if (line != std::exchange(told, line)) {
                if (view.left.is_known && view.committed < view.units)
                    line += ", " + time_left_words(view.left) + " left";
                std::printf("%s\n", line.c_str());
                std::fflush(stdout);
            }
        }
        if (!view.is_running) return exit_done;
        for (auto waited = std::chrono::milliseconds(0); waited < between_looks; waited += between_signals) {
            if (const int signal = cluster::termination_signal(); signal != 0) return 128 + signal;
            std::this_thread::sleep_for(between_signals);
        }
    }
}

}  // namespace

int status_command(Arguments& arguments) {
    const std::filesystem::path folder = arguments.only_word("status", "a run's folder");
    arguments.expect_no_options("status");
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    if (arguments.has_flag("watch")) return watch(campaign);
    const StatusView view = look_at(campaign);
    if (arguments.has_flag("json")) {
        std::cout << status_json(view) << "\n";
        return exit_done;
    }
    for (const std::string& line : status_lines(view, terminal_of(stdout))) std::cout << line << "\n";
    return exit_done;
}

}  // namespace workers
