// A handler compared with itself: how often is it called different?
#include <gtest/gtest.h>

#include <cstdio>

#include "host/stats/stages.h"
#include "tests/stats/comparison.h"
#include "tests/stats/compatible.h"

namespace duet::stats {
namespace {

struct Alarms {
  int errors = 0, slower_than = 0, quantile = 0, split = 0;
};

Alarms count_alarms(const Scenario& scenario, const Judge& judge = {}, int runs = kRuns) {
  Alarms alarms;
  for (int run = 0; run < runs; ++run) {
    const Calls calls = run_comparison(scenario, static_cast<std::uint64_t>(run), judge);
    alarms.errors += calls.errors;
    alarms.slower_than += calls.slower_than;
    alarms.quantile += calls.quantile;
    alarms.split += calls.split;
  }
  std::printf("of %d: errors %d, slower than T %d, slowest 1%% %d, split %d\n", runs, alarms.errors,
              alarms.slower_than, alarms.quantile, alarms.split);
  return alarms;
}

void expect_calibrated(const Scenario& scenario) {
  const Alarms alarms = count_alarms(scenario);
  EXPECT_TRUE(compatible(alarms.errors, kRuns, 0.05)) << alarms.errors;
  EXPECT_TRUE(compatible(alarms.slower_than, kRuns, 0.05)) << alarms.slower_than;
  EXPECT_TRUE(compatible(alarms.quantile, kRuns, 0.05)) << alarms.quantile;
  EXPECT_TRUE(compatible(alarms.split, kRuns, kSplitAlpha)) << alarms.split;
}

TEST(FalseAlarms, IndependentRequests) { expect_calibrated({}); }

TEST(FalseAlarms, ARampWithDriftingLatency) {
  Scenario scenario;
  scenario.ramp = kRamp;
  scenario.drift = 0.3;
  expect_calibrated(scenario);
}

TEST(FalseAlarms, StallsOfOneArm) {
  Scenario scenario;
  scenario.stalls = true;
  expect_calibrated(scenario);
}

TEST(FalseAlarms, FewKeysWithMostOfTheRequests) {
  Scenario scenario;
  scenario.zipf = true;
  expect_calibrated(scenario);
}

TEST(FalseAlarms, AllOfThatAtOnce) {
  Scenario scenario;
  scenario.ramp = kRamp;
  scenario.drift = 0.3;
  scenario.stalls = true;
  scenario.zipf = true;
  expect_calibrated(scenario);
}

// What the simulated conditions do to a test that is not protected: they are hard enough.
TEST(FalseAlarms, WithoutTheFilterStallsFoolTheTest) {
  Scenario scenario;
  scenario.stalls = true;
  Judge naive;
  naive.gap = 0;
  const Alarms alarms = count_alarms(scenario, naive, 40);
  EXPECT_GT(alarms.errors, 20);
  EXPECT_GT(alarms.slower_than, 20);
}

TEST(FalseAlarms, AWrongSplitIsFound) {
  Scenario scenario;
  scenario.b_actual_share = 0.47;
  EXPECT_EQ(count_alarms(scenario, {}, 20).split, 20);
}

}  // namespace
}  // namespace duet::stats
