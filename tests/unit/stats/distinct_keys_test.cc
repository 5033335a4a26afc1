#include "host/stats/distinct_keys.h"

#include <gtest/gtest.h>

namespace duet::stats {
namespace {

using Seen = DistinctKeys::Seen;

TEST(DistinctKeys, EachIsCountedOnceUnderItsFirstKind) {
  DistinctKeys keys;
  EXPECT_EQ(keys.add(1, 0), Seen::kFirst);
  EXPECT_EQ(keys.add(2, 1), Seen::kFirst);
  EXPECT_EQ(keys.add(1, 1), Seen::kAgain);
  EXPECT_EQ(keys.add(0, 1), Seen::kFirst);
  EXPECT_EQ(keys.count(0), 1u);
  EXPECT_EQ(keys.count(1), 2u);
  EXPECT_EQ(keys.count(7), 0u);
  EXPECT_EQ(keys.halvings(), 0);
}

TEST(DistinctKeys, IsExactWithinItsSliceWhenItIsFull) {
  DistinctKeys small(1000);
  for (int pass = 0; pass < 3; ++pass) {
    for (std::uint64_t key = 0; key < 50000; ++key) small.add(key, key % 10 == 0 ? 1 : 0);
  }
  EXPECT_LE(small.size(), 1000u);
  EXPECT_GE(small.size(), 400u);
  EXPECT_GE(small.halvings(), 5);
  EXPECT_EQ(small.count(0) + small.count(1), small.size());
  const double scale = static_cast<double>(1 << small.halvings());
  EXPECT_NEAR(static_cast<double>(small.size()) * scale, 50000, 10000);
  EXPECT_NEAR(static_cast<double>(small.count(1)) / static_cast<double>(small.size()), 0.1, 0.05);
}

TEST(DistinctKeys, SlicesOfWorkersMergeIntoOne) {
  DistinctKeys all(500), first(500), second(500);
  for (std::uint64_t key = 0; key < 20000; ++key) {
    all.add(key, key % 2);
    if (key < 12000) first.add(key, key % 2);
    if (key > 100) second.add(key, key % 2);  // most keys reach both
  }
  first.merge(second);
  EXPECT_EQ(first.halvings(), all.halvings());
  EXPECT_EQ(first.size(), all.size());
  EXPECT_EQ(first.count(0), all.count(0));
  EXPECT_EQ(first.count(1), all.count(1));
}

}  // namespace
}  // namespace duet::stats
