#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/measurement_operator.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/networks/model.h"
#include "pipeline/samplers/make_sampler.h"

/// The stored runs of reference implementations in tests/golden/samplers.h5: chains, noise, measurements and networks.
namespace golden_samplers {

/// Stored normals: x_T for starts and guides, and for a step's level the field of the executed step it belongs to.
class StoredNoise final : public pipeline::NoiseSource {
  public:
    /// @param z          [fields, N, C, H, W], used cyclically
    /// @param timesteps  of the executed steps, from the noisiest on; the k-th uses field k
    StoredNoise(at::Tensor x_T, at::Tensor z, const std::vector<int>& timesteps);
    at::Tensor normal(operators::Purpose purpose, int level, int inner) const override;

  private:
    at::Tensor x_T_;
    at::Tensor z_;
    std::map<int, std::int64_t> field_of_timestep_;
};

/// One group of the file, ready to be run.
struct Case {
    std::string group = {};
    pipeline::NoiseSchedule schedule;
    std::vector<int> timesteps = {};  ///< Of the executed steps.
    std::int64_t rows = 1;
    pipeline::NoisePredictor* network = nullptr;
    std::unique_ptr<StoredNoise> noise = {};
    operators::Measurement measurement = {};  ///< Where the group names one.
    pipeline::VarianceKind variance = pipeline::VarianceKind::fixed_small;
    bool clip = true;
    at::Tensor x_start = {};  ///< The state before the first executed step.
    at::Tensor x = {};        ///< [steps, N, C, H, W]: the state after each.

    pipeline::SamplingProblem problem() const;
    /// Index in the schedule of the k-th executed step.
    pipeline::Level level(std::int64_t k) const;
    /// The state before the k-th executed step.
    at::Tensor before(std::int64_t k) const { return k == 0 ? x_start : x[k - 1]; }
};

const pipeline::Hdf5File& file();
std::string text(const std::string& group, const std::string& attribute);
double number(const std::string& group, const std::string& attribute);
bool has(const std::string& group, const std::string& attribute);

/// "gd_a": loaded once.
pipeline::Model& network(const std::string& name);

/// y and A of measurements/NAME, the first `rows` of its images.
operators::Measurement measurement(const std::string& name, std::int64_t rows);

/// A group with x and timesteps, whatever its method.
Case read_case(const std::string& group);

/// The largest absolute difference.
double difference(const at::Tensor& a, const at::Tensor& b);

/// One step from each stored state, compared with the stored next state; and the whole run from the start. The last is
/// compared where `free_run` is above 0.
void expect_steps(const Case& golden, const pipeline::Sampler& sampler, double one_step, double free_run);

}  // namespace golden_samplers
