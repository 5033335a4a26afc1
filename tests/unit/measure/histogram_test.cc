#include "host/measure/histogram.h"

#include <gtest/gtest.h>
#include <hdr/hdr_histogram.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace duet::measure {
namespace {

struct CloseHdr {
  void operator()(hdr_histogram* h) const { hdr_close(h); }
};
using Hdr = std::unique_ptr<hdr_histogram, CloseHdr>;

Hdr make_hdr() {
  hdr_histogram* h = nullptr;
  EXPECT_EQ(hdr_init(1, Histogram::kHighest, 2, &h), 0);
  return Hdr(h);
}

// Durations as requests have them: from nanoseconds to minutes, evenly over the orders.
std::vector<Nanos> samples(int count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> exponent(0, 11);
  std::vector<Nanos> values;
  for (int i = 0; i < count; ++i)
    values.push_back(static_cast<Nanos>(std::pow(10, exponent(random))));
  return values;
}

TEST(Histogram, HasTheLayoutOfHdrHistogram) {
  const Hdr hdr = make_hdr();
  ASSERT_EQ(static_cast<std::size_t>(hdr->counts_len), Histogram::kSlots);
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot) {
    const auto lowest = static_cast<std::int64_t>(Histogram::lowest_in(slot));
    const auto highest = static_cast<std::int64_t>(Histogram::highest_in(slot));
    EXPECT_EQ(Histogram::slot_of(Histogram::lowest_in(slot)), slot);
    EXPECT_EQ(Histogram::slot_of(Histogram::highest_in(slot)), slot);
    EXPECT_EQ(hdr_lowest_equivalent_value(hdr.get(), highest), lowest);
    if (highest < Histogram::kHighest) {
      EXPECT_EQ(hdr_next_non_equivalent_value(hdr.get(), lowest), highest + 1);
    }
  }
}

TEST(Histogram, CountsAndQuantilesEqualHdrHistograms) {
  const Hdr hdr = make_hdr();
  Histogram own;
  Nanos sum = 0, largest = 0;
  for (const Nanos value : samples(50'000, 1)) {
    own.record(value);
    ASSERT_TRUE(hdr_record_value(hdr.get(), value));
    sum += value;
    largest = std::max(largest, value);
  }
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot) {
    ASSERT_EQ(own.count_in(slot), static_cast<std::uint64_t>(hdr->counts[slot])) << slot;
  }
  for (const double q : {0.0001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    // Ours does not exceed the largest sample.
    EXPECT_EQ(own.quantile(q), std::min(hdr_value_at_percentile(hdr.get(), 100 * q), largest)) << q;
  }
  EXPECT_EQ(own.count(), static_cast<std::uint64_t>(hdr->total_count));
  EXPECT_EQ(own.sum(), sum);
  EXPECT_EQ(own.max(), largest);
}

TEST(Histogram, ZerosCountInQuantilesThoughNobodyRecordedThem) {
  const Hdr hdr = make_hdr();
  Histogram own;
  for (const Nanos value : samples(1'000, 2)) {
    own.record(value);
    hdr_record_value(hdr.get(), value);
  }
  hdr_record_values(hdr.get(), 0, 3'000);
  for (const double q : {0.1, 0.5, 0.7499, 0.76, 0.9, 0.99}) {
    EXPECT_EQ(own.quantile(q, 3'000), hdr_value_at_percentile(hdr.get(), 100 * q)) << q;
  }
  EXPECT_DOUBLE_EQ(own.mean(3'000), own.mean() / 4);
}

TEST(Histogram, QuantilesAreWithinOnePercentOfTheSample) {
  Histogram own;
  std::vector<Nanos> values = samples(9'999, 3);
  for (const Nanos value : values) own.record(value);
  std::sort(values.begin(), values.end());
  for (const double q : {0.1, 0.5, 0.9, 0.99}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(q * 9'999 + 0.5) - 1]);
    EXPECT_NEAR(static_cast<double>(own.quantile(q)), exact, exact * 0.01) << q;
  }
  EXPECT_EQ(own.quantile(1), values.back());
}

TEST(Histogram, MergingIsExact) {
  Histogram one, other, both;
  for (const Nanos value : samples(5'000, 4)) one.record(value), both.record(value);
  for (const Nanos value : samples(7'000, 5)) other.record(value), both.record(value);
  one.merge(other);
  one.merge(Histogram());
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot) {
    ASSERT_EQ(one.count_in(slot), both.count_in(slot));
  }
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.sum(), both.sum());
  EXPECT_EQ(one.max(), both.max());
  Histogram empty;
  empty.merge(both);
  EXPECT_EQ(empty.quantile(0.9), both.quantile(0.9));
}

TEST(Histogram, KeepsWhatIsOutOfRangeAtItsEnds) {
  Histogram own;
  own.record(-5);
  own.record(0);
  own.record(100 * Histogram::kHighest);
  EXPECT_EQ(own.count(), 3u);
  EXPECT_EQ(own.quantile(0.5), 0);
  EXPECT_EQ(own.max(), Histogram::kHighest);
  EXPECT_EQ(own.sum(), Histogram::kHighest);
}

TEST(Histogram, AnEmptyOneIsAllZeros) {
  Histogram own;
  std::array<std::uint64_t, 2> counts{7, 7};
  own.cumulate(std::array<Nanos, 2>{10, 20}, counts);
  EXPECT_EQ(counts, (std::array<std::uint64_t, 2>{0, 0}));
  EXPECT_EQ(own.quantile(0.99), 0);
  EXPECT_EQ(own.mean(), 0);
}

TEST(Histogram, BucketsHoldTheSamplesUpToTheirBounds) {
  Histogram own;
  for (const Nanos micros : {3, 9, 11, 40, 90, 700, 2'000'000}) own.record(micros * kMicrosecond);
  const std::array<Nanos, 4> bounds{10 * kMicrosecond, 100 * kMicrosecond, kMillisecond, kSecond};
  std::array<std::uint64_t, 4> counts;
  own.cumulate(bounds, counts);
  EXPECT_EQ(counts, (std::array<std::uint64_t, 4>{2, 5, 6, 6}));
}

}  // namespace
}  // namespace duet::measure
