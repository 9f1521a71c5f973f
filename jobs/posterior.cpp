#include "jobs/posterior.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <limits>

#include "jobs/student_t.h"

namespace jobs {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

std::vector<double> values_of(const at::Tensor& column) {
    const at::Tensor values = column.to(at::kDouble).contiguous();
    return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

}  // namespace

PosteriorSamples::PosteriorSamples(const at::Tensor& truth, std::int64_t most_samples)
    : truth_(truth.defined() ? truth.to(at::kDouble) : truth), most_samples_(most_samples) {}

void PosteriorSamples::add(const at::Tensor& images, const std::vector<bool>& counts) {
    if (!mean_.defined()) {
        samples_.assign(counts.size(), 0);
        n_ = at::zeros({images.size(0), 1, 1, 1}, at::kDouble);
        mean_ = at::zeros(images.sizes(), at::kDouble);
        square_ = at::zeros_like(mean_);
        below_ = at::zeros_like(mean_);
        equal_ = at::zeros_like(mean_);
    }
    at::Tensor is_one = at::zeros_like(n_);
    for (std::size_t image = 0; image < counts.size(); ++image) {
        if (!counts[image]) continue;
        ++samples_[image];
        is_one.mutable_data_ptr<double>()[image] = 1;
    }
    // Welford's update; an image that does not count adds its own mean, which changes nothing.
    const at::Tensor x = at::where(is_one > 0, images.to(at::kDouble), mean_);
    n_ = n_ + is_one;
    const at::Tensor step = x - mean_;
    mean_ = mean_ + step / n_.clamp_min(1);
    square_ = square_ + step * (x - mean_);
    if (!truth_.defined()) return;
    below_ = below_ + (x < truth_) * is_one;
    equal_ = equal_ + (x == truth_) * is_one;
}

at::Tensor PosteriorSamples::known() const {
    return at::where(n_ >= 2, at::full({}, 1.0, at::kDouble), at::full({}, unknown, at::kDouble));
}

at::Tensor PosteriorSamples::mean() const {
    return (mean_ * known()).to(at::kFloat);
}

at::Tensor PosteriorSamples::standard_deviation() const {
    return ((square_ / (n_ - 1).clamp_min(1)).sqrt() * known()).to(at::kFloat);
}

std::vector<double> PosteriorSamples::spread() const {
    const at::Tensor variance = square_ / (n_ - 1).clamp_min(1) * known();
    return values_of(variance.flatten(1).mean(1).sqrt());
}

std::vector<double> PosteriorSamples::coverage(double p) const {
    if (!truth_.defined()) return std::vector<double>(samples_.size(), unknown);
    std::vector<double> reach;
    for (const std::int64_t n : samples_) {
        const double count = static_cast<double>(n);
        reach.push_back(n < 2 ? unknown
                              : student_t_quantile((1 + p) / 2, static_cast<int>(n) - 1) *
                                    std::sqrt((1 + 1 / count) / (count - 1)));
    }
    const at::Tensor half = at::tensor(reach, at::kDouble).view({-1, 1, 1, 1}) * square_.sqrt();
    const at::Tensor is_inside = ((truth_ - mean_).abs() <= half).to(at::kDouble) * known();
    return values_of(is_inside.flatten(1).mean(1));
}

at::Tensor PosteriorSamples::ranks() const {
    const auto images = static_cast<std::int64_t>(samples_.size());
    at::Tensor shares = at::full({images, most_samples_ + 1}, unknown, at::kDouble);
    if (!truth_.defined()) return shares;
    for (std::int64_t image = 0; image < images; ++image) {
        const std::int64_t n = samples_[static_cast<std::size_t>(image)];
        if (n < 2) continue;
        const at::Tensor below = below_[image], equal = equal_[image];
        for (std::int64_t rank = 0; rank <= n; ++rank) {
            const at::Tensor is_possible = (below <= rank).logical_and(below + equal >= rank);
            const double share = (is_possible / (equal + 1)).mean().item<double>();
            shares.mutable_data_ptr<double>()[image * (most_samples_ + 1) + rank] = share;
        }
    }
    return shares;
}

}  // namespace jobs
