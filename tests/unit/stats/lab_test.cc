// The lab's analyses: shift function and change points.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "host/stats/change_points.h"
#include "host/stats/shift_function.h"

namespace duet::stats {
namespace {

// Blocks whose level wanders, both arms alike; arm b is `slower` times a.
std::vector<PairedBlock> blocks_of(std::size_t count, double slower, std::mt19937_64& random) {
  std::vector<PairedBlock> blocks;
  std::normal_distribution<double> normal;
  for (std::size_t i = 0; i < count; ++i) {
    PairedBlock block{std::vector<double>(400), std::vector<double>(400)};
    const double level = 10 * std::exp(0.1 * normal(random));
    for (int k = 0; k < 200; ++k) {
      const auto bucket = [&](double value) {
        return std::min<std::size_t>(399, static_cast<std::size_t>(value * 10));
      };
      ++block.a[bucket(level * std::exp(0.2 * normal(random)))];
      ++block.b[bucket(slower * level * std::exp(0.2 * normal(random)))];
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

std::vector<double> edges() {
  std::vector<double> edges;
  for (int i = 0; i <= 400; ++i) edges.push_back(i * 0.1);
  return edges;
}

constexpr double kPs[] = {0.1, 0.25, 0.5, 0.75, 0.9, 0.99};

TEST(ShiftFunction, HoldsTheTrueDifference) {
  std::mt19937_64 random(3);
  const auto points = shift_function(blocks_of(60, 1.1, random), edges(), kPs);
  ASSERT_TRUE(points.ok()) << points.error().to_string();
  ASSERT_EQ(points->size(), 6u);
  const ShiftPoint& median = (*points)[2];
  EXPECT_NEAR(median.a, 10, 0.5);
  EXPECT_LT(median.low, 1);
  EXPECT_GT(median.high, 1);
  EXPECT_GT(median.low, 0.5);
  EXPECT_GT(points->back().high - points->back().low, median.high - median.low);
}

TEST(ShiftFunction, TheBandHoldsEverywhereAtOnce) {
  std::mt19937_64 random(4);
  int missed = 0;
  for (int run = 0; run < 100; ++run) {
    ShiftOptions options;
    options.resamples = 300;
    const auto points = shift_function(blocks_of(40, 1, random), edges(), kPs, options);
    ASSERT_TRUE(points.ok());
    bool inside = true;
    for (const ShiftPoint& point : *points) inside = inside && point.low <= 0 && point.high >= 0;
    missed += !inside;
  }
  EXPECT_LE(missed, 12);  // compatible with 5 of 100 at the 1% level, with a bootstrap's slack
}

TEST(ShiftFunction, TheSameSeedGivesTheSameBand) {
  std::mt19937_64 random(5);
  const auto blocks = blocks_of(12, 1.3, random);
  const auto first = shift_function(blocks, edges(), kPs);
  const auto second = shift_function(blocks, edges(), kPs);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ((*first)[3].low, (*second)[3].low);
}

TEST(ShiftFunction, SaysWhatIsMissing) {
  std::mt19937_64 random(6);
  auto blocks = blocks_of(9, 1, random);
  EXPECT_NE(shift_function(blocks, edges(), kPs).error().message.find("only 9 blocks"),
            std::string::npos);
  blocks = blocks_of(10, 1, random);
  EXPECT_FALSE(shift_function(blocks, std::vector<double>{1, 2}, kPs).ok());
  const double wrong[] = {1.0};
  EXPECT_FALSE(shift_function(blocks, edges(), wrong).ok());
  for (PairedBlock& block : blocks) block.b.assign(400, 0);
  EXPECT_NE(shift_function(blocks, edges(), kPs).error().message.find("no observations"),
            std::string::npos);
}

std::vector<double> series(std::initializer_list<std::pair<int, double>> levels, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (const auto& [count, level] : levels) {
    for (int i = 0; i < count; ++i) values.push_back(level + 0.01 * level * normal(random));
  }
  return values;
}

TEST(ChangePoints, AreFoundWhereTheyAre) {
  const auto points = change_points(series({{60, 10}, {100, 8}, {200, 7}}, 1));
  ASSERT_EQ(points.size(), 2u);
  EXPECT_NEAR(static_cast<double>(points[0]), 60, 2);
  EXPECT_NEAR(static_cast<double>(points[1]), 160, 2);
}

TEST(ChangePoints, NoiseHasNone) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    EXPECT_TRUE(change_points(series({{300, 10}}, seed)).empty()) << seed;
  }
  EXPECT_TRUE(change_points(std::vector<double>(100, 5.0)).empty());
  EXPECT_TRUE(change_points(std::vector<double>{}).empty());
  EXPECT_TRUE(change_points(std::vector<double>(100, NAN)).empty());
}

TEST(ChangePoints, WarmUpEndsInASteadyState) {
  const auto state = steady_state(series({{60, 10}, {300, 7}}, 2));
  ASSERT_TRUE(state);
  EXPECT_NEAR(static_cast<double>(state->from), 60, 2);
  EXPECT_NEAR(state->level, 7, 0.05);
  EXPECT_FALSE(state->slower);
  EXPECT_TRUE(steady_state(series({{60, 7}, {300, 10}}, 2))->slower);
  EXPECT_EQ(steady_state(series({{100, 7}}, 2))->from, 0u);
  const auto stalled = steady_state(series({{60, 7}, {20, 900}, {60, 7}}, 2));
  EXPECT_EQ(stalled->from, 0u);
  EXPECT_NEAR(stalled->level, 7, 0.05);
}

TEST(ChangePoints, WhatEndsWithAChangeIsNotSteady) {
  EXPECT_FALSE(steady_state(series({{300, 7}, {40, 9}}, 2)));
  EXPECT_FALSE(steady_state(series({{10, 7}}, 2)));
}

}  // namespace
}  // namespace duet::stats
