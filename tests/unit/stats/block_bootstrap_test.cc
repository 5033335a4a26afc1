// Intervals by resampling blocks, held against simulated runs whose truth is known: blocks whose
// level wanders with a memory, as a shared machine's does, both arms of a round alike but for a
// noise of their own. Their seeds are none that a constant was chosen by.
#include "host/stats/block_bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace duet::stats {
namespace {

constexpr double kSpread = 0.5;                 // of a request, log-normal
constexpr double kLevel = 0.10, kMemory = 0.6;  // of a round's level: deviation, correlation
constexpr double kOwn = 0.03;                   // of one arm's block beside the other's
constexpr BootstrapOptions kFast{.resamples = 600};

struct Pair {
  BlockedSample a, b;
};

// Arm b takes `slower` times as long. A median of 1.
Pair run_of(std::uint32_t blocks, int requests, double slower, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Observation> a, b;
  double level = kLevel * normal(random);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    for (auto* arm : {&a, &b}) {
      const double own = level + kOwn * normal(random) + (arm == &b ? std::log(slower) : 0);
      for (int i = 0; i < requests; ++i) {
        arm->push_back({std::exp(own + kSpread * normal(random)), block});
      }
    }
    level = kMemory * level + kLevel * std::sqrt(1 - kMemory * kMemory) * normal(random);
  }
  return {{std::move(a), blocks}, {std::move(b), blocks}};
}

std::optional<BlockInterval> ratio_interval(const Pair& run, double p) {
  std::vector<double> ratios = run.b.block_quantiles(p);
  const std::vector<double> of_a = run.a.block_quantiles(p);
  for (std::size_t i = 0; i < ratios.size(); ++i) ratios[i] = std::log(ratios[i] / of_a[i]);
  return block_interval(
      run.a.blocks(), dependence(ratios),
      [&](Draw draw) { return run.b.quantile(p, draw) / run.a.quantile(p, draw); }, kFast);
}

bool holds(const std::optional<BlockInterval>& interval, double truth) {
  return interval && interval->low <= truth && truth <= interval->high;
}

TEST(BlockBootstrap, RatiosCoverTheTruthIn180Of200Runs) {
  for (const double p : {0.5, 0.99}) {
    int covered = 0;
    for (std::uint64_t seed = 80'000; seed < 80'200; ++seed) {
      covered += holds(ratio_interval(run_of(40, 60, 1.05, seed), p), 1.05);
    }
    EXPECT_GE(covered, 180) << p;
    EXPECT_LT(covered, 200) << p << ": so wide that it says nothing";
  }
}

TEST(BlockBootstrap, FiguresOfOneArmCoverTheTruthIn180Of200RunsThoughItsLevelWanders) {
  const double deviation = std::sqrt(kSpread * kSpread + kLevel * kLevel + kOwn * kOwn);
  int median = 0, p90 = 0, mean = 0;
  for (std::uint64_t seed = 80'000; seed < 80'200; ++seed) {
    const BlockedSample a = run_of(80, 40, 1, seed).a;
    const auto of = [&](std::vector<double> blocks, const std::function<double(Draw)>& figure) {
      return block_interval(a.blocks(), dependence(blocks), figure, kFast);
    };
    median += holds(of(a.block_quantiles(0.5), [&](Draw d) { return a.quantile(0.5, d); }), 1);
    p90 += holds(of(a.block_quantiles(0.9), [&](Draw d) { return a.quantile(0.9, d); }),
                 std::exp(1.2816 * deviation));
    mean += holds(of(a.block_means(), [&](Draw d) { return a.mean(d); }),
                  std::exp(deviation * deviation / 2));
  }
  EXPECT_GE(median, 180);
  EXPECT_GE(p90, 180);
  EXPECT_GE(mean, 180);
}

TEST(BlockBootstrap, AnArmAgainstItselfDiffersInAtMost18Of200Runs) {
  int median = 0, p99 = 0;
  for (std::uint64_t seed = 80'000; seed < 80'200; ++seed) {
    const Pair run = run_of(40, 60, 1, seed);
    median += !holds(ratio_interval(run, 0.5), 1);
    p99 += !holds(ratio_interval(run, 0.99), 1);
  }
  EXPECT_LE(median, 18);
  EXPECT_LE(p99, 18);
}

