// Which of two arms do events come from? The test behind every guardrail, and what it says about
// the ratio of the arms' rates.
//
// If both arms have the same rate of events (errors, answers slower than an objective), then each
// event comes from arm b with the chance that is b's share of the traffic, however much the rate
// itself drifts: so the events are tested, given that they happened. A share is constant during a
// stage; evidence multiplies over stages, so a ramp keeps what it has learnt without ever pooling
// what may not be pooled (pooled over a ramp with drifting latency, half of all comparisons of a
// handler with itself are called).
//
// Source: Lindon & Malek, arXiv 2011.03567. Pure; any thread. Outside a function's domain: NaN.
#pragma once

#include <span>
#include <vector>

namespace duet::stats {

// The events of one stage. Domain: whole numbers 0 <= b <= all; 0 < share_b < 1.
struct Stage {
  double share_b = 0.5;  // of the requests of both arms, as configured
  double b = 0;          // events of arm b
  double all = 0;        // events of both arms
};

// ln of the evidence that arm b's rate of events is not `ratio` times arm a's; c > 0, ratio > 0.
double stages_log_e(std::span<const Stage> stages, double c, double ratio = 1);

// The rates that are compatible with the events, at all times with confidence 1 - alpha.
struct Interval {
  double low = 0;
  double high = 0;  // infinity: not bounded yet
};

// Of rate b / rate a: every ratio whose stages_log_e is below ln(1/alpha). [0, infinity) without
// events; both NaN outside the domain.
Interval rate_ratio_interval(std::span<const Stage> stages, double c, double alpha);

// Of one arm's proportion of events, k of n: every theta with log_e(k, n; theta, c) < ln(1/alpha).
// Needs a proportion that does not drift. [0, 1] for n = 0; both NaN outside the domain.
Interval proportion_interval(double k, double n, double c, double alpha);

// Whether a split is the one that was configured, over stages of constant weights: the sum of
// log_e_multi. Counts are of distinct assignment keys (see distinct_keys.h), c = 10,000 and
// alpha = 0.001 throughout duet; a chi-squared test that is looked at often raises 2% false alarms
// at the same alpha.
struct SplitStage {
  std::vector<double> counts;
  std::vector<double> weights;
};
double split_log_e(std::span<const SplitStage> stages, double c);

inline constexpr double kSplitConcentration = 1e4;
inline constexpr double kSplitAlpha = 0.001;

}  // namespace duet::stats
