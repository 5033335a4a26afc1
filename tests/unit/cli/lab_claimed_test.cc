// What is claimed, and what an interval says of it: a truth table.
#include "host/cli/lab_claimed.h"

#include <gtest/gtest.h>

#include <limits>

namespace duet::cli {
namespace {

using Unit = Claimed::Unit;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST(LabClaimed, IsReadAsItIsWritten) {
  struct Case {
    std::string_view text;
    Unit unit;
    double low, high;
  };
  const Case cases[] = {
      {"3x", Unit::kRatio, 3, 3},
      {" 2x..10x ", Unit::kRatio, 2, 10},
      {"0.9x .. 1.1x", Unit::kRatio, 0.9, 1.1},
      {"> 1x", Unit::kRatio, 1, kInfinite},
      {"<1.1x", Unit::kRatio, 0, 1.1},
      {"50ms", Unit::kTime, 50e6, 50e6},
      {"> 50ms", Unit::kTime, 50e6, kInfinite},
      {"< 1.5s", Unit::kTime, -kInfinite, 1.5e9},
      {"15000", Unit::kNumber, 15000, 15000},
      {"> 15k", Unit::kNumber, 15000, kInfinite},
  };
  for (const Case& one : cases) {
    const auto claimed = parse_claimed(one.text);
    ASSERT_TRUE(claimed) << one.text;
    EXPECT_EQ(claimed->unit, one.unit) << one.text;
    EXPECT_DOUBLE_EQ(claimed->low, one.low) << one.text;
    EXPECT_DOUBLE_EQ(claimed->high, one.high) << one.text;
  }
}

TEST(LabClaimed, NothingElseIs) {
  for (const std::string_view text : {"", "x", "three times", "3 times", "10x..2x", "2x..10ms",
                                      "2x..", "-3x", "> ", "nanx", "1e99x", "3x 4x"}) {
    const auto claimed = parse_claimed(text);
    ASSERT_FALSE(claimed) << text;
    EXPECT_NE(claimed.error().hint.find("\"3x\""), std::string::npos);
  }
}

TEST(LabClaimed, IsHeldAgainstWhatWasMeasured) {
  struct Case {
    std::string_view claimed;
    double low, high;
    Finding finding;
    bool compared = true;
  };
  const Case cases[] = {
      // A number.
      {"3x", 2.9, 3.1, Finding::kHolds},
      {"3x", 3.4, 3.5, Finding::kMore},
      {"3x", 3.1, 3.2, Finding::kHolds},  // a round number
      {"3x", 3.1, 4.4, Finding::kCannotTell},
      {"2x", 1.95, 1.98, Finding::kHolds},
      {"3x", 1.2, 1.4, Finding::kLess},
      {"3x", 0.9, 1.1, Finding::kNoDifference},
      {"3x", 0.4, 0.5, Finding::kReverse},
      {"3x", 0.8, 4, Finding::kCannotTell},
      {"3x", 2.1, 4.4, Finding::kHolds},
      {"3x", 1.5, 4, Finding::kCannotTell},
      {"3x", 2.5, 30, Finding::kCannotTell},
      {"1x", 0.9, 1.1, Finding::kHolds},
      {"1x", 1.2, 1.3, Finding::kFails},
      // A range.
      {"2x..10x", 2.5, 9, Finding::kHolds},
      {"2x..10x", 11, 12, Finding::kMore},
      {"2x..10x", 1.5, 1.6, Finding::kLess},
      {"2x..10x", 1.9, 2.1, Finding::kCannotTell},
      {"2x..10x", 0.99, 1.02, Finding::kNoDifference},
      {"2x..10x", 0.5, 0.6, Finding::kReverse},
      // "As good as": a range around no difference.
      {"0.9x..1.1x", 0.95, 1.05, Finding::kHolds},
      {"0.9x..1.1x", 0.3, 0.4, Finding::kFails},
      {"0.9x..1.1x", 1.05, 1.2, Finding::kCannotTell},
      // A direction.
      {"> 1x", 1.01, 1.05, Finding::kHolds},
      {"> 1x", 0.99, 1.05, Finding::kCannotTell},
      {"> 1x", 0.5, 0.6, Finding::kReverse},
      {"< 1x", 0.5, 0.6, Finding::kHolds},
      {"< 0.5x", 0.7, 0.8, Finding::kLess},
      {"< 0.5x", 1.1, 1.2, Finding::kReverse},
      {"0.5x", 0.2, 0.3, Finding::kMore},
      // A difference, by how much it is sooner.
      {"50ms", 45e6, 55e6, Finding::kHolds},
      {"50ms", 60e6, 70e6, Finding::kMore},
      {"50ms", 10e6, 20e6, Finding::kLess},
      {"50ms", -2e6, 3e6, Finding::kNoDifference},
      {"50ms", -30e6, -20e6, Finding::kReverse},
      // A figure by itself has no direction.
      {"< 20ms", 3e6, 4e6, Finding::kHolds, false},
      {"< 20ms", 30e6, 40e6, Finding::kFails, false},
      {"< 20ms", 10e6, 40e6, Finding::kCannotTell, false},
      {"15k", 14000, 16000, Finding::kHolds, false},
      {"15k", 20000, 21000, Finding::kFails, false},
  };
  for (const Case& one : cases) {
    const auto claimed = parse_claimed(one.claimed);
    ASSERT_TRUE(claimed) << one.claimed;
    EXPECT_EQ(finding_name(judge(*claimed, {one.low, one.high}, one.compared)),
              finding_name(one.finding))
        << one.claimed << " and " << one.low << " to " << one.high;
  }
}

}  // namespace
}  // namespace duet::cli
