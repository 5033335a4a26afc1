#include "host/stats/event_test.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/stats/tail_threshold.h"

namespace duet::stats {
namespace {

using Arm = EventTest::Arm;

TEST(BurstFilter, ABurstIsOneEvent) {
  BurstFilter filter;
  for (int i = 0; i < 10; ++i) filter.add(i % 2, false);
  int counted = 0;
  for (int i = 0; i < 200; ++i) counted += filter.add(1, i % 3 != 0);
  EXPECT_EQ(counted, 1);
  for (int i = 0; i < 4; ++i) filter.add(1, false);
  EXPECT_TRUE(filter.add(1, true));
}

TEST(BurstFilter, NoEventCountsDuringTheOtherArmsBurst) {
  BurstFilter filter;
  for (int i = 0; i < 10; ++i) filter.add(i % 2, false);
  EXPECT_TRUE(filter.add(0, true));
  EXPECT_FALSE(filter.add(1, true));
  for (int i = 0; i < 4; ++i) filter.add(0, false);
  EXPECT_FALSE(filter.add(0, true));  // b has been calm for too few requests of its own
  for (int i = 0; i < 4; ++i) filter.add(i % 2, false), filter.add(1, false);
  for (int i = 0; i < 4; ++i) filter.add(0, false);
  EXPECT_TRUE(filter.add(0, true));
}

TEST(BurstFilter, AnArmThatFailsFromTheStartHasNoBurst) {
  BurstFilter filter;
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(filter.add(0, false));
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(filter.add(1, true));
}

TEST(BurstFilter, ABurstThatDoesNotEndCountsAgain) {
  BurstFilter filter(4, 300);
  for (int i = 0; i < 10; ++i) filter.add(i % 2, false);
  int counted = 0;
  for (int i = 0; i < 300; ++i) counted += filter.add(1, true);
  EXPECT_EQ(counted, 1);
  for (int i = 0; i < 20; ++i) counted += filter.add(1, true);
  EXPECT_EQ(counted, 21);
}

TEST(BurstFilter, ManyWithoutAnEventAreAsOneByOne) {
  BurstFilter together(4, 10), one_by_one(4, 10);
  std::uint32_t bits = 1;
  for (int round = 0; round < 2000; ++round) {
    bits = bits * 1664525 + 1013904223;
    const unsigned arm = bits >> 31;
    const unsigned number = (bits >> 20) % 7;
    if (number > 0) together.add_uneventful(arm, number);
    for (unsigned i = 0; i < number; ++i) one_by_one.add(arm, false);
    const unsigned other = (bits >> 19) & 1;
    EXPECT_EQ(together.calm(other), one_by_one.calm(other)) << round;
    EXPECT_EQ(together.add(other, true), one_by_one.add(other, true)) << round;
  }
}

// The figures of the requirement: a variant that fails every request, with four guardrails.
TEST(EventTest, AVariantThatFailsEveryRequestIsOutSoon) {
  struct Case {
    double share;
    int every;
    int most;
  };
  for (const Case& c : {Case{0.01, 100, 10}, Case{0.5, 2, 40}}) {
    EventTest::Options options;
    options.alpha = 0.05 / 4;
    EventTest test(options);
    test.begin_stage(c.share);
    int failed = 0;
    for (int i = 1; i < 10000 && !test.called_against_b(); ++i) {
      const bool b = i % c.every == 0;
      failed += b;
      test.add(b ? Arm::kB : Arm::kA, b);
      test.look();
    }
    EXPECT_LE(failed, c.most) << c.share;
    EXPECT_GE(failed, 2);
  }
}

TEST(EventTest, AKeyCountsOnce) {
  EventTest test({});
  test.begin_stage(0.5);
  for (int i = 0; i < 100; ++i) {
    test.add(Arm::kB, true, 7);
    for (int quiet = 0; quiet < 8; ++quiet) test.add(quiet % 2 ? Arm::kA : Arm::kB, false, 9);
  }
  EXPECT_EQ(test.stages().back().all, 1);
}

TEST(EventTest, FewerEventsAreCalledButNotAgainstB) {
  EventTest test({});
  test.begin_stage(0.5);
  for (int i = 0; i < 4000; ++i) {
    test.add(Arm::kA, i % 20 == 0);
    test.add(Arm::kB, i % 200 == 10);
    test.look();
  }
  EXPECT_TRUE(test.called());
  EXPECT_FALSE(test.called_against_b());
  EXPECT_LT(test.ratio().high, 0.5);
  EXPECT_LT(test.p_value(), 0.05);
}

TEST(EventTest, AStageWithoutEventsLeavesNoTrace) {
  EventTest test({});
  test.begin_stage(0.01);
  test.begin_stage(0.05);
  test.begin_stage(0.05);
  test.add(Arm::kA, true);
  test.begin_stage(0.5);
  ASSERT_EQ(test.stages().size(), 2u);
  EXPECT_EQ(test.stages()[0].share_b, 0.05);
}

TEST(EventTest, ContinuesWhereAnotherStopped) {
  EventTest first({});
  first.begin_stage(0.5);
  for (int i = 0; i < 600; ++i) {
    first.add(Arm::kA, false);
    first.add(Arm::kB, i % 6 == 0);
  }
  first.look();
  EventTest second({});
  second.restore(first.stages(), first.highest(), first.arms());
  EXPECT_EQ(second.look(), first.look());
  EXPECT_TRUE(second.called_against_b());
}

TEST(TailThreshold, FollowsTheShareThatExceedsIt) {
  TailThreshold tail(0.99);
  int above = 0;
  double value = 0.5;
  for (int i = 0; i < 200000; ++i) {  // from 1 to e, drifting to ten times as much
    value = std::fmod(value + 0.6180339887498949, 1.0);
    const double scale = i < 100000 ? 1 : 10;
    above += tail.exceeded(scale * std::exp(value), true) && i >= 10000;
  }
  EXPECT_NEAR(above, 1900, 100);
  EXPECT_GT(tail.value(), 20);
  EXPECT_FALSE(tail.exceeded(0, true));
}

}  // namespace
}  // namespace duet::stats
