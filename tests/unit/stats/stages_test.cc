#include "host/stats/stages.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/stats/kernel.h"

namespace duet::stats {
namespace {

TEST(Stages, EvidenceMultiplies) {
  const Stage stages[] = {{0.01, 3, 100}, {0.5, 60, 100}};
  EXPECT_DOUBLE_EQ(stages_log_e(stages, 10), log_e(3, 100, 0.01, 10) + log_e(60, 100, 0.5, 10));
  EXPECT_EQ(stages_log_e({}, 10), 0);
  EXPECT_TRUE(std::isnan(stages_log_e(stages, 0)));
  const Stage wrong[] = {{0.5, 3, 2}};
  EXPECT_TRUE(std::isnan(stages_log_e(wrong, 10)));
}

// 1% of the traffic early, with few events; half of it late, with many: b looks ten times as bad
// when the stages are pooled, and is not.
TEST(Stages, ARampIsNotPooled) {
  const Stage stages[] = {{0.01, 1, 100}, {0.5, 500, 1000}};
  EXPECT_LT(stages_log_e(stages, 10), 0);
  const Stage pooled[] = {{0.255, 501, 1100}};
  EXPECT_GT(stages_log_e(pooled, 10), 50);
}

TEST(Stages, TheRatioIsThatOfTheRates) {
  const Stage stages[] = {{0.1, 20, 110}, {0.5, 400, 600}};  // both say that b has twice as many
  const Interval interval = rate_ratio_interval(stages, 20, 0.05);
  EXPECT_LT(interval.low, 2);
  EXPECT_GT(interval.low, 1.4);
  EXPECT_GT(interval.high, 2);
  EXPECT_LT(interval.high, 2.8);
  const double enough = std::log(20);
  EXPECT_NEAR(stages_log_e(stages, 20, interval.low), enough, 1e-6);
  EXPECT_NEAR(stages_log_e(stages, 20, interval.high), enough, 1e-6);
}

TEST(Stages, WithoutEventsEveryRatioIsPossible) {
  const Interval none = rate_ratio_interval({}, 10, 0.05);
  EXPECT_EQ(none.low, 0);
  EXPECT_TRUE(std::isinf(none.high));
  const Stage few[] = {{0.5, 0, 40}};
  const Interval interval = rate_ratio_interval(few, 10, 0.05);
  EXPECT_EQ(interval.low, 0);
  EXPECT_LT(interval.high, 0.5);
  EXPECT_TRUE(std::isnan(rate_ratio_interval(few, 10, 0).low));
}

TEST(Stages, ProportionInterval) {
  const Interval interval = proportion_interval(30, 1000, 50, 0.05);
  EXPECT_NEAR(log_e(30, 1000, interval.low, 50), std::log(20), 1e-6);
  EXPECT_NEAR(log_e(30, 1000, interval.high, 50), std::log(20), 1e-6);
  EXPECT_LT(interval.low, 0.03);
  EXPECT_GT(interval.high, 0.03);
  const Interval none = proportion_interval(0, 1000, 50, 0.05);
  EXPECT_EQ(none.low, 0);
  EXPECT_LT(none.high, 0.03);
  EXPECT_EQ(proportion_interval(1000, 1000, 50, 0.05).high, 1);
  EXPECT_EQ(proportion_interval(0, 0, 50, 0.05).high, 1);
  EXPECT_TRUE(std::isnan(proportion_interval(2, 1, 50, 0.05).low));
}

TEST(Stages, SplitEvidenceMultipliesToo) {
  const SplitStage stages[] = {{{990, 10}, {99, 1}}, {{4000, 6000}, {1, 1}}};
  EXPECT_GT(split_log_e(stages, 1e4), std::log(1000));
  const SplitStage right[] = {{{990, 10}, {99, 1}}, {{5070, 4930}, {1, 1}}};
  EXPECT_LT(split_log_e(right, 1e4), 1);
}

}  // namespace
}  // namespace duet::stats
