// The sequential test behind every verdict: evidence that counts did not come from given
// proportions, valid however often somebody looks at it.
//
// Source: Lindon & Malek, "Anytime-valid inference for multinomial count data", arXiv 2011.03567.
// Pure; any thread. Outside a function's domain the result is NaN.
#pragma once

#include <span>

namespace duet::stats {

// ln of the evidence that k "successes" among n do not come from the proportion theta:
//
//   lnB(c*theta + k, c*(1-theta) + n-k) - lnB(c*theta, c*(1-theta)) - k ln(theta) - (n-k)
//   ln(1-theta)
//
// Under that proportion exp(log_e) is a martingale that starts at 1, so that the chance that log_e
// ever reaches ln(1/alpha) is at most alpha. Two-sided: whoever acts against one side looks at k/n
// as well. `c` is how many observations the prior counts for: see concentration().
//
// Domain: whole numbers 0 <= k <= n <= 2^53, 0 < theta < 1, c > 0. Better than
// 1e-9 of log_e, or 1e-12 near 0, up to a million million observations: nothing of size n ln(n) is
// ever subtracted.
double log_e(double k, double n, double theta, double c);

// The same for several arms, whose shares are proportional to `weights` (they need not add up to
// 1). Domain: as many counts as weights, at least two; counts are whole numbers >= 0 that sum to at
// most 2^53; weights are finite and > 0; c > 0.
double log_e_multi(std::span<const double> counts, std::span<const double> weights, double c);

// The `c` with which log_e is most likely to have reached ln(1/alpha) after about t_opt
// observations: t_opt / (2 ln(1/alpha) + ln(1 + 2 ln(1/alpha))) - 1. Not above 0 when t_opt is too
// small to tell anything at that alpha. Domain: t_opt > 0, 0 < alpha < 1.
double concentration(double t_opt, double alpha);

// The k in [least, most] at which log_e(k, n; theta, c) is least: it is convex in k, with its least
// value at the first k >= theta * (n - 1), whatever c is.
double least_evident_count(double least, double most, double n, double theta);

}  // namespace duet::stats
