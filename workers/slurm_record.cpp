#include "workers/slurm_record.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "jobs/job_error.h"

namespace workers {

namespace {

constexpr const char* record_name = "slurm.jsonl";

}  // namespace

void record_submitted_job(const std::filesystem::path& folder, const SubmittedJob& job) {
    const nlohmann::ordered_json line = {
        {"job", job.id}, {"time", job.time}, {"nodes", job.nodes}, {"workers", job.workers}, {"array", job.shards}};
    std::ofstream file(folder / record_name, std::ios::app);
    file << line.dump() << std::endl;
    if (!file) {
        throw jobs::EnvironmentError((folder / record_name).string() + ": cannot be written, but Slurm job " + job.id +
                                     " is submitted");
    }
}

std::vector<SubmittedJob> submitted_jobs(const std::filesystem::path& folder) {
    std::vector<SubmittedJob> jobs;
    std::ifstream file(folder / record_name);
    std::string line;
    while (std::getline(file, line)) {
        const auto json = nlohmann::json::parse(line, nullptr, false);
        if (!json.is_object()) continue;
        try {
            jobs.push_back({json.at("job").get<std::string>(), json.at("time").get<double>(),
                            json.at("nodes").get<int>(), json.at("workers").get<int>(), json.at("array").get<int>()});
        } catch (const nlohmann::json::exception&) {
            continue;
        }
    }
    return jobs;
}

}  // namespace workers
