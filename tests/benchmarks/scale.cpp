#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "jobs/journal.h"
#include "tests/workers/simulated_world.h"
#include "tests/workers/whole_unit.h"
#include "workers/coordinator.h"
#include "workers/worker.h"

// How the real coordinator scales: against simulated workers with simulated clocks, and against the clock. Prints the
// table of docs/scale.md; ends with 1 where a target is missed.

namespace {

using test_support::SimulatedWorker;
using test_support::SimulatedWorld;

bool is_missed = false;

void check(bool is_met) {
    std::printf(is_met ? "  met\n" : "  MISSED\n");
    is_missed = is_missed || !is_met;
}

double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds of a unit of a sweep of four methods, dealt in turn: from 7 to 216 s, 83 s in the mean.
double mixed_seconds(std::int64_t unit) {
    constexpr double seconds[] = {7.2, 36, 72, 216};
    return seconds[unit % 4];
}

std::vector<workers::PendingUnit> pending(std::int64_t count) {
    std::vector<workers::PendingUnit> units;
    for (std::int64_t number = 0; number < count; ++number) units.push_back({number, mixed_seconds(number)});
    return units;
}

/// Makespan of the mixed sweep over the ideal: all work spread evenly over all speed, without loading.
double makespan_over_ideal(int workers, std::int64_t units, double slow_share, double beat_seconds) {
    std::vector<SimulatedWorker> crew(static_cast<std::size_t>(workers));
    const int slow = static_cast<int>(workers * slow_share);
    for (int index = 0; index < workers; ++index) {
        crew[static_cast<std::size_t>(index)].load_seconds = 0;
        crew[static_cast<std::size_t>(index)].latency_seconds = 0.001;
        if (index < slow) crew[static_cast<std::size_t>(index)].speed = 0.5;
    }
    SimulatedWorld world(crew, mixed_seconds, [](std::int64_t) {});
    world.beat_seconds = beat_seconds;
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    workers::WorkQueue queue(pending(units));
    const double work = queue.cost_total();
    const workers::Outcome outcome = workers::coordinate(queue, world, settings, world.links());
    if (outcome.verdict.exit_code != workers::exit_done) std::abort();
    return world.now() / (work / (workers - 0.5 * slow));
}

void show_makespan(int workers, std::int64_t units, double slow_share, double target) {
    const double begin = wall_seconds();
    const double ratio = makespan_over_ideal(workers, units, slow_share, workers > 1000 ? 20 : 2);
    std::printf("makespan over ideal, %6d workers, %7lld units%s: %.3f (target %.2f; simulated in %.0f s)", workers,
                static_cast<long long>(units), slow_share > 0 ? ", 1/8 at half speed" : "", ratio, target,
                wall_seconds() - begin);
    check(ratio <= target);
}

/// Dispatches a second with a journal on disk, durable before each round of answers; the simulation's own time is left
/// out.
void show_dispatch_rate(const std::string& folder) {
    constexpr int workers_of_rate = 512;
    constexpr std::int64_t units_of_rate = 200000;
    std::vector<SimulatedWorker> crew(workers_of_rate);
    SimulatedWorld world(
        crew, [](std::int64_t) { return 0.5; }, [](std::int64_t) {});
    double simulating = 0;
    std::int64_t rounds = 0;
    jobs::Journal journal(folder);
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    workers::CoordinatorLinks links = world.links();
    links.journal = [&](const jobs::JournalEntry& entry) { journal.append(entry); };
    links.sync = [&] {
        journal.sync();
        ++rounds;
    };
    links.pause = [&] {
        const double begin = wall_seconds();
        world.pause();
        simulating += wall_seconds() - begin;
    };
    std::vector<workers::PendingUnit> units;
    for (std::int64_t number = 0; number < units_of_rate; ++number) units.push_back({number, 1});
    workers::WorkQueue queue(std::move(units));
    const double begin = wall_seconds();
    workers::coordinate(queue, world, settings, links);
    const double rate = static_cast<double>(units_of_rate) / (wall_seconds() - begin - simulating);
    std::printf("dispatches a second, journal synced %lld times: %.0f (target 50000)", static_cast<long long>(rounds),
                rate);
    check(rate >= 5e4);
}

/// Share of a core that the coordinator takes with 64 workers whose units take a second, in real time.
void show_idle_load() {
    constexpr int workers_of_load = 64;
    auto channels = cluster::in_process_channels(workers_of_load + 1);
    std::vector<std::thread> threads;
    for (int rank = 1; rank <= workers_of_load; ++rank) {
        threads.emplace_back([&channel = *channels[static_cast<std::size_t>(rank)]] {
            channel.send(0, workers::to_text({.kind = workers::MessageKind::hello, .digest = "digest"}));
            channel.send(0, workers::to_text({.kind = workers::MessageKind::loaded}));
            const test_support::ComputeUnit second = [](std::int64_t, const std::function<void()>& heartbeat) {
                std::this_thread::sleep_for(std::chrono::seconds(1));
                heartbeat();
                return pipeline::UnitCost{};
            };
            workers::work(channel, test_support::whole_units(second));
        });
    }
    std::vector<workers::PendingUnit> units;
    for (int number = 0; number < workers_of_load * 8; ++number) units.push_back({number, 1});
    workers::WorkQueue queue(std::move(units));
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    timespec before{}, after{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    const double begin = wall_seconds();
    workers::coordinate(queue, *channels[0], settings, {});
    const double wall = wall_seconds() - begin;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    for (std::thread& thread : threads) thread.join();
    const double cpu =
        static_cast<double>(after.tv_sec - before.tv_sec) + 1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
    std::printf("coordinator's share of a core, 64 workers with units of 1 s: %.2f %% (target 3 %%; without MPI)",
                100 * cpu / wall);
    check(cpu / wall <= 0.03);
}

double resident_megabytes() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

void show_memory() {
    for (const std::int64_t count : {std::int64_t{1250000}, std::int64_t{10000000}}) {
        const double before = resident_megabytes();
        auto queue = std::make_unique<workers::WorkQueue>(pending(count));
        std::printf("memory of the queue, 10^7 images as %lld units: %.0f MB\n", static_cast<long long>(count),
                    resident_megabytes() - before);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool is_quick = argc > 1 && std::string(argv[1]) == "--quick";
    show_makespan(64, 400, 0, 1.06);
    show_makespan(64, 400, 0.125, 1.15);
    if (!is_quick) show_makespan(10000, 80000, 0, 1.15);
    if (!is_quick) show_makespan(10000, 80000, 0.125, 1.15);
    const std::string folder = "/tmp/diffinv-scale-" + std::to_string(getpid());
    std::filesystem::create_directories(folder);
    show_dispatch_rate(folder);
    std::filesystem::remove_all(folder);
    show_idle_load();
    show_memory();
    return is_missed ? 1 : 0;
}