// 30 s at 2,000 a second, in turn to two arms and the first one again.
TEST(BlockBootstrap, FivePercentAtTheMedianAreFoundIn80PercentOfRunsOf30Seconds) {
  int found = 0;
  constexpr int kRuns = 40;
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const auto interval = ratio_interval(run_of(40, 500, 1.05, seed), 0.5);
    found += interval && interval->low > 1;
  }
  EXPECT_GE(found, kRuns * 8 / 10);
}

TEST(BlockBootstrap, QuantilesAreOfNearestRankWhateverIsDrawn) {
  std::vector<Observation> observations;
  for (std::uint32_t i = 0; i < 1000; ++i) observations.push_back({1000.0 - i, i % 10});
  const BlockedSample sample(observations, 10);
  EXPECT_EQ(sample.size(), 1000u);
  EXPECT_EQ(sample.quantile(0.5), 500);
  EXPECT_EQ(sample.quantile(0.99), 990);
  EXPECT_EQ(sample.quantile(1), 1000);
  EXPECT_EQ(sample.mean(), 500.5);
  // Block 0 has 10, 20, ... 1000; twice as often does not move its quantiles.
  std::vector<std::uint32_t> draw(10);
  EXPECT_TRUE(std::isnan(sample.quantile(0.5, draw)));
  for (const std::uint32_t times : {1u, 2u}) {
    draw[0] = times;
    EXPECT_EQ(sample.quantile(0.5, draw), 500);
    EXPECT_EQ(sample.quantile(1, draw), 1000);
    EXPECT_EQ(sample.quantile(0.01, draw), 10);
  }
  EXPECT_EQ(sample.block_quantiles(0.5)[0], 500);
  EXPECT_EQ(sample.block_means()[1], 504);
}

TEST(BlockBootstrap, CountsAreAsGoodAsRepetition) {
  const BlockedSample each({{1, 0}, {1, 0}, {1, 0}, {5, 1}}, 2), counted({{1, 0, 3}, {5, 1, 1}}, 2);
  for (const double p : {0.25, 0.75, 0.76, 1.0}) EXPECT_EQ(each.quantile(p), counted.quantile(p));
  EXPECT_EQ(each.mean(), counted.mean());
  EXPECT_EQ(each.block_quantiles(0.9), counted.block_quantiles(0.9));
}

TEST(BlockBootstrap, WhatNeverCameIsSlowerThanAll) {
  const double never = std::numeric_limits<double>::infinity();
  const BlockedSample sample({{1, 0}, {2, 0}, {never, 0}, {3, 1}}, 2);
  EXPECT_EQ(sample.quantile(0.75), 3);
  EXPECT_EQ(sample.quantile(1), never);
  EXPECT_EQ(sample.mean(), never);
  EXPECT_EQ(sample.mean(std::vector<std::uint32_t>{0, 4}), 3);
}

TEST(BlockBootstrap, TooFewBlocksHaveNoInterval) {
  const Pair run = run_of(9, 100, 1, 1);
  EXPECT_FALSE(ratio_interval(run, 0.5));
  EXPECT_TRUE(ratio_interval(run_of(10, 100, 1, 1), 0.5));
}

TEST(BlockBootstrap, TheSameSeedGivesTheSameInterval) {
  const Pair run = run_of(40, 60, 1, 1);
  EXPECT_EQ(ratio_interval(run, 0.5)->low, ratio_interval(run, 0.5)->low);
}

TEST(BlockBootstrap, NeighboursThatResembleEachOtherAreDrawnTogether) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> independent, remembering;
  double level = 0;
  for (int i = 0; i < 200; ++i) {
    independent.push_back(normal(random));
    level = 0.9 * level + normal(random);
    remembering.push_back(level);
  }
  EXPECT_EQ(dependence(independent).length, 1u);
  EXPECT_EQ(dependence(independent).widen, 1);
  EXPECT_GE(dependence(remembering).length, 10u);
  EXPECT_LE(dependence(remembering).length, 40u);
  EXPECT_GT(dependence(remembering).widen, 1.1);
  EXPECT_EQ(dependence(std::vector<double>(50, 0.3)).length, 1u);
  EXPECT_EQ(dependence(std::vector<double>(50, NAN)).length, 1u);
}

TEST(BlockBootstrap, StudentsQuantilesAreThoseOfTheTables) {
  EXPECT_NEAR(student_quantile(0.975, 4), 2.776, 0.014);
  EXPECT_NEAR(student_quantile(0.975, 9), 2.262, 0.003);
  EXPECT_NEAR(student_quantile(0.975, 39), 2.023, 0.001);
  EXPECT_NEAR(student_quantile(0.5, 9), 0, 1e-9);
}

}  // namespace
}  // namespace duet::stats
