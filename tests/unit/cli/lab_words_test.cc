// From known answers to the sentence.
#include "host/cli/lab_words.h"

#include <gtest/gtest.h>

#include "host/cli/lab_evaluate.h"

namespace duet::cli {
namespace {

using bench::ArmPlan;

Claim claim_of_three() {
  Claim claim;
  claim.name = "fast";
  for (const char* name : {"a", "b", "c"}) {
    LabServer& arm = claim.arms.emplace_back();
    arm.name = name;
    arm.target = "-";
  }
  return claim;
}

// A closed loop on one connection, 12 rounds of 100 ms for each arm: each answer takes its arm's
// time, which divides 100 ms, to the nanosecond, so that an arm answers 1 s / time a second.
// `failing`: that part of the last arm's requests is answered 500.
BenchResult run_of(const bench::Plan& plan, const std::vector<Nanos>& times, double failing = 0,
                   Nanos lag = 0) {
  constexpr Nanos kBlock = 100 * kMillisecond;
  BenchResult result;
  bench::Schedule& schedule = result.schedule;
  schedule.closed = true;
  schedule.rounds = 12;
  for (std::uint32_t round = 0; round < schedule.rounds; ++round) {
    for (std::uint16_t arm = 0; arm < times.size(); ++arm) {
      const Nanos from = schedule.length;
      schedule.blocks.push_back({arm, round, from, from + kBlock});
      schedule.length += kBlock + 10 * kMillisecond;
      int number = 0;
      for (Nanos at = from; at <= from + kBlock; at += times[arm]) {
        bench::Sample sample;
        sample.due = at - lag;
        sample.tried = sample.sent = at;
        sample.done = at + times[arm];
        sample.block = static_cast<std::uint32_t>(schedule.blocks.size() - 1);
        sample.arm = arm;
        const bool bad = arm + 1u == times.size() && (number++ % 100) < 100 * failing;
        sample.outcome = bad ? bench::Outcome::kBadStatus : bench::Outcome::kAnswered;
        schedule.samples.push_back(sample);
      }
    }
  }
  result.rounds = {0, schedule.rounds};
  std::vector<bench::ArmRounds> rounds;
  for (std::uint16_t arm = 0; arm < times.size(); ++arm) {
    rounds.push_back(bench::arm_rounds(schedule, arm, result.rounds));
    result.arms.push_back(bench::summarize(schedule, arm, result.rounds));
  }
  result.comparison = bench::compare(rounds, {.closed = true, .seed = 1});
  result.warm_up.state = bench::WarmUp::State::kSteady;
  result.states.resize(plan.arms.size());
  result.trouble.resize(plan.arms.size());
  result.gone.resize(plan.arms.size());
  return result;
}

bench::Plan plan_of(const Claim& claim, const std::vector<std::size_t>& arms, bool copy = false) {
  bench::Plan plan;
  plan.schedule.arrivals = bench::Arrivals::kClosed;
  for (const std::size_t arm : arms) {
    plan.arms.push_back({claim.arms[arm].name, "-", ArmPlan::Kind::kHandler});
  }
  if (copy) {
    plan.arms.push_back({"a (A/A)", "-", ArmPlan::Kind::kHandler});
    plan.arms.back().is_copy = true;
  }
  return plan;
}

LabCompare compare_of(std::size_t arm, std::optional<std::size_t> than, std::string_view figure,
                      std::string_view claimed) {
  return {"", arm, than, *lab_figure(figure), *parse_claimed(claimed)};
}

std::string sentence(const LabCompare& compare, const std::vector<Nanos>& times,
                     double failing = 0) {
  const Claim claim = claim_of_three();
  LabRun run;
  run.compares = {compare};
  const std::vector<std::size_t> arms = {0, 1};
  const bench::Plan plan = plan_of(claim, arms, times.size() > 2);
  const BenchResult result = run_of(plan, times, failing);
  LabRunResult into;
  evaluate_load(claim, run, arms, plan, result, into);
  return into.compares.empty() ? "" : here_words(into.compares[0]);
}

constexpr Nanos kFast = 100 * kMicrosecond, kSlow = 400 * kMicrosecond;

TEST(LabWords, KnownAnswersGiveTheSentence) {
  struct Case {
    LabCompare compare;
    std::vector<Nanos> times;  // of a and b
    std::string_view says;
  };
  const Case cases[] = {
      {compare_of(0, 1, "throughput", "4x"),
       {kFast, kSlow},
       "a answers 4.00 times as many requests a second as b: as claimed (4x)"},
      {compare_of(0, 1, "throughput", "5x"),
       {kFast, kSlow},
       "a answers 4.00 times as many requests a second as b: in that direction, but less than "
       "claimed (5x)"},
      {compare_of(0, 1, "throughput", "2x"),
       {kFast, kSlow},
       "a answers 4.00 times as many requests a second as b: more than claimed (2x)"},
      {compare_of(0, 1, "throughput", "3x"),
       {kSlow, kFast},
       "b answers 4.00 times as many requests a second as a: the other way round (3x)"},
      {compare_of(0, 1, "throughput", "3x"),
       {kFast, kFast},
       "a answers 1.00 times as many requests a second as b: no difference to be seen (3x)"},
      {compare_of(0, 1, "p50", "2x..10x"),
       {kFast, kSlow},
       "b takes 4.00 times as long as a at p50: as claimed (2x..10x)"},
      {compare_of(0, std::nullopt, "throughput", "15k"),
       {kFast, kSlow},
       "a answers 10,000 requests a second: less than claimed (15k)"},
      {compare_of(1, std::nullopt, "p99", "< 20ms"),
       {kFast, kSlow},
       "b answers in 400 µs at p99: as claimed (< 20ms)"},
  };
  for (const Case& one : cases) EXPECT_EQ(sentence(one.compare, one.times), one.says);
}

// As if the interval were wider by as much as the A/A arm is off: what it still excludes is
// excluded.
TEST(LabWords, AnArmThatDiffersFromItselfTakesAwayOnlyWhatItMakesDoubtful) {
  const Nanos a = 100 * kMicrosecond, b = 125 * kMicrosecond, copy = 160 * kMicrosecond;
  EXPECT_EQ(sentence(compare_of(0, 1, "throughput", "3x"), {a, b, copy}),
            "a answers 1.25 times as many requests a second as b: no difference to be seen, for an "
            "arm differs from itself by up to 60.0% (3x)");
}

TEST(LabWords, WhoFailsIsNotCompared) {
  EXPECT_EQ(sentence(compare_of(0, 1, "throughput", "3x"), {kFast, kSlow}, 1),
            "requests a second of a beside b is not known: 100% of the requests to b fail");
}

// A latency that consists of the generator's lag is void; but it is no more than with that lag.
TEST(LabWords, WhatIsBelowALimitWithTheLagInItIsBelowIt) {
  const Claim claim = claim_of_three();
  const std::vector<std::size_t> arms = {0};
  const bench::Plan plan = plan_of(claim, arms);
  const BenchResult result = run_of(plan, {kFast}, 0, 900 * kMicrosecond);
  const auto said = [&](std::string_view claimed) {
    LabRun run;
    run.compares = {compare_of(0, std::nullopt, "p99", claimed)};
    LabRunResult into;
    evaluate_load(claim, run, arms, plan, result, into);
    return here_words(into.compares[0]);
  };
  EXPECT_EQ(said("< 20ms"), "a answers in at most 1.0 ms at p99: as claimed (< 20ms)");
  EXPECT_EQ(said("< 500us"), "latency p99 of a is not known: void: the generator lagged");
}

TEST(LabWords, ADifferenceThatAnArmShowsToItselfIsNone) {
  // The copy of a is 60% slower than a, so that b, which is 25% slower, may be no slower at all.
  EXPECT_EQ(sentence(compare_of(0, 1, "throughput", "> 1x"),
                     {100 * kMicrosecond, 125 * kMicrosecond, 160 * kMicrosecond}),
            "a answers 1.25 times as many requests a second as b: cannot tell, for an arm differs "
            "from itself by up to 60.0% (> 1x)");
}

// What the one split of a run says in which the arms take 100, 200 and 500 us.
std::string split_of(const Claim& claim, LabSplit split, const std::vector<std::size_t>& arms) {
  LabRun run;
  run.splits = {std::move(split)};
  const bench::Plan plan = plan_of(claim, arms);
  LabRunResult into;
  evaluate_load(claim, run, arms, plan,
                run_of(plan, {100 * kMicrosecond, 200 * kMicrosecond, 500 * kMicrosecond}), into);
  return into.splits.size() == 1 ? split_words(into.splits[0]) : "not one split";
}

TEST(LabWords, ASplitIsAProduct) {
  EXPECT_EQ(split_of(claim_of_three(),
                     {{2, 1, 0}, {"language", "server"}, *lab_figure("throughput")}, {0, 1, 2}),
            "5.00 (5.00) times from c to a = language 2.50 (2.50) x server 2.00 (2.00)");
}

TEST(LabWords, AStepOverAMissingArmBelongsToTheNext) {
  Claim claim = claim_of_three();
  claim.arms.push_back({"d", "-", false, {}});
  EXPECT_EQ(split_of(claim, {{3, 2, 1, 0}, {"one", "two", "three"}, *lab_figure("throughput")},
                     {0, 1, 3}),
            "5.00 (5.00) times from d to a = one with two 2.50 (2.50) x three 2.00 (2.00)");
}

TEST(LabWords, ColdStartsAreComparedRoundByRound) {
  const Claim claim = claim_of_three();
  LabRun run;
  run.compares = {compare_of(0, 1, "first_answer", "50ms"), compare_of(0, 1, "first_answer", "3x")};
  ColdResult result;
  result.arms.resize(2);
  for (Nanos round = 0; round < 8; ++round) {
    result.arms[0].push_back({(40 + round) * kMillisecond, std::nullopt});
    result.arms[1].push_back({(100 + round) * kMillisecond, std::nullopt});
  }
  LabRunResult into;
  evaluate_cold(claim, run, {0, 1}, result, into);
  ASSERT_EQ(into.compares.size(), 2u);
  EXPECT_EQ(here_words(into.compares[0]),
            "a gives its first answer 60 ms sooner than b: more than claimed (50ms)");
  EXPECT_TRUE(here_words(into.compares[1])
                  .starts_with("b takes 2.27 to 2.50 times as long to its first answer as a: in "
                               "that direction, but less"))
      << here_words(into.compares[1]);
}

TEST(LabWords, IntervalsAreRoundedOutward) {
  LabCompared compared;
  compared.arm = "a";
  compared.than = "b";
  compared.figure = *lab_figure("throughput");
  compared.value = {2.345, stats::BlockInterval{2.341, 2.349}, ""};
  EXPECT_EQ(measured_words(compared),
            "a answers 2.34 to 2.35 times as many requests a second as b");
  EXPECT_EQ(value_cell(compared), "2.34x to 2.35x");
  compared.value.interval = {12.34, 145.2};
  EXPECT_EQ(value_cell(compared), "12.3x to 146x");
}

}  // namespace
}  // namespace duet::cli
