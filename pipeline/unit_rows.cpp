#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sqrt.h>

#include <limits>

#include "operators/cropped.h"
#include "operators/measurement_noise.h"
#include "pipeline/metrics/psnr.h"
#include "pipeline/metrics/ssim.h"
#include "pipeline/unit_stages.h"

namespace pipeline {

namespace {

constexpr double not_defined = std::numeric_limits<double>::quiet_NaN();
/// SSIM's window.
constexpr std::int64_t smallest_ssim_side = 11;

/// ‖y − A x̂‖/(σ_y √m) per image: about 1 where x̂ explains y up to its noise. NaN where there is no noise.
std::vector<double> residuals(const operators::Measurement& measurement, const at::Tensor& restored,
                              bool noise_on_unobserved) {
    const std::int64_t batch = restored.size(0);
    std::vector<double> values(static_cast<std::size_t>(batch), not_defined);
    if (!(measurement.sigma_y > 0) && !measurement.sigma_each.defined()) return values;
    const at::Tensor difference = (measurement.y - measurement.A->forward(restored)).to(at::kDouble);
    const at::Tensor norms = at::linalg_vector_norm(difference.flatten(1), 2, at::IntArrayRef{1});
    const at::Tensor m = operators::noisy_entries(*measurement.A, batch, noise_on_unobserved).to(at::kDouble);
    const at::Tensor scaled = (measurement.sigma_each.defined() ? norms / (measurement.sigma_each * m.sqrt())
                                                                : norms / (measurement.sigma_y * m.sqrt()))
                                  .contiguous();
    values.assign(scaled.const_data_ptr<double>(), scaled.const_data_ptr<double>() + batch);
    return values;
}

/// Rows as every unit has them, metrics not yet defined.
UnitRows plain_rows(const WorkUnit& unit, const SamplingResult& result) {
    const std::size_t count = unit.image_index.size();
    const std::vector<double> nothing(count, not_defined);
    UnitRows rows;
    rows.restored = result.x0_hat.clamp(-1, 1);
    rows.image_index = unit.image_index;
    rows.image_name.resize(count);
    rows.image_hash.resize(count);
    rows.image_error.resize(count);
    rows.sample = unit.sample;
    rows.status.assign(count, RowStatus::done);
    for (std::size_t row = 0; row < count; ++row) {
        if (result.diverged[row]) rows.status[row] = RowStatus::diverged;
    }
    rows.psnr = rows.ssim = rows.lpips = rows.psnr_measurement = rows.psnr_unobserved = rows.residual = nothing;
    rows.class_label.assign(count, -1);
    rows.nfe = result.network_calls;
    return rows;
}

/// Metrics of the whole batch, on clamped images.
void score_against_truth(UnitRows& rows, const MeasuredBlock& block, const Lpips* lpips) {
    const at::Tensor& truth = block.file.truth;
    rows.psnr = psnr(rows.restored, truth);
    if (truth.size(2) >= smallest_ssim_side && truth.size(3) >= smallest_ssim_side)
        rows.ssim = ssim(rows.restored, truth);
    if (lpips != nullptr) rows.lpips = (*lpips)(rows.restored, truth);
    if (block.measurement.A->is_image_like()) rows.psnr_measurement = psnr(block.measurement.y, truth);
    rows.psnr_unobserved = psnr_unobserved(rows.restored, truth, block.measurement.A->observed());
}

}  // namespace

void score(UnitRows& rows, const MeasuredBlock& block, const WorkUnit& unit, const Lpips* lpips) {
    // What lies beside a photo is not looked at by its A.
    const at::Tensor whole =
        operators::continued_by_mirror(rows.restored, unit.network_shape.height, unit.network_shape.width);
    rows.residual = residuals(block.measurement, whole, unit.configuration.noise_on_unobserved);
    if (block.file.truth.defined()) score_against_truth(rows, block, lpips);
}

UnitRows generated_rows(const WorkUnit& unit, const SamplingResult& result) {
    return plain_rows(unit, result);
}

UnitRows scored_rows(const WorkUnit& unit, const MeasuredBlock& block, const SamplingResult& result,
                     const UnitEnvironment& environment) {
    UnitRows rows = plain_rows(unit, result);
    rows.image_name = block.file.image_name;
    rows.image_hash = block.file.image_hash;
    rows.image_error = block.file.image_error;
    rows.sigma_each = block.file.sigma_each;
    if (unit.network_shape != unit.image_shape) {
        rows.restored = rows.restored.narrow(2, 0, unit.image_shape.height).narrow(3, 0, unit.image_shape.width);
    }
    score(rows, block, unit, environment.lpips);

    // An image that could not be read went through as zeros, so that the batch keeps its shape; its numbers mean
    // nothing.
    for (std::size_t row = 0; row < rows.status.size(); ++row) {
        if (!block.file.image_error[row].empty()) {
            rows.status[row] = RowStatus::unreadable;
            rows.psnr_measurement[row] = not_defined;
            if (!rows.sigma_each.empty()) rows.sigma_each[row] = not_defined;
            rows.restored[static_cast<std::int64_t>(row)].fill_(not_defined);
        }
        if (rows.status[row] == RowStatus::done) continue;
        rows.psnr[row] = rows.ssim[row] = rows.lpips[row] = rows.psnr_unobserved[row] = rows.residual[row] =
            not_defined;
    }
    return rows;
}

}  // namespace pipeline
