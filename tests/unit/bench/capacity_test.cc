// The search for a capacity, on servers whose capacity is known.
#include "host/bench/capacity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/bench/random.h"

namespace duet::bench {
namespace {

constexpr Objective kObjective{.p = 0.99, .limit = 20 * kMillisecond};

// Trials of a server that passes half of them at `capacity`; `width`: how far around it chance
// rules, as a share. Also of good trials a few requests are slow, and bad ones are a burst of them.
Trial tried(double rate, double capacity, double width, Random& random) {
  const double good = 1 / (1 + std::exp((rate / capacity - 1) / width));
  if (random.uniform() < good) return {1000, random.below(3), false};
  return {1000, 50 + random.below(900), false};
}

TEST(CapacitySearch, EndsAreOnTheirSidesOfTheTruth) {
  int wrong = 0, settled = 0;
  double trials = 0, width = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const double capacity = 200 * std::pow(2, 9 * random.uniform());  // 200 to 100,000
    CapacitySearch search(kObjective, 1000, 1e6);
    while (!search.done()) search.add(tried(search.next_rate(), capacity, 0.02, random));
    trials += search.trials();
    if (!search.holds() || !search.fails()) continue;
    ++settled;
    width += std::log(search.fails()->rate / search.holds()->rate);
    wrong += search.holds()->rate > capacity || search.fails()->rate < capacity ? 1 : 0;
  }
  EXPECT_LE(wrong, 18);  // compatible with 5% of 200 at the 1% level
  EXPECT_GE(settled, 198);
  EXPECT_LT(trials / 200, 85);
  EXPECT_LT(std::exp(width / settled), 1.2);
}

// On a machine with other work trials disagree far around the capacity, and it is another one after
// a while. Then the ends are further from each other, but soon found.
TEST(CapacitySearch, TrialsThatDisagreeOverAWideRangeMoveTheEndsApart) {
  int wrong = 0;
  double trials = 0, width = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    const double most = 200 * std::pow(2, 9 * random.uniform()), least = 0.6 * most;
    double capacity = most;
    CapacitySearch search(kObjective, 1000, 1e6);
    while (!search.done()) {
      if (search.trials() % 20 == 0) capacity = least + (most - least) * random.uniform();
      search.add(tried(search.next_rate(), capacity, 0.1, random));
    }
    trials += search.trials();
    ASSERT_FALSE(search.gave_up()) << "seed " << seed;
    ASSERT_TRUE(search.holds() && search.fails()) << "seed " << seed;
    width += std::log(search.fails()->rate / search.holds()->rate);
    wrong += search.holds()->rate > most || search.fails()->rate < least ? 1 : 0;
  }
  EXPECT_LE(wrong, 18);
  EXPECT_LT(trials / 200, 100);
  EXPECT_LT(std::exp(width / 200), 2.2);
}

TEST(CapacitySearch, AStallNowAndThenIsNoCapacity) {
  // One trial in ten is a stall of a tenth of its requests: most trials pass, all of them together
  // do not, at any rate.
  Random random(3);
  CapacitySearch search(kObjective, 1000, 1e6);
  while (!search.done()) {
    search.add({1000, random.uniform() < 0.1 ? 150u : 0u, false});
  }
  EXPECT_FALSE(search.holds() && search.holds()->slow * 100 > search.holds()->requests);
}

TEST(CapacitySearch, ALateGeneratorIsNoFailureOfTheServer) {
  CapacitySearch search(kObjective, 1000, 1e6);
  while (!search.done()) {
    const bool late = search.next_rate() > 30'000;
    search.add({1000, late ? 500u : 0u, late});
  }
  EXPECT_TRUE(search.limited_by_generator());
  EXPECT_FALSE(search.fails());
  ASSERT_TRUE(search.holds());
  EXPECT_NEAR(search.holds()->rate, 30'000, 3'000);
}

TEST(CapacitySearch, AServerThatBecomesAnotherOneMeanwhileGivesNoContradiction) {
  int settled = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const double before = 200 * std::pow(2, 6 * random.uniform());
    const double after = before * std::pow(2, 4 * random.uniform() - 2);  // a quarter to four times
    const std::uint64_t changes = 5 + random.below(60);
    CapacitySearch search(kObjective, 1000, 1e6);
    while (!search.done()) {
      const double capacity = search.trials() < changes ? before : after;
      search.add(tried(search.next_rate(), capacity, 0.02, random));
    }
    if (!search.holds() || !search.fails()) continue;
    ++settled;
    EXPECT_LT(search.holds()->rate, search.fails()->rate) << "seed " << seed;
  }
  EXPECT_GE(settled, 297);
}

TEST(CapacitySearch, TheEndsOfTheScaleEndIt) {
  CapacitySearch fast(kObjective, 1000, 8000);
  while (!fast.done()) fast.add({1000, 0, false});
  ASSERT_TRUE(fast.holds());
  EXPECT_EQ(fast.holds()->rate, 8000);
  EXPECT_FALSE(fast.fails());

  CapacitySearch never(kObjective, 1000, 8000);
  while (!never.done()) never.add({10, 10, false});
  EXPECT_FALSE(never.holds());
  ASSERT_TRUE(never.fails());
  EXPECT_EQ(never.fails()->rate, 1);
}

}  // namespace
}  // namespace duet::bench
