#include "host/stats/quantile.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "host/stats/kernel.h"
#include "host/stats/nan.h"

namespace duet::stats {

namespace {

double total(std::span<const double> counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

bool are_counts(std::span<const double> counts) {
  for (const double count : counts) {
    if (!(count >= 0) || count != std::floor(count) || !std::isfinite(count)) return false;
  }
  return true;
}

// The least log_e that some x inside a bucket attains: `below` observations lie before the bucket,
// `inside` in it.
double least_log_e(double below, double inside, double n, double p, double c) {
  return log_e(least_evident_count(below, below + inside, n, p), n, p, c);
}

}  // namespace

double quantile_log_e(std::span<const double> a, std::span<const double> b, double p, double c) {
  if (a.size() != b.size() || a.empty() || !are_counts(a) || !are_counts(b)) return kNan;
  const double n_a = total(a);
  const double n_b = total(b);
  double least = std::numeric_limits<double>::infinity();
  double below_a = 0;
  double below_b = 0;
  // As a function of k, log_e falls until k is within 1 of pn and rises from there. So where both
  // arms are below, the next bucket has no more; where both are above, those that follow have no
  // less.
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool both_below = below_a + a[i] < p * n_a - 1 && below_b + b[i] < p * n_b - 1;
    const bool both_above = below_a > p * n_a + 1 && below_b > p * n_b + 1;
    if (both_above && std::isfinite(least)) break;
    if (!both_below) {
      const double here =
          least_log_e(below_a, a[i], n_a, p, c) + least_log_e(below_b, b[i], n_b, p, c);
      if (std::isnan(here)) return kNan;
      if (here < least) least = here;
    }
    below_a += a[i];
    below_b += b[i];
  }
  return least;
}

std::optional<QuantileInterval> quantile_interval(std::span<const double> counts, double p,
                                                  double c, double alpha) {
  if (!are_counts(counts) || !(alpha > 0 && alpha < 1)) return std::nullopt;
  const double n = total(counts);
  if (n == 0) return std::nullopt;
  const double enough = -std::log(alpha);
  if (std::isnan(log_e(0, n, p, c))) return std::nullopt;

  QuantileInterval interval;
  interval.first = counts.size();
  double below = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (least_log_e(below, counts[i], n, p, c) < enough) {
      if (interval.first == counts.size()) interval.first = i;
      interval.last = i;
    }
    below += counts[i];
  }
  // Convexity: some k in [0, n] is not evident, and every k is some bucket's.
  interval.bounded_below = log_e(0, n, p, c) >= enough;
  interval.bounded_above = log_e(n, n, p, c) >= enough;
  return interval;
}

double uniform_radius(double t, double alpha) {
  if (!(t >= 1) || !std::isfinite(t) || !(alpha > 0 && alpha < 1)) return kNan;
  const double log_log = std::log1p(std::log(t));  // ln ln(e t)
  return 0.85 * std::sqrt((log_log + 0.8 * std::log(1612 / alpha)) / t);
}

}  // namespace duet::stats
