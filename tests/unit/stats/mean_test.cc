#include "host/stats/mean.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace duet::stats {
namespace {

TEST(Mean, MomentsOfAStream) {
  Moments moments;
  EXPECT_TRUE(std::isnan(moments.variance()));
  for (const double value : {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) moments.add(value);
  EXPECT_EQ(moments.count(), 4u);
  EXPECT_EQ(moments.mean(), 1e9 + 10);
  EXPECT_NEAR(moments.variance(), 30, 1e-9);
}

TEST(Mean, MomentsOfWholeNumbersAreExact) {
  IntegerMoments moments;
  EXPECT_EQ(moments.moments().count(), 0u);
  EXPECT_TRUE(std::isnan(moments.moments().variance()));
  constexpr std::int64_t kFar = 1'000'000'000'000;  // whose square has no room in a double
  for (const std::int64_t value : {4, 7, 13, 16}) moments.add(kFar + value);
  EXPECT_EQ(moments.sum(), 4 * kFar + 40);
  EXPECT_EQ(moments.moments().count(), 4u);
  EXPECT_EQ(moments.moments().mean(), static_cast<double>(kFar + 10));
  EXPECT_EQ(moments.moments().variance(), 30);
}

TEST(Mean, MergingIsAsIfAllHadBeenOne) {
  Moments all, first, second, none;
  for (int i = 0; i < 50; ++i) {
    const double value = i * i % 17;
    all.add(value);
    (i < 20 ? first : second).add(value);
  }
  first.merge(second);
  first.merge(none);
  none.merge(first);
  EXPECT_EQ(none.count(), all.count());
  EXPECT_NEAR(none.mean(), all.mean(), 1e-12);
  EXPECT_NEAR(none.variance(), all.variance(), 1e-10);
}

TEST(Mean, TheHalfwidthIsWiderThanASingleLookAndShrinks) {
  EXPECT_GT(mean_halfwidth(5000, 1, 0.05, kMeanTunedAt), 1.96);
  EXPECT_LT(mean_halfwidth(5000, 1, 0.05, kMeanTunedAt), 4);
  // In units of the standard error it is narrowest near n_star.
  EXPECT_LT(mean_halfwidth(5000, 1, 0.05, kMeanTunedAt), mean_halfwidth(50, 1, 0.05, kMeanTunedAt));
  EXPECT_LT(mean_halfwidth(5000, 1, 0.05, kMeanTunedAt),
            mean_halfwidth(5e6, 1, 0.05, kMeanTunedAt));
}

TEST(Mean, DifferenceIsTheSecondMinusTheFirst) {
  Moments a, b;
  for (int i = 0; i < 1000; ++i) {
    a.add(i % 10);
    b.add(i % 10 + 2);
  }
  const MeanDifference difference = mean_difference(a, b, 0.05);
  EXPECT_NEAR(difference.difference, 2, 1e-12);
  EXPECT_GT(difference.halfwidth, 0.2);
  EXPECT_LT(difference.halfwidth, 0.6);
  EXPECT_TRUE(std::isnan(mean_difference(a, Moments(), 0.05).halfwidth));
}

TEST(Mean, OutsideItsDomainIsNan) {
  for (const double value : {mean_halfwidth(0, 1, 0.05, 1), mean_halfwidth(1, -1, 0.05, 1),
                             mean_halfwidth(1, 1, 0, 1), mean_halfwidth(1, 1, 0.05, 0)}) {
    EXPECT_TRUE(std::isnan(value));
  }
}

}  // namespace
}  // namespace duet::stats
