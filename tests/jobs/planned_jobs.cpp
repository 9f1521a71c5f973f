#include "tests/jobs/planned_jobs.h"

#include "jobs/job_error.h"

namespace test_jobs {

namespace {

/// Temporary folders have names of their own each time.
std::string without_folder(std::string message, const std::string& folder) {
    for (std::size_t at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
        message.erase(at, folder.size());
    }
    return message;
}

}  // namespace

NamedImages::NamedImages(std::int64_t size, std::string digest) : digest_(std::move(digest)) {
    for (std::int64_t i = 0; i < size; ++i) names_.push_back("photo" + std::to_string(i) + ".png");
}

pipeline::ModelDescription small_model() {
    pipeline::ModelDescription model;
    model.weights_file = "m.safetensors";
    model.network.channel_multipliers = {1, 1, 2, 4};
    model.image_size = 64;
    return model;
}

jobs::Job job_of(const test_support::TemporaryFolder& folder, const std::string& text,
                 const jobs::Overrides& overrides) {
    test_support::write_text(folder / "job.ini", text);
    return jobs::read_job(folder / "job.ini", overrides);
}

jobs::SweepPlan plan_of(const std::string& text, const jobs::Overrides& overrides) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, text, overrides);
    const NamedImages photos(20);
    return jobs::SweepPlan::make(job, small_model(), job.dataset.empty() ? nullptr : &photos, "weights");
}

std::string refusal(const std::string& text, const jobs::Overrides& overrides) {
    const test_support::TemporaryFolder folder;
    try {
        job_of(folder, text, overrides);
    } catch (const jobs::JobError& error) {
        return without_folder(error.what(), folder.path().string() + "/");
    }
    return "";
}

std::string plan_refusal(const std::string& text, const jobs::Overrides& overrides) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = job_of(folder, text, overrides);
    const NamedImages photos(20);
    try {
        jobs::SweepPlan::make(job, small_model(), job.dataset.empty() ? nullptr : &photos, "weights");
    } catch (const jobs::JobError& error) {
        return without_folder(error.what(), folder.path().string() + "/");
    }
    return "";
}

}  // namespace test_jobs
