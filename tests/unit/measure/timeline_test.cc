#include "host/measure/timeline.h"

#include <gtest/gtest.h>

namespace duet::measure {
namespace {

constexpr Phase kAll[] = {Phase::kRun,  Phase::kGil,   Phase::kParse, Phase::kWrite,
                          Phase::kPool, Phase::kReady, Phase::kAwait, Phase::kQueue};

Nanos accounted(const Timeline& timeline) {
  Nanos sum = timeline.unaccounted();
  for (const Phase phase : kAll) sum += timeline.spent(phase);
  return sum;
}

TEST(Timeline, GivesEachInstantToTheConditionOfHighestPrecedence) {
  Timeline t;
  t.begin(1000, false);
  t.set(Phase::kParse, 1010);
  t.clear(Phase::kParse, 1015);
  t.run(1040);
  t.set(Phase::kWrite, 1050);  // a piece is ready, but it still runs
  t.change(Phase::kRun, Phase::kAwait, 1060);
  t.clear(Phase::kWrite, 1085);
  t.end(1100);
  EXPECT_EQ(t.spent(Phase::kQueue), 10 + 25);
  EXPECT_EQ(t.spent(Phase::kParse), 5);
  EXPECT_EQ(t.spent(Phase::kRun), 20);
  EXPECT_EQ(t.spent(Phase::kWrite), 25);
  EXPECT_EQ(t.spent(Phase::kAwait), 15);
  EXPECT_EQ(t.unaccounted(), 0);
  EXPECT_EQ(t.total(), 100);
  EXPECT_EQ(accounted(t), t.total());
}

TEST(Timeline, WhatNoConditionCoversIsUnaccounted) {
  Timeline t;
  t.begin(0, false);
  t.clear(Phase::kQueue, 10);
  t.set(Phase::kAwait, 14);
  t.end(20);
  EXPECT_EQ(t.unaccounted(), 4);
  EXPECT_EQ(accounted(t), 20);
}

TEST(Timeline, AContinuationIsReadyFromWhenItCouldHaveRun) {
  Timeline t;
  t.begin(0, false);
  t.run(10);
  t.change(Phase::kRun, Phase::kAwait, 20);
  t.was_ready(70, 100);
  t.run(100);
  t.end(101);
  EXPECT_EQ(t.spent(Phase::kAwait), 50);
  EXPECT_EQ(t.spent(Phase::kReady), 30);
  EXPECT_EQ(accounted(t), 101);
}

TEST(Timeline, ReadinessBeforeTheAwaitBeganMakesAllOfItReady) {
  Timeline t;
  t.begin(0, false);
  t.run(10);
  t.change(Phase::kRun, Phase::kAwait, 20);
  t.was_ready(5, 50);
  EXPECT_EQ(t.spent(Phase::kReady), 30);
  EXPECT_EQ(t.spent(Phase::kAwait), 0);
}

TEST(Timeline, ATimerThatFiresBeforeItSeemedDueTakesNothingFromTheRun) {
  Timeline t;
  t.begin(0, false);
  t.run(10);
  t.change(Phase::kRun, Phase::kAwait, 20);
  t.was_ready(29, 26);
  t.run(26);
  t.change(Phase::kRun, Phase::kAwait, 40);
  EXPECT_EQ(t.spent(Phase::kAwait), 6);
  EXPECT_EQ(t.spent(Phase::kReady), 0);
  EXPECT_EQ(t.spent(Phase::kRun), 24);
}

TEST(Timeline, KnowsSinceWhenItWaitsForTheLoop) {
  Timeline t;
  t.begin(5, false);
  EXPECT_EQ(t.waits_since(), 5);
  t.set(Phase::kParse, 7);
  t.clear(Phase::kParse, 8);
  EXPECT_EQ(t.waits_since(), 5);
  t.run(10);
  EXPECT_FALSE(t.waiting());
  t.change(Phase::kRun, Phase::kAwait, 20);
  EXPECT_FALSE(t.waiting());
  t.was_ready(26, 30);
  EXPECT_EQ(t.waits_since(), 26);
  t.run(30);
  t.change(Phase::kRun, Phase::kGil, 33);
  EXPECT_EQ(t.waits_since(), 33);
  t.end(40);
  EXPECT_FALSE(t.waiting());
}

TEST(Timeline, AfterTheAnswerOnlyRunningAndWritingCount) {
  Timeline t;
  t.begin(0, false);
  t.run(10);
  t.answered();
  t.change(Phase::kRun, Phase::kAwait, 30);  // waitUntil
  t.end(45);
  EXPECT_EQ(t.spent(Phase::kRun), 20);
  EXPECT_EQ(t.spent(Phase::kWrite), 15);
  EXPECT_EQ(t.spent(Phase::kAwait), 0);
  EXPECT_EQ(accounted(t), 45);
}

TEST(Timeline, ToleratesInstantsThatStepBack) {
  Timeline t;
  t.begin(100, true);
  t.set(Phase::kParse, 90);
  t.run(110);
  t.end(105);
  EXPECT_EQ(t.total(), 10);
  EXPECT_EQ(accounted(t), 10);
  EXPECT_TRUE(t.coalesced());
}

TEST(Timeline, IsCleanWhenReused) {
  Timeline t;
  t.begin(0, true);
  t.run(5);
  t.add_gc(3);
  t.answered();
  t.end(9);
  t.begin(100, false);
  EXPECT_EQ(accounted(t), 0);
  EXPECT_EQ(t.gc(), 0);
  EXPECT_EQ(t.waits_since(), 100);
  EXPECT_FALSE(t.coalesced());
  EXPECT_EQ(t.handler(), kNoHandler);
  t.end(110);
  EXPECT_EQ(t.spent(Phase::kQueue), 10);
}

TEST(Timeline, PhasesHaveTheNamesOfTheDocumentation) {
  std::string names;
  for (const Phase phase : kAll) names += std::string(phase_name(phase)) + " ";
  EXPECT_EQ(names, "run gil parse write pool ready await queue ");
}

}  // namespace
}  // namespace duet::measure
