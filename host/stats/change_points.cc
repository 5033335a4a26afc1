#include "host/stats/change_points.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace duet::stats {

namespace {

constexpr std::size_t kMost = 5000;
constexpr std::size_t kFewest = 20;
constexpr std::size_t kShortest = 4;  // of a segment: its variance has to mean something

// Sums over the beginning of a series, for mean and variance of any part of it.
class Sums {
 public:
  explicit Sums(std::span<const double> values) : sum_(values.size() + 1), squares_(sum_) {
    // Around the middle, so that squares keep their digits.
    centre_ = values.empty() ? 0 : values[values.size() / 2];
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double value = values[i] - centre_;
      sum_[i + 1] = sum_[i] + value;
      squares_[i + 1] = squares_[i] + value * value;
    }
  }
  double mean(std::size_t begin, std::size_t end) const {
    return centre_ + (sum_[end] - sum_[begin]) / static_cast<double>(end - begin);
  }
  double variance(std::size_t begin, std::size_t end) const {
    const double n = static_cast<double>(end - begin);
    const double sum = sum_[end] - sum_[begin];
    return std::max(0.0, (squares_[end] - squares_[begin] - sum * sum / n) / n);
  }

 private:
  double centre_ = 0;
  std::vector<double> sum_, squares_;
};

}  // namespace

std::vector<std::size_t> change_points(std::span<const double> all) {
  const std::size_t skipped = all.size() > kMost ? all.size() - kMost : 0;
  const std::span<const double> values = all.subspan(skipped);
  const std::size_t n = values.size();
  const bool finite =
      std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  if (n < 2 * kShortest || !finite) return {};
  const Sums sums(values);
  // A clock's resolution makes segments of equal values: a variance of 0 would be infinitely
  // likely.
  const double least = std::max(1e-6 * sums.variance(0, n), std::numeric_limits<double>::min());
  const double penalty = 15 * std::log(static_cast<double>(n));
  std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
  std::vector<std::size_t> begin_of(n + 1, 0);
  best[0] = -penalty;
  for (std::size_t end = kShortest; end <= n; ++end) {
    for (std::size_t begin = 0; begin + kShortest <= end; ++begin) {
      if (std::isinf(best[begin])) continue;
      const double cost = static_cast<double>(end - begin) *
                          (std::log(std::max(least, sums.variance(begin, end))) + 1);
      const double with = best[begin] + cost + penalty;
      if (with < best[end]) {
        best[end] = with;
        begin_of[end] = begin;
      }
    }
  }
  std::vector<std::size_t> points;
  for (std::size_t at = begin_of[n]; at > 0; at = begin_of[at]) points.push_back(at + skipped);
  std::reverse(points.begin(), points.end());
  return points;
}

std::optional<SteadyState> steady_state(std::span<const double> values) {
  if (values.size() < kFewest) return std::nullopt;
  for (const double value : values) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  std::vector<std::size_t> bounds = change_points(values);
  bounds.insert(bounds.begin(), 0);
  bounds.push_back(values.size());
  const Sums sums(values);
  const auto deviation = [&](std::size_t begin, std::size_t end) {
    return std::max(std::sqrt(sums.variance(begin, end)), 0.001 * std::abs(sums.mean(begin, end)));
  };
  std::size_t first = bounds.size() - 2;  // of the segments of the last level
  const double last_mean = sums.mean(bounds[first], values.size());
  const double last_deviation = deviation(bounds[first], values.size());
  const auto as_at_the_end = [&](std::size_t segment) {
    const std::size_t begin = bounds[segment], end = bounds[segment + 1];
    return std::abs(sums.mean(begin, end) - last_mean) <=
           std::max(last_deviation, deviation(begin, end));
  };
  while (first > 0 && as_at_the_end(first - 1)) --first;
  SteadyState state;
  state.level = sums.mean(bounds[first], values.size());
  if (as_at_the_end(0)) first = 0;  // what came between went away again: an episode, no warm-up
  state.from = bounds[first];
  if (4 * (values.size() - state.from) < values.size()) return std::nullopt;
  for (std::size_t i = 0; i < first; ++i) {
    if (sums.mean(bounds[i], bounds[i + 1]) < state.level) state.slower = true;
  }
  return state;
}

}  // namespace duet::stats
