// Conditions of --fail-if: what they mean, and when they cannot be told.
#include "host/bench/condition.h"

#include <gtest/gtest.h>

#include <limits>

namespace duet::bench {
namespace {

using Kind = Judgement::Kind;

TEST(Condition, IsReadWithItsUnit) {
  EXPECT_EQ(parse_condition("p99 > 1.1x")->unit, Condition::Unit::kRatio);
  EXPECT_EQ(parse_condition("p99 > 1.1x")->metric, Metric::kP99);
  EXPECT_EQ(parse_condition("p99.9>20ms")->limit, 20e6);
  EXPECT_EQ(parse_condition("p99.9>20ms")->metric, Metric::kP999);
  EXPECT_EQ(parse_condition("cpu > 100 us")->limit, 100e3);
  EXPECT_EQ(parse_condition("throughput < 5000")->limit, 5000);
  EXPECT_FALSE(parse_condition("throughput < 5000")->above);
  EXPECT_FALSE(parse_condition("errors > 0")->metric);
  EXPECT_EQ(parse_condition("errors > 1%")->limit, 0.01);
  EXPECT_EQ(parse_condition(" p50 > 2x ")->text, "p50 > 2x");
}

TEST(Condition, WhatIsNoneSaysTheForm) {
  for (const char* text :
       {"p99", "p98 > 1x", "p99 > ", "p99 > 5", "p99 > 5%", "errors > 1.1x", "errors > 5ms",
        "throughput > 5ms", "p99 > -1x", "p99 > 5 minutes", ">"}) {
    const auto condition = parse_condition(text);
    ASSERT_FALSE(condition.ok()) << text;
    EXPECT_NE(condition.error().hint.find("'p99 > 1.1x'"), std::string::npos) << text;
  }
}

// Arm 1 has p99 at 1.15 to 1.25 times arm 0's, 23 to 25 ms; arm 2 is a copy of arm 0.
Comparison measured() {
  Comparison comparison;
  comparison.arms.resize(3);
  comparison.ratios.resize(3);
  const auto p99 = static_cast<std::size_t>(Metric::kP99);
  comparison.arms[0][p99] = {20e6, stats::BlockInterval{19e6, 21e6}, ""};
  comparison.arms[1][p99] = {24e6, stats::BlockInterval{23e6, 25e6}, ""};
  comparison.arms[2][p99] = {90e6, stats::BlockInterval{80e6, 99e6}, ""};
  comparison.ratios[1][p99] = {1.2, stats::BlockInterval{1.15, 1.25}, ""};
  comparison.ratios[2][p99] = {4.5, stats::BlockInterval{4, 5}, ""};
  const auto p999 = static_cast<std::size_t>(Metric::kP999);
  comparison.arms[1][p999].missing = comparison.ratios[1][p999].missing = kTooFewRequests;
  const auto p90 = static_cast<std::size_t>(Metric::kP90);
  comparison.arms[1][p90] = {std::numeric_limits<double>::infinity(), std::nullopt, kNoAnswer};
  return comparison;
}

std::vector<Kind> kinds(const char* text, std::uint64_t failed = 0) {
  std::vector<Kind> kinds;
  for (const Judgement& one :
       judge(*parse_condition(text), measured(), {{1000, 0}, {1000, failed}, {1000, 900}},
             {false, false, true})) {
    kinds.push_back(one.kind);
  }
  return kinds;
}

TEST(Condition, IsJudgedByTheWholeInterval) {
  EXPECT_EQ(kinds("p99 > 1.1x"), std::vector{Kind::kHolds});
  EXPECT_EQ(kinds("p99 > 1.2x"), std::vector{Kind::kCannotTell});
  EXPECT_EQ(kinds("p99 > 1.3x"), std::vector{Kind::kDoesNot});
  EXPECT_EQ(kinds("p99 < 1.3x"), std::vector{Kind::kHolds});
  EXPECT_EQ(kinds("p99 > 22ms"), (std::vector{Kind::kDoesNot, Kind::kHolds}));
  EXPECT_EQ(kinds("p99 > 20ms"), (std::vector{Kind::kCannotTell, Kind::kHolds}));
}

TEST(Condition, WhatHasNoIntervalCannotBeTold) {
  EXPECT_EQ(kinds("p99.9 > 1.1x"), std::vector{Kind::kCannotTell});
  EXPECT_EQ(kinds("p99 > 1.1x", 20), std::vector{Kind::kCannotTell});  // too many fail
  EXPECT_EQ(kinds("p90 > 1s")[1], Kind::kHolds);  // no answer is slower than all
}

TEST(Condition, ErrorsAreCountedAndTheirShareIsEstimated) {
  EXPECT_EQ(kinds("errors > 0"), (std::vector{Kind::kDoesNot, Kind::kDoesNot}));
  EXPECT_EQ(kinds("errors > 0", 1)[1], Kind::kHolds);
  EXPECT_EQ(kinds("errors > 1%", 3)[1], Kind::kDoesNot);
  EXPECT_EQ(kinds("errors > 1%", 12)[1], Kind::kCannotTell);
  EXPECT_EQ(kinds("errors > 1%", 30)[1], Kind::kHolds);
}

}  // namespace
}  // namespace duet::bench
