// From samples to figures with intervals, and to the sentence.
#include "host/bench/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/bench/random.h"
#include "host/bench/summary.h"
#include "host/bench/verdict.h"

namespace duet::bench {
namespace {

constexpr std::uint16_t kFirst = 0, kOther = 1, kCopy = 2;

// Three arms at 1,000 a second, 40 rounds; the second takes `slower` times as long. Latencies are
// uniform between 80 and 120 us. `lag`: of each request of the second arm.
Schedule run_of(double slower, std::uint64_t seed = 1, Nanos lag = 0, std::uint32_t rounds = 40) {
  ScheduleOptions options{
      .rate = 1000, .block = 100 * kMillisecond, .arms = 3, .texts = {1, 1, 1}, .seed = seed};
  options.duration = rounds * 3 * (options.block + options.gap);
  Schedule schedule = *make_schedule(options);
  Random random(seed);
  for (Sample& sample : schedule.samples) {
    const double base = 80e3 + 40e3 * random.uniform();
    const Nanos late = sample.arm == kOther ? lag : 0;
    sample.tried = sample.sent = sample.due + late;
    sample.done = sample.sent + static_cast<Nanos>(sample.arm == kOther ? slower * base : base);
    sample.outcome = Outcome::kAnswered;
  }
  return schedule;
}

Comparison compared(const Schedule& schedule) {
  std::vector<ArmRounds> arms;
  for (std::uint16_t arm = 0; arm < 3; ++arm) {
    arms.push_back(arm_rounds(schedule, arm, {0, schedule.rounds}));
  }
  return compare(arms, {});
}

std::vector<ArmVerdict> names() { return {{"a", false, 0}, {"b", false, 0}, {"a (A/A)", true, 0}}; }

TEST(Comparison, RatiosThatAreAskedForAreThoseOfTheseTwo) {
  const Schedule schedule = run_of(1.1);
  std::vector<ArmRounds> arms;
  for (std::uint16_t arm = 0; arm < 3; ++arm) {
    arms.push_back(arm_rounds(schedule, arm, {0, schedule.rounds}));
  }
  const Comparison comparison = compare(arms, {.pairs = {{kOther, kCopy}, {kFirst, kOther}}});
  ASSERT_EQ(comparison.pairs.size(), 2u);
  EXPECT_EQ(comparison.pairs[0].of, kOther);
  EXPECT_EQ(comparison.pairs[0].to, kCopy);
  const auto median = [&](std::size_t pair) {
    return comparison.pairs[pair].figures[static_cast<std::size_t>(Metric::kP50)];
  };
  ASSERT_TRUE(median(0).interval && median(1).interval);
  EXPECT_NEAR(median(0).value, 1.1, 0.02);
  EXPECT_LT(median(0).interval->low, 1.1);
  EXPECT_GT(median(0).interval->high, 1.1);
  EXPECT_NEAR(median(1).value, 1 / 1.1, 0.02);
  EXPECT_LT(median(1).interval->high, 1);
}

TEST(Comparison, ADifferenceIsFoundAndAsWideAsItsInterval) {
  const Comparison comparison = compared(run_of(1.1));
  const Figure& ratio = comparison.ratio(kOther, Metric::kP50);
  ASSERT_TRUE(ratio.interval);
  EXPECT_LT(ratio.interval->low, 1.1);
  EXPECT_GT(ratio.interval->high, 1.1);
  EXPECT_GT(ratio.interval->low, 1.08);
  EXPECT_NEAR(comparison.arm(kFirst, Metric::kP50).value, 100e3, 1e3);
  EXPECT_NEAR(comparison.arm(kFirst, Metric::kMean).value, 100e3, 1e3);
  const auto said = verdicts(comparison, names());
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].kind, Verdict::Kind::kSlower) << said[0].sentence;
  EXPECT_TRUE(said[0].sentence.starts_with("b is ")) << said[0].sentence;
  EXPECT_NE(said[0].sentence.find("% slower than a at p50 (95%; "), std::string::npos)
      << said[0].sentence;
  EXPECT_TRUE(said[0].sentence.ends_with("requests an arm; A/A clean)")) << said[0].sentence;
}

