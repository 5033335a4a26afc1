// A worse handler: after how many requests is it called?
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tests/stats/comparison.h"

namespace duet::stats {
namespace {

template <class Found>
std::size_t median_of(int runs, const Scenario& scenario, const Judge& judge, Found found) {
  std::vector<std::size_t> when;
  for (int run = 0; run < runs; ++run) {
    when.push_back(found(run_comparison(scenario, 5000 + static_cast<std::uint64_t>(run), judge)));
  }
  std::sort(when.begin(), when.end());
  return when[when.size() / 2];
}

constexpr int kExperiments = kRuns / 5 | 1;

TEST(Power, TenPercentSlowerIsFoundAtTheP99) {
  Scenario scenario;
  scenario.requests = 60000;
  scenario.b_slower = 1.1;
  const std::size_t median = median_of(kExperiments, scenario, {},
                                       [](const Calls& calls) { return calls.quantile_against_b; });
  std::printf("10%% slower at p99: %zu requests an arm\n", median / 2);
  EXPECT_LE(median / 2, 20000u);
}

TEST(Power, TwiceTheErrorsAreFound) {
  Scenario scenario;
  scenario.requests = 30000;
  scenario.b_error_rate = 0.02;
  Judge judge;
  judge.alpha = 0.05 / 4;
  const std::size_t median = median_of(3 * kExperiments, scenario, judge,
                                       [](const Calls& calls) { return calls.errors_against_b; });
  std::printf("errors 1%% to 2%% at alpha/4: %zu requests of both arms\n", median);
  EXPECT_LE(median, 8000u);
}

}  // namespace
}  // namespace duet::stats
