#include "host/stats/stages.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "host/stats/kernel.h"
#include "host/stats/nan.h"

namespace duet::stats {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The place between `inside` (evidence below `enough`) and `outside` (not below) where it crosses.
double crossing(double inside, double outside, double enough,
                const std::function<double(double)>& evidence) {
  for (int i = 0; i < 100; ++i) {
    const double middle = inside + (outside - inside) / 2;
    if (middle == inside || middle == outside) break;
    (evidence(middle) < enough ? inside : outside) = middle;
  }
  return outside;  // of the two neighbours the one that makes the interval wider
}

}  // namespace

double stages_log_e(std::span<const Stage> stages, double c, double ratio) {
  if (!(ratio > 0) || !std::isfinite(ratio)) return kNan;
  double sum = 0;
  for (const Stage& stage : stages) {
    const double odds = ratio * stage.share_b / (1 - stage.share_b);
    sum += log_e(stage.b, stage.all, odds / (1 + odds), c);
  }
  return sum;
}

Interval rate_ratio_interval(std::span<const Stage> stages, double c, double alpha) {
  if (!(alpha > 0 && alpha < 1) || std::isnan(stages_log_e(stages, c))) return {kNan, kNan};
  const double enough = -std::log(alpha);
  // In the logarithm of the ratio each stage's evidence falls and then rises, and so does the sum
  // near enough: it is searched outwards from its least value, found by golden section.
  constexpr double kWidest = 27.6;  // ratios of 1e-12 and 1e12
  const auto evidence = [&](double log_ratio) {
    return stages_log_e(stages, c, std::exp(log_ratio));
  };
  constexpr double kGolden = 0.6180339887498949;
  double low = -kWidest;
  double high = kWidest;
  while (high - low > 1e-6) {
    const double left = high - kGolden * (high - low);
    const double right = low + kGolden * (high - low);
    (evidence(left) < evidence(right) ? high : low) =
        evidence(left) < evidence(right) ? right : left;
  }
  const double least = low + (high - low) / 2;
  if (!(evidence(least) < enough)) return {std::exp(least), std::exp(least)};  // stages disagree
  Interval interval{0, kInfinity};
  if (evidence(-kWidest) >= enough) {
    interval.low = std::exp(crossing(least, -kWidest, enough, evidence));
  }
  if (evidence(kWidest) >= enough) {
    interval.high = std::exp(crossing(least, kWidest, enough, evidence));
  }
  return interval;
}

Interval proportion_interval(double k, double n, double c, double alpha) {
  if (!(alpha > 0 && alpha < 1) || std::isnan(log_e(k, n, 0.5, c))) return {kNan, kNan};
  if (n == 0) return {0, 1};
  const double enough = -std::log(alpha);
  // At the posterior's own centre the evidence is least, up to the prior's pull towards theta.
  constexpr double kEdge = 1e-15;
  const double centre = std::clamp(k / n, kEdge, 1 - kEdge);
  const auto evidence = [&](double theta) { return log_e(k, n, theta, c); };
  if (!(evidence(centre) < enough)) return {centre, centre};
  Interval interval{0, 1};
  if (k > 0 && evidence(kEdge) >= enough) interval.low = crossing(centre, kEdge, enough, evidence);
  if (k < n && evidence(1 - kEdge) >= enough) {
    interval.high = crossing(centre, 1 - kEdge, enough, evidence);
  }
  return interval;
}

double split_log_e(std::span<const SplitStage> stages, double c) {
  double sum = 0;
  for (const SplitStage& stage : stages) sum += log_e_multi(stage.counts, stage.weights, c);
  return sum;
}

}  // namespace duet::stats
