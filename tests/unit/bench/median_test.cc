#include "host/bench/median.h"

#include <gtest/gtest.h>

#include "host/bench/random.h"

namespace duet::bench {
namespace {

TEST(Median, FewValuesBoundNothing) {
  EXPECT_EQ(median_of({3, 1, 2}).value, 2);
  EXPECT_EQ(median_of({4, 1, 2, 3}).value, 2.5);
  EXPECT_FALSE(median_of({5, 4, 3, 2, 1}).low);
  // P(all six on one side) = 2/64 < 5%.
  const Median six = median_of({6, 5, 4, 3, 2, 1});
  EXPECT_EQ(six.low, 1);
  EXPECT_EQ(six.high, 6);
  const Median fifteen = median_of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  EXPECT_EQ(fifteen.low, 4);  // as in tables of the sign test
  EXPECT_EQ(fifteen.high, 12);
}

TEST(Median, TheIntervalHoldsTheTruth) {
  Random random(5);
  int missed = 0;
  for (int run = 0; run < 1000; ++run) {
    std::vector<double> values(20);
    for (double& value : values) value = random.exponential();
    const Median median = median_of(values);
    const double truth = 0.6931471805599453;
    missed += *median.low > truth || *median.high < truth ? 1 : 0;
  }
  EXPECT_LE(missed, 66);  // compatible with 5% of 1,000 at the 1% level
}

}  // namespace
}  // namespace duet::bench
