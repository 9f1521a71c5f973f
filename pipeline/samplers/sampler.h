#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"
#include "operators/shape.h"
#include "pipeline/diffusion/noise_predictor.h"
#include "pipeline/diffusion/noise_schedule.h"

namespace pipeline {

/// Where a sampler's normals come from. The program uses KeyedNoise; conformance tests hand in stored noise.
class NoiseSource {
  public:
    virtual ~NoiseSource() = default;
    /// Standard normals [N, C, H, W] for the whole batch, a pure function of the arguments.
    virtual at::Tensor normal(operators::Purpose purpose, int level, int inner) const = 0;
    /// The same of a level that lies on the device, 0-dim int64. Unless overridden it is read from there, on the CPU
    /// alone.
    virtual at::Tensor normal_at(operators::Purpose purpose, const at::Tensor& level, int inner) const;
    /// What a step's normals are drawn with on the device, as `Sampler::tensors`.
    virtual std::vector<at::Tensor> tensors() const { return {}; }
};

/// Normals keyed by (seed, purpose, image, sample, level, inner) for the images of one block.
class KeyedNoise final : public NoiseSource {
  public:
    /// @param images   one number per row of the batch; `operators::no_image` for generated images
    /// @param samples  one sample number per row
    KeyedNoise(operators::NoiseStream stream, std::vector<std::uint64_t> images, std::vector<std::uint32_t> samples,
               operators::Shape shape, at::Device device);
    at::Tensor normal(operators::Purpose purpose, int level, int inner) const override;
    at::Tensor normal_at(operators::Purpose purpose, const at::Tensor& level, int inner) const override;
    std::vector<at::Tensor> tensors() const override { return {keys(operators::Purpose::step)}; }

  private:
    /// One for each row, on the device.
    const at::Tensor& keys(operators::Purpose purpose) const;

    operators::NoiseStream stream_;
    std::vector<std::uint64_t> images_;
    std::vector<std::uint32_t> samples_;
    operators::Shape shape_;
    at::Device device_;
    mutable std::map<operators::Purpose, at::Tensor> keys_;
};

/// All that a sampler is given about one block of images. References outlive the sampler.
struct SamplingProblem {
    const NoiseSchedule& schedule;  ///< The chain to run, respaced already.
    NoisePredictor& predictor;
    const NoiseSource& noise;
    VarianceKind variance = VarianceKind::fixed_small;
    bool clip = true;                         ///< Clamp x̂₀ to [−1, 1].
    operators::Measurement measurement = {};  ///< A is null where images are generated.
    at::Tensor truth = {};                    ///< x_0 [N, C, H, W], for `forward_reverse` alone.
    at::Device device = at::kCPU;             ///< Of all tensors above, and of the network.
};

/// One level of a sampler's way down: what the loop walks.
struct Level {
    int step = 0;           ///< Index into the (respaced) schedule, 0 the least noisy.
    int network_calls = 1;  ///< NFE of this level.
    int repeat = 0;         ///< Which pass through the chain (SDEdit's repeats).
    at::Tensor place = {};  ///< Where kernels find `step` when they run, 0-dim int64; undefined: it is `step`.
};

/// The named tensors that a sampler carries from level to level.
struct SamplerState {
    at::Tensor x_t;                             ///< [N, C, H, W]
    std::map<std::string, at::Tensor> tensors;  ///< Whatever else a method carries (μ, moments, …).
};

/// What a test or a log may look at after a step, filled only when asked for.
struct StepTrace {
    at::Tensor x0_hat;         ///< x̂₀ as used, clipped where `clip`.
    at::Tensor residual_norm;  ///< [N]: the norm that the method's likelihood step uses.
    at::Tensor gradient;       ///< DPS: ∇_{x_t}‖y − A(x̂₀)‖ before its multiplication with ζ.
};

/// A sampling method: a start, a list of levels, one step, a finish. It is used for one block of images and keeps
/// nothing between steps but the state that it is handed.
class Sampler {
  public:
    virtual ~Sampler() = default;

    virtual std::string_view name() const = 0;
    /// From the noisiest level to the last.
    virtual std::vector<Level> levels() const = 0;
    virtual SamplerState start() const = 0;
    /// One level down: state at `level` → state below it. `trace` may be null.
    virtual void step(SamplerState& state, const Level& level, StepTrace* trace) const = 0;
    /// The restored images x̂ [N, C, H, W], not clamped.
    virtual at::Tensor finish(const SamplerState& state) const { return state.x_t; }
    /// True where steps at all levels queue the same work and take what differs from `Level::place`, and the state is
    /// x_t alone: then one can be captured and replayed.
    virtual bool is_capturable() const { return false; }
    /// All that a capturable step reads beside x_t and the network: those of another sampler of the same settings and
    /// shapes, written over these, make this one's captured step the other's.
    virtual std::vector<at::Tensor> tensors() const { return {}; }
};

}  // namespace pipeline
