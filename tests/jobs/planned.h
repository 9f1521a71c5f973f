#pragma once

#include <filesystem>
#include <string>

#include "jobs/sweep_plan.h"
#include "pipeline/data/dataset.h"
#include "pipeline/networks/model.h"
#include "tests/support/paths.h"

/// A job file's plan as `diffinv plan` makes it, with the model and the images that the file names.
inline jobs::SweepPlan planned(const std::filesystem::path& file, const jobs::Overrides& overrides = {}) {
    const jobs::Job job = jobs::read_job(file, overrides);
    const pipeline::ModelDescription model = pipeline::describe_model(job.model);
    std::unique_ptr<pipeline::Dataset> dataset;
    if (!job.dataset.empty()) {
        dataset = pipeline::open_dataset(job.dataset, {model.network.in_channels, model.image_size, model.image_size});
    }
    return jobs::SweepPlan::make(job, model, dataset.get(), "0123456789abcdef");
}

inline std::filesystem::path quickstart_folder() {
    return test_support::source_folder() / "jobs" / "quickstart";
}

/// The lines that every small job needs.
inline std::string small_job(const std::string& more) {
    return "dataset = " + (quickstart_folder() / "images").string() +
           "\nmodel = " + (quickstart_folder() / "model").string() + "\n" + more;
}
