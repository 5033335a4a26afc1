#include "host/stats/quantile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "host/stats/kernel.h"

namespace duet::stats {
namespace {

TEST(Quantile, CoarserBucketsAreNeverMoreEvident) {
  const std::vector<double> a = {3, 10, 40, 90, 60, 20, 5, 2};
  const std::vector<double> b = {0, 2, 11, 42, 88, 61, 22, 9};
  const double fine = quantile_log_e(a, b, 0.5, 20);
  EXPECT_GT(fine, 3);
  const std::vector<double> a2 = {13, 130, 80, 7};
  const std::vector<double> b2 = {2, 53, 149, 31};
  EXPECT_LE(quantile_log_e(a2, b2, 0.5, 20), fine);
  const std::vector<double> a1 = {230};
  const std::vector<double> b1 = {235};
  EXPECT_LE(quantile_log_e(a1, b1, 0.5, 20), 0);
}

// The definition: the least over all x, bucket by bucket, and over all k that a bucket may hide.
double by_definition(const std::vector<double>& a, const std::vector<double>& b, double p,
                     double c) {
  double n_a = 0, n_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) n_a += a[i], n_b += b[i];
  const auto least_in = [&](double below, double inside, double n) {
    double least = INFINITY;
    for (double k = below; k <= below + inside; ++k) least = std::min(least, log_e(k, n, p, c));
    return least;
  };
  double least = INFINITY, below_a = 0, below_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    least = std::min(least, least_in(below_a, a[i], n_a) + least_in(below_b, b[i], n_b));
    below_a += a[i];
    below_b += b[i];
  }
  return least;
}

TEST(Quantile, IsTheLeastOverAllValuesWhateverTheCounts) {
  unsigned state = 1;
  const auto random = [&](unsigned below) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
  };
  for (int round = 0; round < 300; ++round) {
    const unsigned buckets = 1 + random(30), most = 1 + random(12);
    std::vector<double> a(buckets), b(buckets);
    for (double& count : a) count = random(most);
    for (double& count : b) count = random(3 * most);
    for (const double p : {0.05, 0.5, 0.9, 0.99}) {
      const double expected = by_definition(a, b, p, 7);
      EXPECT_NEAR(quantile_log_e(a, b, p, 7), expected, 1e-9 * (1 + std::abs(expected)));
    }
  }
}

TEST(Quantile, TheBetweenOfABucketCounts) {
  // All of both arms in one bucket: whatever lies in it, no x in it is evident.
  const std::vector<double> one = {0, 1000, 0};
  EXPECT_LT(quantile_log_e(one, one, 0.99, 20), 0);
  // Apart by whole buckets: each x is evident in one arm or the other.
  const std::vector<double> low = {1000, 0};
  const std::vector<double> high = {0, 1000};
  EXPECT_GT(quantile_log_e(low, high, 0.5, 20), 100);
}

TEST(Quantile, IntervalHoldsTheQuantileAndSaysWhatItDoesNotBound) {
  std::vector<double> counts(100, 10);  // uniform: the median is between buckets 49 and 50
  const auto median = quantile_interval(counts, 0.5, 100, 0.05);
  ASSERT_TRUE(median);
  EXPECT_LT(median->first, 49u);
  EXPECT_GT(median->first, 35u);
  EXPECT_GT(median->last, 50u);
  EXPECT_LT(median->last, 64u);
  EXPECT_TRUE(median->bounded_below && median->bounded_above);

  counts.assign(100, 1);  // a hundred observations do not bound p99 from above
  const auto p99 = quantile_interval(counts, 0.99, 100, 0.05);
  ASSERT_TRUE(p99);
  EXPECT_EQ(p99->last, 99u);
  EXPECT_FALSE(p99->bounded_above);
  EXPECT_TRUE(p99->bounded_below);
}

TEST(Quantile, OutsideItsDomainThereIsNothing) {
  const std::vector<double> counts = {1, 2};
  const std::vector<double> wrong = {1, 0.5};
  const std::vector<double> longer = {1, 2, 3};
  EXPECT_TRUE(std::isnan(quantile_log_e(counts, longer, 0.5, 1)));
  EXPECT_TRUE(std::isnan(quantile_log_e(counts, wrong, 0.5, 1)));
  EXPECT_TRUE(std::isnan(quantile_log_e(counts, counts, 1, 1)));
  EXPECT_TRUE(std::isnan(quantile_log_e({}, {}, 0.5, 1)));
  EXPECT_FALSE(quantile_interval(std::vector<double>{0, 0}, 0.5, 1, 0.05));
  EXPECT_FALSE(quantile_interval(counts, 0.5, 1, 1));
  EXPECT_FALSE(quantile_interval(counts, 0.5, 0, 0.05));
  EXPECT_TRUE(std::isnan(uniform_radius(0.5, 0.05)));
  EXPECT_TRUE(std::isnan(uniform_radius(10, 0)));
}

TEST(Quantile, TheUniformBandNeeds82000RequestsAtP99) {  // as the design's table says
  EXPECT_GT(uniform_radius(80000, 0.025), 0.01);
  EXPECT_LT(uniform_radius(83000, 0.025), 0.01);
}

}  // namespace
}  // namespace duet::stats
