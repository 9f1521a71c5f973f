#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operators/option.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/diffusion/noise_schedule.h"
#include "pipeline/networks/placement.h"

namespace jobs {

/// One method of a job: its points (the product of its own lists) and what its section sets for it alone.
struct MethodJob {
    std::string name;
    std::vector<operators::Settings> points;            ///< Not resolved: may hold `auto`.
    std::optional<std::vector<std::string>> operators;  ///< Replaces the top-level list.
    std::optional<std::vector<double>> sigma_y;         ///< One NaN: the noise of each image is estimated.
    std::optional<std::vector<int>> steps;
    std::optional<std::int64_t> samples;
    std::optional<pipeline::VarianceKind> variance;
};

/// One operator of a job and its points.
struct OperatorJob {
    std::string name;
    std::vector<operators::Settings> points;
};

/// What the user asked for: every word checked against the tables, nothing of the world looked at yet.
struct Job {
    std::filesystem::path file;  ///< Empty where all came from the command line.
    std::string text;            ///< Every option that was given, one `name = value` a line, sorted: provenance.
    std::string dataset;         ///< Path, or path:name; absolute. Empty where none is needed.
    std::string measurements;    ///< The same, of images that are damaged already and of which there is no truth.
    std::optional<std::pair<std::int64_t, std::int64_t>> images;  ///< first-last, inclusive
    std::filesystem::path model;                                  ///< Absolute.
    std::string model_preset;                                     ///< Empty: the settings beside the weights.
    std::optional<std::pair<int, int>> image_size;                ///< height, width; the checkpoint's where absent
    std::uint64_t seed = 0;
    std::vector<MethodJob> methods;
    std::vector<OperatorJob> operators;       ///< Of the job and of method sections, each once.
    std::vector<std::string> operator_names;  ///< The top-level axis, in the job's order.
    std::vector<double> sigma_y = {0.05};     ///< As of a method.
    std::vector<int> steps;                   ///< Empty: all T.
    std::string respacing;                    ///< Excludes `steps`. As `space_timesteps` takes it.
    std::optional<pipeline::VarianceKind> variance;
    std::string class_label;   ///< "7", or "dataset"; empty where none is given.
    std::optional<bool> clip;  ///< The checkpoint's where absent.
    double poisson_rate = 0;   ///< > 0 where noise = poisson.
    bool noise_on_unobserved = true;
    std::int64_t samples = 1;
    std::optional<int> batch = 8;  ///< Nothing: auto, which planning replaces.
    int threads = 1;
    std::string device = "auto";
    pipeline::Precision precision = pipeline::Precision::float32;
    std::string lpips = "embedded";  ///< "embedded", "none", or an absolute path
    pipeline::Store store = pipeline::Store::float32;
};

/// `--NAME VALUE` pairs of the command line, names as in the job file (`dps.zeta`). They win over the file.
using Overrides = std::vector<std::pair<std::string, std::string>>;

/// Reads a job file in Boost.Program_options' INI form; the grammar is DESIGN's: a comma makes an axis, sections are
/// methods and operators, paths are relative to the file (to the working directory for overrides).
/// @param file  empty: only overrides
/// @throws JobError  for anything that is not exactly allowed, in one line
Job read_job(const std::filesystem::path& file, const Overrides& overrides);

/// The table of a job's own options (top level), for `list`, `--help` and the manual.
std::span<const operators::Option> job_options();

/// The options a method's section may set besides its own: operator, sigma-y, steps, samples, variance.
std::span<const operators::Option> section_options();

}  // namespace jobs
