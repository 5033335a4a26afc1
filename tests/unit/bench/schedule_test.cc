#include "host/bench/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace duet::bench {
namespace {

ScheduleOptions two_arms() {
  return {.rate = 1000, .duration = 20 * kSecond, .arms = 2, .texts = {1, 3}, .seed = 5};
}

TEST(Schedule, SameSeedSameScheduleAnotherSeedAnother) {
  ScheduleOptions options = two_arms();
  const Schedule one = *make_schedule(options), same = *make_schedule(options);
  options.seed = 6;
  const Schedule other = *make_schedule(options);
  ASSERT_EQ(one.samples.size(), same.samples.size());
  for (std::size_t i = 0; i < one.samples.size(); ++i) {
    ASSERT_EQ(one.samples[i].due, same.samples[i].due);
    ASSERT_EQ(one.samples[i].arm, same.samples[i].arm);
  }
  EXPECT_NE(one.samples[0].due, other.samples[0].due);
}

TEST(Schedule, EachRoundHasEachArmOnceInAnOrderThatChanges) {
  const Schedule schedule = *make_schedule(two_arms());
  ASSERT_EQ(schedule.blocks.size(), 2u * schedule.rounds);
  std::set<std::uint16_t> first;
  for (std::uint32_t round = 0; round < schedule.rounds; ++round) {
    const Block& a = schedule.blocks[2 * round];
    const Block& b = schedule.blocks[2 * round + 1];
    EXPECT_EQ(a.round, round);
    EXPECT_EQ(b.round, round);
    EXPECT_NE(a.arm, b.arm);
    EXPECT_LE(a.to, b.from);
    first.insert(a.arm);
  }
  EXPECT_EQ(first.size(), 2u);
}

TEST(Schedule, SamplesAscendWithinTheirBlocksAtTheRate) {
  for (const Arrivals arrivals : {Arrivals::kConstant, Arrivals::kPoisson}) {
    ScheduleOptions options = two_arms();
    options.arrivals = arrivals;
    const Schedule schedule = *make_schedule(options);
    EXPECT_TRUE(std::is_sorted(schedule.samples.begin(), schedule.samples.end(),
                               [](const Sample& a, const Sample& b) { return a.due < b.due; }));
    double loaded = 0;
    for (const Block& block : schedule.blocks) {
      loaded += static_cast<double>(block.to - block.from) / 1e9;
    }
    // Five standard deviations of a Poisson count.
    const double expected = loaded * options.rate;
    EXPECT_NEAR(static_cast<double>(schedule.samples.size()), expected, 5 * std::sqrt(expected));
    std::set<std::uint32_t> texts;
    for (const Sample& sample : schedule.samples) {
      const Block& block = schedule.blocks[sample.block];
      ASSERT_EQ(sample.arm, block.arm);
      ASSERT_GE(sample.due, block.from);
      ASSERT_LT(sample.due, block.to);
      if (sample.arm == 1) texts.insert(sample.text);
    }
    EXPECT_EQ(texts.size(), 3u);  // its requests take turns
  }
}

TEST(Schedule, SaysWhatCannotBeDone) {
  ScheduleOptions options = two_arms();
  options.rate = 1e9;
  const auto too_many = make_schedule(options);
  ASSERT_FALSE(too_many.ok());
  EXPECT_NE(too_many.error().to_string().find("--rate"), std::string::npos);
  options = two_arms();
  options.rate = 0;
  EXPECT_FALSE(make_schedule(options).ok());
  options = two_arms();
  options.block = 2 * kSecond;
  EXPECT_FALSE(make_schedule(options).ok());
  options = two_arms();
  options.duration = kMillisecond;
  EXPECT_FALSE(make_schedule(options).ok());
}

}  // namespace
}  // namespace duet::bench
