#include "host/experiment/quantiles.h"

#include <gtest/gtest.h>

#include "host/base/clock.h"

namespace duet::experiment {
namespace {

using measure::Histogram;

// Durations spread evenly over one to two milliseconds, `factor` times as long.
Histogram spread(int requests, double factor) {
  Histogram all;
  for (int i = 0; i < requests; ++i) {
    const double share = static_cast<double>(i) / requests;
    all.record(static_cast<Nanos>(factor * (1 + share) * kMillisecond));
  }
  return all;
}

// The test of both arms together tells a difference before the intervals of each by itself are
// apart. Whoever reads "they differ" beside "1% faster to 31% slower" believes neither.
TEST(Quantiles, WhatIsCalledHasNoIntervalOnBothSidesOfEquality) {
  int cut = 0;
  for (const double factor : {1.2, 1 / 1.2}) {
    for (int requests = 100; requests <= 10'000; requests += 100) {
      const Histogram control = spread(requests, 1), variant = spread(requests, factor);
      Quantiles quantiles;
      quantiles.look(control, variant, 0.05);
      for (const QuantileEvidence& one : quantiles.show(control, variant, 0.05)) {
        if (!one.called) continue;
        EXPECT_GE(factor > 1 ? one.ratio.low : 1 / one.ratio.high, 1)
            << "p" << 100 * one.p << " of " << requests;
        cut += one.ratio.low == 1 || one.ratio.high == 1;
      }
    }
  }
  EXPECT_GT(cut, 0) << "no sample was called before its interval was on one side";
}

}  // namespace
}  // namespace duet::experiment