// Eight connections, each of whose requests takes 10 ms: 800 a second, in blocks that are only five
// times as long. What is in flight at a block's end is answered in the 10 ms behind it.
TEST(Comparison, TheThroughputOfAClosedLoopIsThatOfLongBlocks) {
  constexpr Nanos kTime = 10 * kMillisecond, kBlock = 50 * kMillisecond;
  Schedule schedule;
  schedule.closed = true;
  schedule.rounds = 12;
  for (std::uint32_t round = 0; round < schedule.rounds; ++round) {
    const Nanos from = round * 2 * kBlock;
    schedule.blocks.push_back({0, round, from, from + kBlock});
    for (Nanos at = from; at < from + kBlock; at += kTime) {
      for (int connection = 0; connection < 8; ++connection) {
        Sample sample;
        sample.due = sample.tried = sample.sent = at + connection;
        sample.done = sample.sent + kTime;
        sample.block = round;
        sample.outcome = Outcome::kAnswered;
        schedule.samples.push_back(sample);
      }
    }
  }
  // The last ones leave when the block ends.
  for (std::uint32_t round = 0; round < schedule.rounds; ++round) {
    for (int connection = 0; connection < 8; ++connection) {
      Sample sample;
      sample.due = sample.tried = sample.sent = schedule.blocks[round].to - 1;
      sample.done = sample.sent + kTime;
      sample.block = round;
      sample.outcome = Outcome::kAnswered;
      schedule.samples.push_back(sample);
    }
  }
  const Rounds all{0, schedule.rounds};
  const Comparison comparison = compare({arm_rounds(schedule, 0, all)}, {.closed = true});
  EXPECT_NEAR(comparison.arm(0, Metric::kThroughput).value, 800, 1);
  const Summary summary = summarize(schedule, 0, all);
  EXPECT_NEAR(static_cast<double>(summary.answered) * 1e9 / static_cast<double>(summary.loaded),
              800, 1);
}

TEST(Comparison, WhatIsAlikeIsNotCalled) {
  const auto said = verdicts(compared(run_of(1)), names());
  EXPECT_TRUE(said[0].kind == Verdict::Kind::kSame || said[0].kind == Verdict::Kind::kCannotTell)
      << said[0].sentence;
}

TEST(Comparison, AFewRequestsCannotTellAndSayHowManyWould) {
  const auto said = verdicts(compared(run_of(1.004, 2, 0, 12)), names());
  EXPECT_EQ(said[0].kind, Verdict::Kind::kCannotTell) << said[0].sentence;
  EXPECT_NE(said[0].sentence.find("more requests an arm are needed"), std::string::npos)
      << said[0].sentence;
}

TEST(Comparison, TooFewRoundsOrRequestsHaveNoInterval) {
  const Comparison rounds = compared(run_of(1.1, 1, 0, 5));
  EXPECT_EQ(rounds.ratio(kOther, Metric::kP50).missing, kTooFewRounds);
  EXPECT_NE(verdicts(rounds, names())[0].sentence.find("has 5 rounds, and it takes 10"),
            std::string::npos);
  const Comparison requests = compared(run_of(1.1));
  EXPECT_EQ(requests.ratio(kOther, Metric::kP999).missing, kTooFewRequests);
  EXPECT_TRUE(requests.ratio(kOther, Metric::kP99).interval);
}

TEST(Comparison, ALagThatMovesTheRatioVoidsIt) {
  const Comparison comparison = compared(run_of(1.1, 1, 5 * kMicrosecond));
  EXPECT_EQ(comparison.ratio(kOther, Metric::kP50).missing, kLagged);
  const auto said = verdicts(comparison, names());
  EXPECT_EQ(said[0].kind, Verdict::Kind::kVoid);
  EXPECT_NE(said[0].sentence.find("void: the generator lagged"), std::string::npos);
  EXPECT_TRUE(comparison.ratio(kCopy, Metric::kP50).interval);
}

