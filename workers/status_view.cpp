#include "workers/status_view.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "jobs/journal.h"
#include "pipeline/data/file_error.h"
#include "workers/clock.h"
#include "workers/costs_file.h"
#include "workers/point_table.h"

namespace workers {

namespace {

using pipeline::printable;

/// A status older than this was left behind by a coordinator that is no more.
constexpr double stale_seconds = 30;

std::string local_time(double seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    localtime_r(&time, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%F %T", &parts);
    return text.data();
}

std::string number_words(const char* format, double value) {
    char text[48];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

bool is_alive(const WorkerStatus& worker) {
    return worker.state == "working" || worker.state == "waiting" || worker.state == "loading";
}

const jobs::WorkerProgress* progress_of(const StatusView& view, int rank) {
    for (const jobs::WorkerProgress& worker : view.progress.workers) {
        if (worker.rank == rank && worker.journal == jobs::coordinators_journal) return &worker;
    }
    return nullptr;
}

/// "12 images, 340 an hour"
std::string rate_of(const jobs::WorkerProgress& worker) {
    std::string words = std::to_string(worker.images) + (worker.images == 1 ? " image" : " images");
    if (worker.seconds > 0) {
        words += ", " + number_words("%.3g", 3600.0 * static_cast<double>(worker.images) / worker.seconds) + " an hour";
    }
    return words;
}

std::vector<std::string> cells_of_point(const jobs::PointProgress& point) {
    const std::string failed = point.failed > 0 ? std::to_string(point.failed) : "-";
    const std::string running = point.running > 0 ? std::to_string(point.running) : "-";
    const std::string seconds = point.images_done > 0 && point.seconds > 0
                                    ? number_words("%.3g", point.seconds / static_cast<double>(point.images_done))
                                    : std::string("-");
    return {std::to_string(point.done) + "/" + std::to_string(point.units), running, failed, seconds};
}

void add_points(std::vector<std::string>& lines, const StatusView& view, const Terminal& terminal) {
    std::vector<const jobs::PlannedConfiguration*> points;
    for (const jobs::PointProgress& point : view.progress.points) points.push_back(point.planned);
    const std::vector<std::string> table =
        point_table(points, {"units", "running", "failed", "s/image"},
                    [&](std::size_t point) { return cells_of_point(view.progress.points[point]); });
    for (std::size_t line = 0; line < table.size(); ++line) {
        Ink ink = line == 0 ? Ink::bold : Ink::plain;
        if (line > 0) {
            const jobs::PointProgress& point = view.progress.points[line - 1];
            if (point.failed > 0) {
                ink = Ink::red;
            } else if (point.done == point.units) {
                ink = Ink::green;
            }
        }
        lines.push_back(inked(terminal, ink, table[line]));
    }
}

void add_workers(std::vector<std::string>& lines, const StatusView& view, const Terminal& terminal) {
    if (!view.is_running) return;
    if (!view.status) {
        // Shards keep no status.json.
        for (const jobs::WorkerProgress& worker : view.progress.workers) {
            lines.push_back("worker " + printable(worker.journal) + " on " + printable(worker.host) + ": " +
                            rate_of(worker));
        }
        return;
    }
    for (const WorkerStatus& worker : view.status->workers) {
        std::string line = "worker " + std::to_string(worker.rank) + " on " + printable(worker.host) + ": " +
                           (worker.unit < 0 ? worker.state : "unit " + std::to_string(worker.unit));
        if (const jobs::WorkerProgress* done = progress_of(view, worker.rank)) line += ", " + rate_of(*done);
        if (!worker.device.empty() && worker.device != "cpu") line += ", " + printable(worker.device);
        const Ink ink = worker.state == "dead" ? Ink::red : worker.state == "left" ? Ink::faint : Ink::plain;
        lines.push_back(inked(terminal, ink, line));
    }
}

void add_failures(std::vector<std::string>& lines, const StatusView& view, const Terminal& terminal, std::size_t most) {
    const std::vector<jobs::FailedUnit>& failures = view.progress.failures;
    if (failures.empty()) return;
    lines.emplace_back();
    for (std::size_t i = 0; i < std::min(most, failures.size()); ++i) {
        lines.push_back(inked(terminal, Ink::red, "unit " + std::to_string(failures[i].unit) + " failed: ") +
                        printable(failures[i].reason));
    }
    if (failures.size() > most) {
        lines.push_back("and " + std::to_string(failures.size() - most) + " more units failed (--json lists them all)");
    }
}

/// The jobs that were handed to Slurm, newest first; what became of each is Slurm's to say.
void add_slurm_jobs(std::vector<std::string>& lines, const StatusView& view) {
    for (auto job = view.slurm_jobs.rbegin(); job != view.slurm_jobs.rend(); ++job) {
        lines.push_back("Slurm job " + printable(job->id) + ", submitted " + local_time(job->time) + ": " +
                        (job->shards > 0 ? "array of " + std::to_string(job->shards)
                                         : std::to_string(job->nodes) + (job->nodes == 1 ? " node" : " nodes")));
    }
}

}  // namespace

StatusView look_at(const jobs::Campaign& campaign) {
    StatusView view;
    // The files are the truth; status.json adds what only the coordinator knows.
    view.committed = static_cast<std::int64_t>(campaign.committed().size());
    view.units = campaign.plan().unit_count();
    view.rows = campaign.plan().rows();
    view.plan_digest = campaign.plan().digest();
    view.status = read_status(campaign.folder());
    view.verdict = read_verdict(campaign.folder());
    const bool is_fresh = view.status && epoch_seconds() - view.status->time < stale_seconds;
    view.is_running = is_fresh && (view.status->state == "running" || view.status->state == "draining");
    if (!view.is_running) view.status.reset();
    view.state = view.is_running                ? view.status->state
                 : view.committed == view.units ? std::string("finished")
                                                : std::string("incomplete");
    view.workers = 1;
    if (view.is_running) {
        const auto alive = std::ranges::count_if(view.status->workers, is_alive);
        view.workers = std::max(1, static_cast<int>(alive));
    }
    view.progress = jobs::run_progress(campaign, view.is_running);
    const std::vector<MeasuredCost> costs = read_costs(nullptr);
    const std::string device = "cpu " + processor_name();
    view.left = jobs::time_left(view.progress, view.workers, [&](const jobs::PlannedConfiguration& planned) {
        // Of a run on GPUs this machine's processor tells nothing.
        return campaign.plan().device() == "cuda" ? 0 : measured_rate(costs, campaign.plan(), planned, device);
    });
    view.slurm_jobs = submitted_jobs(campaign.folder());
    return view;
}

std::string time_left_words(const jobs::TimeLeft& left) {
    const std::string low = duration_words(left.low), high = duration_words(left.high);
    const std::string expected = duration_words(left.expected);
    return low == high ? expected : expected + " (" + low + " to " + high + ")";
}

std::vector<std::string> status_lines(const StatusView& view, const Terminal& terminal, std::size_t most_failures) {
    std::vector<std::string> lines;
    const Ink ink = view.state == "finished" ? Ink::green : view.state == "incomplete" ? Ink::yellow : Ink::bold;
    lines.push_back(inked(terminal, ink, view.state) + ": " + std::to_string(view.committed) + " of " +
                    std::to_string(view.units) + " units committed, " + std::to_string(view.rows) + " images in all");
    if (view.committed < view.units && view.left.is_known) {
        lines.push_back((view.is_running ? "left: " : "left, with one worker: ") + time_left_words(view.left) +
                        (view.is_running
                             ? ", " + std::to_string(view.workers) + (view.workers == 1 ? " worker" : " workers")
                             : ""));
    }
    if (!view.is_running && view.verdict && !view.verdict->reason.empty()) {
        lines.push_back("last run: exit code " + std::to_string(view.verdict->exit_code) + ", " +
                        printable(view.verdict->reason));
    }
    lines.emplace_back();
    add_points(lines, view, terminal);
    if (view.is_running) lines.emplace_back();
    add_workers(lines, view, terminal);
    add_failures(lines, view, terminal, most_failures);
    if (!view.slurm_jobs.empty()) lines.emplace_back();
    add_slurm_jobs(lines, view);
    for (std::string& line : lines) line = fitted(terminal, line);
    return lines;
}

std::string status_json(const StatusView& view) {
    using Json = nlohmann::ordered_json;
    Json json = {{"schema", 1},
                 {"state", view.state},
                 {"units", view.units},
                 {"committed", view.committed},
                 {"rows", view.rows},
                 {"plan_digest", view.plan_digest},
                 {"workers", view.workers}};
    json["seconds_left"] =
        view.left.is_known ? Json{{"low", view.left.low}, {"expected", view.left.expected}, {"high", view.left.high}}
                           : Json(nullptr);
    json["points"] = Json::array();
    for (const jobs::PointProgress& point : view.progress.points) {
        const pipeline::Configuration& configuration = point.planned->configuration;
        json["points"].push_back(
            {{"method", method_words(configuration)},
             {"operator", operator_words(configuration)},
             {"sigma_y", std::isnan(configuration.sigma_y) ? Json(nullptr) : Json(configuration.sigma_y)},
             {"nfe", point.planned->nfe},
             {"units", point.units},
             {"done", point.done},
             {"running", point.running},
             {"failed", point.failed},
             {"images", point.images},
             {"images_done", point.images_done},
             {"seconds", point.seconds}});
    }
    json["worker_progress"] = Json::array();
    for (const jobs::WorkerProgress& worker : view.progress.workers) {
        json["worker_progress"].push_back({{"journal", worker.journal},
                                           {"rank", worker.rank},
                                           {"host", worker.host},
                                           {"device", worker.device},
                                           {"units", worker.units},
                                           {"images", worker.images},
                                           {"seconds", worker.seconds}});
    }
    json["failures"] = Json::array();
    for (const jobs::FailedUnit& failure : view.progress.failures) {
        json["failures"].push_back({{"unit", failure.unit}, {"reason", failure.reason}});
    }
    json["coordinator"] = view.status ? Json::parse(to_json(*view.status)) : Json(nullptr);
    json["exit_code"] = !view.is_running && view.verdict ? Json(view.verdict->exit_code) : Json(nullptr);
    json["reason"] = !view.is_running && view.verdict ? Json(view.verdict->reason) : Json(nullptr);
    json["slurm_jobs"] = Json::array();
    for (const SubmittedJob& job : view.slurm_jobs) {
        json["slurm_jobs"].push_back({{"job", job.id},
                                      {"time", job.time},
                                      {"nodes", job.nodes},
                                      {"workers", job.workers},
                                      {"array", job.shards}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace workers
