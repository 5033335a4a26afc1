#include "host/measure/native_buckets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "host/measure/histogram.h"

namespace duet::measure {
namespace {

TEST(NativeBuckets, EachValueIsWithinItsBucket) {
  for (double value = 1; value < 4e12; value *= 1.017) {
    const auto nanos = static_cast<Nanos>(value);
    const double seconds = static_cast<double>(nanos) * 1e-9;
    const int index = NativeBuckets::index_of(nanos);
    EXPECT_LE(seconds, std::exp2(index / 8.0) * (1 + 1e-12)) << nanos;
    EXPECT_GT(seconds, std::exp2((index - 1) / 8.0) * (1 - 1e-12)) << nanos;
  }
  EXPECT_EQ(NativeBuckets::index_of(kSecond), 0) << "a bound belongs to the bucket below it";
  EXPECT_EQ(NativeBuckets::index_of(kSecond + 1), 1);
  EXPECT_EQ(NativeBuckets::index_of(2 * kSecond), 8);
  EXPECT_EQ(NativeBuckets::index_of(kSecond / 2), -8);
}

TEST(NativeBuckets, GrowInBothDirections) {
  NativeBuckets buckets;
  for (const Nanos value : {kMillisecond, kSecond, Nanos{3}, kMillisecond, Nanos{0}}) {
    buckets.record(value);
  }
  EXPECT_EQ(buckets.zeros(), 1u);
  EXPECT_EQ(buckets.first(), NativeBuckets::index_of(3));
  const auto& counts = buckets.counts();
  EXPECT_EQ(counts.size(), static_cast<std::size_t>(1 - buckets.first()));
  EXPECT_EQ(counts.back(), 1u);
  EXPECT_EQ(
      counts[static_cast<std::size_t>(NativeBuckets::index_of(kMillisecond) - buckets.first())],
      2u);
}

TEST(NativeBuckets, AHistogramsAreItsCounts) {
  Histogram histogram;
  for (Nanos value = 0; value < 3 * kSecond; value = value * 2 + 1) histogram.record(value);
  const NativeBuckets native = native_of(histogram, 5);
  const auto& counts = native.counts();
  EXPECT_EQ(native.zeros(), 6u);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), native.zeros()), histogram.count() + 5);
}

}  // namespace
}  // namespace duet::measure