TEST(Comparison, RequestsWithoutAnAnswerAreSlowerThanAny) {
  Schedule schedule = run_of(1);
  int left = 0;
  for (Sample& sample : schedule.samples) {
    if (sample.arm == kOther && ++left % 50 == 0) sample.outcome = Outcome::kTimeout;
  }
  const Comparison comparison = compared(schedule);
  EXPECT_TRUE(comparison.ratio(kOther, Metric::kP90).interval);
  EXPECT_EQ(comparison.arm(kOther, Metric::kP99).missing, kNoAnswer);
  EXPECT_EQ(comparison.ratio(kOther, Metric::kP99).missing, kNoAnswer);
}

TEST(Comparison, AnArmThatFailsIsNotCalledFast) {
  auto arms = names();
  arms[kOther].error_share = 0.2;
  const auto said = verdicts(compared(run_of(0.1)), arms);
  EXPECT_EQ(said[0].kind, Verdict::Kind::kVoid);
  EXPECT_EQ(said[0].sentence, "b and a are not compared: 20% of the requests to b fail");
}

// 1,000 a second on one connection of a server that takes 2 ms: 500 answers a second, and no CPU of
// a round that is that of its answers.
TEST(Comparison, OfARateBeyondReachNothingIsSaidThatOnlyHoldsBelowIt) {
  ScheduleOptions options{.arrivals = Arrivals::kConstant,
                          .rate = 1000,
                          .duration = 2 * kSecond,
                          .block = 100 * kMillisecond,
                          .gap = 0,
                          .arms = 1,
                          .texts = {1}};
  Schedule schedule = *make_schedule(options);
  Nanos free = 0;
  for (Sample& sample : schedule.samples) {
    sample.tried = sample.due;
    sample.sent = std::max(free, sample.due);
    sample.done = free = sample.sent + 2 * kMillisecond;
    sample.outcome = Outcome::kAnswered;
  }
  const Summary summary = summarize(schedule, 0);
  EXPECT_TRUE(summary.beyond_reach);
  EXPECT_NEAR(static_cast<double>(summary.loaded), 4e9, 10e6);
  const std::vector<double> cpu(schedule.rounds, 1e6);
  const ArmRounds rounds = arm_rounds(schedule, 0, {0, schedule.rounds}, cpu);
  const Comparison comparison = compare({rounds, rounds}, {});
  EXPECT_EQ(comparison.arm(0, Metric::kCpu).missing, kBeyondReach);
  EXPECT_FALSE(comparison.ratio(1, Metric::kCpu).interval);
  EXPECT_TRUE(comparison.arm(0, Metric::kP50).interval);  // so long they did wait
  const auto said = verdicts(comparison, {{"a", false, 0, true}, {"b"}});
  EXPECT_EQ(said[0].sentence, "b and a are not compared: the rate is beyond the reach of a");
  EXPECT_EQ(said[0].kind, Verdict::Kind::kVoid);
  // At a tenth of it all is well.
  for (Sample& sample : schedule.samples) {
    sample.sent = sample.due;
    sample.done = sample.due + kMillisecond / 5;
  }
  EXPECT_FALSE(summarize(schedule, 0).beyond_reach);
  EXPECT_EQ(summarize(schedule, 0).loaded, 2 * kSecond);
}

TEST(Comparison, ADifferenceNoLargerThanTheAaArmsIsNotCalled) {
  Comparison comparison = compared(run_of(1.05));
  Figure& copy = comparison.ratios[kCopy][static_cast<std::size_t>(Metric::kP50)];
  copy.interval = {1.04, 1.2};
  auto said = verdicts(comparison, names());
  EXPECT_EQ(said[0].kind, Verdict::Kind::kCannotTell);
  EXPECT_NE(said[0].sentence.find("a differs from itself by up to 20.0%"), std::string::npos)
      << said[0].sentence;
  copy.interval = {0.99, 1.02};
  said = verdicts(comparison, names());
  EXPECT_EQ(said[0].kind, Verdict::Kind::kSlower);
}

