#include "host/stats/block_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "host/base/split_mix.h"

namespace duet::stats {

namespace {

constexpr std::size_t kShortestStride = 64;
constexpr std::uint32_t kFewestRuns = 5;
constexpr double kMostCorrelation = 0.95;
constexpr double kLeastVariance = 0.25;  // shares of it that are put right; beyond, D is a guess

double nan() { return std::numeric_limits<double>::quiet_NaN(); }

double normal_below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

double normal_quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (normal_below(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

BlockedSample::BlockedSample(std::vector<Observation> observations, std::uint32_t blocks)
    : ascending_(std::move(observations)), counts_(blocks), sums_(blocks), all_(blocks, 1) {
  std::sort(ascending_.begin(), ascending_.end(),
            [](const Observation& a, const Observation& b) { return a.value < b.value; });
  // As long as a row of the checkpoints, so that those take no more memory than the observations.
  stride_ = std::max<std::size_t>(kShortestStride, blocks);
  std::vector<std::uint32_t> seen(blocks);
  for (std::size_t i = 0; i < ascending_.size(); ++i) {
    if (i % stride_ == 0) before_.insert(before_.end(), seen.begin(), seen.end());
    const Observation& one = ascending_[i];
    seen[one.block] += one.count;
    counts_[one.block] += one.count;
    sums_[one.block] += one.value * one.count;
    size_ += one.count;
  }
}

double BlockedSample::weight_at(std::size_t checkpoint, Draw draw) const {
  const std::uint32_t* row = &before_[checkpoint * counts_.size()];
  double weight = 0;
  for (std::size_t i = 0; i < draw.size(); ++i) weight += static_cast<double>(row[i]) * draw[i];
  return weight;
}

double BlockedSample::quantile(double p, Draw draw) const {
  double all = 0;
  for (std::size_t i = 0; i < draw.size(); ++i) all += counts_[i] * draw[i];
  if (all == 0) return nan();
  const double rank = std::max(1.0, std::ceil(p * all - 1e-9));
  // The last checkpoint before which fewer than `rank` lie.
  std::size_t low = 0, high = before_.size() / counts_.size();
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (weight_at(middle, draw) < rank ? low : high) = middle;
  }
  double below = weight_at(low, draw);
  for (std::size_t i = low * stride_; i < ascending_.size(); ++i) {
    below += static_cast<double>(ascending_[i].count) * draw[ascending_[i].block];
    if (below >= rank) return ascending_[i].value;
  }
  return ascending_.back().value;
}

double BlockedSample::mean(Draw draw) const {
  double count = 0, sum = 0;
  for (std::size_t i = 0; i < draw.size(); ++i) {
    if (draw[i] == 0) continue;  // 0 times infinite is no number
    count += counts_[i] * draw[i];
    sum += sums_[i] * draw[i];
  }
  return count == 0 ? nan() : sum / count;
}

std::vector<double> BlockedSample::block_quantiles(double p) const {
  std::vector<double> values(counts_.size(), nan()), seen(counts_.size());
  for (const Observation& one : ascending_) {
    const double rank = std::max(1.0, std::ceil(p * counts_[one.block] - 1e-9));
    if (seen[one.block] < rank && seen[one.block] + one.count >= rank) {
      values[one.block] = one.value;
    }
    seen[one.block] += one.count;
  }
  return values;
}

std::vector<double> BlockedSample::block_means() const {
  std::vector<double> values(counts_.size(), nan());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (counts_[i] > 0) values[i] = sums_[i] / counts_[i];
  }
  return values;
}

std::optional<BlockInterval> block_interval(std::uint32_t blocks, const Dependence& dependence,
                                            const std::function<double(Draw)>& statistic,
                                            const BootstrapOptions& options) {
  if (blocks < kFewestBlocks || options.resamples < 100) return std::nullopt;
  const std::uint32_t length =
      std::clamp<std::uint32_t>(dependence.length, 1, blocks / kFewestRuns);
  std::vector<std::uint32_t> draw(blocks);
  std::vector<double> values;
  std::uint64_t state = options.seed;
  for (int i = 0; i < options.resamples; ++i) {
    std::fill(draw.begin(), draw.end(), 0);
    for (std::uint32_t drawn = 0; drawn < blocks;) {
      const std::uint64_t first = split_mix(state) % blocks;
      for (std::uint32_t k = 0; k < length && drawn < blocks; ++k, ++drawn) {
        ++draw[(first + k) % blocks];
      }
    }
    if (const double value = statistic(draw); !std::isnan(value)) values.push_back(value);
  }
  if (values.size() * 100 < static_cast<std::size_t>(options.resamples) * 99) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double runs = std::floor(static_cast<double>(blocks) / length);
  const double tail = normal_below(-dependence.widen * std::sqrt(runs / (runs - 1)) *
                                   student_quantile(0.5 + options.confidence / 2, runs - 1));
  const double last = static_cast<double>(values.size() - 1);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(std::clamp(share * last, 0.0, last))];
  };
  return BlockInterval{at(tail), at(1 - tail + 0.5 / last)};
}

Dependence dependence(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < kFewestBlocks) return {};
  double mean = 0;
  for (const double value : values) mean += value / n;
  if (!std::isfinite(mean)) return {};
  double variance = 0, covariance = 0, second = 0;  // of neighbours, and of their neighbours
  for (std::size_t i = 0; i < values.size(); ++i) {
    variance += (values[i] - mean) * (values[i] - mean);
    if (i > 0) covariance += (values[i] - mean) * (values[i - 1] - mean);
    if (i > 1) second += (values[i] - mean) * (values[i - 2] - mean);
  }
  if (variance <= n * mean * mean * 1e-24) return {};  // all the same
  double r = covariance / variance;
  if (r <= 0) return {};
  r = std::max(r, std::sqrt(std::max(0.0, second / variance)));
  r += (1 + 4 * r) / n;
  r = std::min(kMostCorrelation, r + std::sqrt(std::max(0.0, 1 - r * r) / n));
  const double d = 2 * r / (1 - r * r);
  const double length = std::clamp(std::ceil(std::cbrt(1.5 * d * d * n)), 1.0, n / kFewestRuns);
  return {static_cast<std::uint32_t>(length),
          1 / std::sqrt(std::max(kLeastVariance, 1 - d / length))};
}

double student_quantile(double p, double degrees) {
  const double z = normal_quantile(p), z2 = z * z;
  const double g1 = z * (z2 + 1) / 4;
  const double g2 = z * ((5 * z2 + 16) * z2 + 3) / 96;
  const double g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const double g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
  return z + (g1 + (g2 + (g3 + g4 / degrees) / degrees) / degrees) / degrees;
}

}  // namespace duet::stats
