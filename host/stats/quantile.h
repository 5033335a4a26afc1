// Comparing quantiles by histograms, and the band around a whole distribution.
//
// Source: Howard & Ramdas, "Sequential estimation of quantiles with applications to A/B testing and
// best-arm identification", Bernoulli 2022. Pure; any thread. Outside a function's domain the
// result is NaN, or nothing.
//
// A histogram is the counts of its buckets, in ascending order of what they stand for. Where inside
// its bucket an observation lies is not known, so of all that a bucket's observations could be the
// least evident is taken: coarse buckets cost power, never truth.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace duet::stats {

// ln of the evidence that the p-quantiles of two samples differ:
//
//   min over x of [ log_e(a(x), n_a; p, c) + log_e(b(x), n_b; p, c) ],  a(x): how many of a are <=
//   x
//
// Needs a stage in which the shares of the arms are constant. Domain: as many buckets in `a` as in
// `b`, at least one; counts are whole numbers >= 0; 0 < p < 1; c > 0.
double quantile_log_e(std::span<const double> a, std::span<const double> b, double p, double c);

// The buckets in which the p-quantile lies with confidence 1 - alpha at all times: those that hold
// an x with log_e(k(x), n; p, c) < ln(1/alpha). From the lowest value of bucket `first` to the
// highest of bucket `last`; an end that the sample does not bound is the histogram's end, and then
// `bounded_*` is false.
struct QuantileInterval {
  std::size_t first = 0;
  std::size_t last = 0;
  bool bounded_below = false;
  bool bounded_above = false;
};
// Domain as above, and 0 < alpha < 1; nothing outside it, and for an empty sample.
std::optional<QuantileInterval> quantile_interval(std::span<const double> counts, double p,
                                                  double c, double alpha);

// How far the distribution function of t observations is at most from the true one, everywhere at
// once and at all times: 0.85 sqrt((ln ln(e t) + 0.8 ln(1612/alpha)) / t). For charts: a declared
// quantile is told apart with a hundredth of the sample. Domain: t >= 1, 0 < alpha < 1.
double uniform_radius(double t, double alpha);

}  // namespace duet::stats