// Arms whose medians are so many times the first one's, each to within 3%; 0: the generator lagged.
Comparison of_ratios(const std::vector<double>& ratios) {
  Comparison comparison;
  comparison.rounds = 40;
  for (const double ratio : ratios) {
    comparison.arms.emplace_back();
    Figure& p50 = comparison.ratios.emplace_back()[static_cast<std::size_t>(Metric::kP50)];
    p50.value = ratio;
    if (ratio > 0) p50.interval = {0.97 * ratio, 1.03 * ratio};
    if (ratio == 0) p50.missing = kLagged;
    comparison.requests.push_back(10'000);
  }
  return comparison;
}

TEST(Comparison, OfManyTheFastestIsToldAndTheOthersAreListed) {
  const std::vector<ArmVerdict> arms = {{"a"}, {"b"}, {"c"}, {"d"},
                                        {"e"}, {"f"}, {"g"}, {"h", false, 0.5}};
  EXPECT_EQ(
      headlines(of_ratios({1, 1.2, 0.7, 0.4, 1, 2.5, 0, 0.1}), arms),
      (std::vector<std::string>{
          "d is 2.4 to 2.6 times as fast as a at p50 (95%; 10,000 requests an arm; no A/A "
          "arm)",
          "also faster: c (27-33%)", "slower: b (16-24%), f (2.4 to 2.6 times as slow)",
          "cannot tell: e (about 180,000 more requests an arm)",
          "not compared: g (void: the generator lagged), h (50% of the requests to h fail)"}));
  const std::vector<ArmVerdict> four = {{"a"}, {"b"}, {"c"}, {"d"}};
  EXPECT_EQ(headlines(of_ratios({1, 1.5, 1.2, 1.1}), four),
            (std::vector<std::string>{
                "a is faster than the other 3 at p50 (95%; 10,000 requests an arm; no A/A arm)",
                "slower: d (6-14%), c (16-24%), b (45-55%)"}));
  EXPECT_EQ(headlines(of_ratios({1, 0, 0, 0}), four),
            (std::vector<std::string>{
                "none of the other 3 is shown to be faster than a at p50 (95%; 10,000 requests an "
                "arm; no A/A arm)",
                "not compared (void: the generator lagged): b, c, d"}));
  // One or two have a sentence each.
  EXPECT_EQ(headlines(of_ratios({1, 1.5, 1.2}), {{"a"}, {"b"}, {"c"}}).size(), 2u);
  EXPECT_TRUE(headlines(of_ratios({1}), {{"a"}}).empty());
}

TEST(Comparison, TheAaRecordIsOfTheFiguresThatAreAskedFor) {
  Comparison comparison = of_ratios({1, 1.1, 1});
  comparison.ratios[kCopy][static_cast<std::size_t>(Metric::kCpu)].interval = {1.1, 1.2};
  EXPECT_EQ(aa_words(aa_record(comparison, names())), "A/A clean");
  const Metric cpu[] = {Metric::kCpu}, throughput[] = {Metric::kThroughput};
  EXPECT_EQ(aa_words(aa_record(comparison, names(), cpu)), "A/A differs at cpu");
  EXPECT_EQ(aa_words(aa_record(comparison, names(), throughput)), "A/A says nothing");
}

TEST(Comparison, RunsApartAreComparedWithBothUncertainties) {
  const ArmRounds old_run = arm_rounds(run_of(1, 1), kFirst, {0, 40});
  const ArmRounds new_run = arm_rounds(run_of(1.1, 2), kOther, {0, 30});
  const Comparison comparison = compare({old_run, new_run}, {.paired = false});
  const Figure& ratio = comparison.ratio(1, Metric::kP50);
  ASSERT_TRUE(ratio.interval);
  EXPECT_LT(ratio.interval->low, 1.1);
  EXPECT_GT(ratio.interval->high, 1.1);
  EXPECT_GT(ratio.interval->low, 1.07);
}

TEST(Comparison, CpuIsOfTheAnswersOfItsRounds) {
  const Schedule schedule = run_of(1);
  std::vector<double> cpu(schedule.rounds, 2e6);
  const ArmRounds arm = arm_rounds(schedule, kFirst, {10, 40}, cpu);
  double answers = 0;
  for (const RoundCounts& one : arm.counts) answers += one.answered;
  const Comparison comparison = compare({arm}, {});
  EXPECT_DOUBLE_EQ(comparison.arm(kFirst, Metric::kCpu).value, 30 * 2e6 / answers);
  EXPECT_TRUE(comparison.arm(kFirst, Metric::kCpu).interval);
  EXPECT_EQ(comparison.arm(kFirst, Metric::kThroughput).missing, kNotKnown);
}

TEST(WarmUp, EndsWhereTheLastLevelBegins) {
  Schedule schedule = run_of(1);
  for (Sample& sample : schedule.samples) {
    if (schedule.blocks[sample.block].round < 9 && sample.arm == kOther)
      sample.done += kMillisecond;
  }
  WarmUp found = warm_up(schedule, 3, {0, 40});
  EXPECT_EQ(found.state, WarmUp::State::kSteady);
  EXPECT_EQ(found.from, 9u);
  EXPECT_EQ(warm_up(schedule, 3, {12, 40}).from, 12u);
  for (Sample& sample : schedule.samples) {
    if (schedule.blocks[sample.block].round >= 34 && sample.arm == kOther) sample.done += kSecond;
  }
  found = warm_up(schedule, 3, {0, 40});
  EXPECT_EQ(found.state, WarmUp::State::kUnsteady);
  EXPECT_EQ(found.arm, kOther);
  EXPECT_EQ(warm_up(schedule, 3, {0, 12}).state, WarmUp::State::kTooShort);
}

TEST(WarmUp, AServerThatGoesDownHasNotWarmedUp) {
  Schedule schedule = run_of(1);
  for (Sample& sample : schedule.samples) {
    if (schedule.blocks[sample.block].round >= 24 && sample.arm == kOther) {
      sample.done = kNever;
      sample.outcome = Outcome::kRefused;
    }
  }
  const WarmUp found = warm_up(schedule, 3, {0, 40});
  EXPECT_EQ(found.state, WarmUp::State::kSteady);
  EXPECT_EQ(found.from, 0u);
  Nanos down = 0;  // the first request of the other arm in round 24
  for (const Sample& sample : schedule.samples) {
    if (down == 0 && sample.outcome == Outcome::kRefused) down = sample.due;
  }
  EXPECT_EQ(summarize(schedule, kOther).silent_from, down);
  EXPECT_EQ(summarize(schedule, kFirst).silent_from, kNever);
  for (Sample& sample : schedule.samples) sample.outcome = Outcome::kRefused;
  EXPECT_EQ(summarize(schedule, kFirst).silent_from, kNever);  // it never answered at all
}

TEST(Verdict, DifferencesInWordsAreRoundedOutward) {
  EXPECT_EQ(slower_words({1.0812, 1.1278}), "8-13% slower than");
  EXPECT_EQ(slower_words({1.0044, 1.0082}), "0.4-0.9% slower than");
  EXPECT_EQ(slower_words({0.7, 0.8}), "20-30% faster than");
  EXPECT_EQ(slower_words({2.14, 2.33}), "2.1 to 2.4 times as slow as");
  EXPECT_EQ(slower_words({0.25, 0.4}), "2.5 to 4.0 times as fast as");
}

TEST(Verdict, FourTimesTheRequestsHalveTheInterval) {
  const std::uint64_t few = requests_needed({0.95, 1.07}, 1.01, 1000);
  const std::uint64_t many = requests_needed({0.95, 1.07}, 1.01, 4000);
  EXPECT_NEAR(static_cast<double>(many) / static_cast<double>(few), 4, 0.2);
  EXPECT_GT(few, 10000u);
}

}  // namespace
}  // namespace duet::bench
