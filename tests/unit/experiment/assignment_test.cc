#include "host/experiment/assignment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace duet::experiment {
namespace {

Split split_of(const std::vector<double>& weights, std::size_t control = 0) {
  auto split = Split::create(weights, control);
  EXPECT_TRUE(split.ok()) << split.error().to_string();
  return *split;
}

std::string key(int i) { return "visitor-" + std::to_string(i); }

// Computed by an independent implementation: they must never change, or everybody moves.
TEST(Assignment, TheHashIsTheDocumentedOne) {
  EXPECT_EQ(hash_key("", ""), 0x25fc6dd36ce04b20u);
  EXPECT_EQ(hash_key("country-2026", "visitor-1"), 0xc6c75ae9488d48dcu);
  EXPECT_EQ(hash_key("s", std::string_view("\xff\x00\x80", 3)), 0x2ac74cef718c620fu);
  EXPECT_NE(hash_key("a", "bc"), hash_key("ab", "c"));
}

TEST(Assignment, SharesAreWhatWasConfigured) {
  for (const std::vector<double>& weights :
       {std::vector<double>{9, 1}, {50, 25, 25}, {1, 1, 1, 1}, {10, 60, 20, 10}, {0, 1}, {1, 0}}) {
    const Split split = split_of(weights);
    constexpr int kKeys = 200000;
    std::vector<double> counts(weights.size());
    for (int i = 0; i < kKeys; ++i) ++counts[split.variant(hash_key("salt", key(i)))];
    for (std::size_t v = 0; v < weights.size(); ++v) {
      const double p = split.share(v);
      const double sigma = std::sqrt(p * (1 - p) / kKeys);
      EXPECT_NEAR(counts[v] / kKeys, p, 4.5 * sigma + 1e-9) << v;
    }
  }
}

// From `before` to `after`, with the control's weight the remainder of 100.
void expect_nobody_leaves(const std::vector<double>& before, const std::vector<double>& after) {
  const Split first = split_of(before);
  const Split second = split_of(after);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t hash = hash_key("salt", key(i));
    const std::size_t variant = first.variant(hash);
    if (variant == 0) continue;
    ASSERT_EQ(second.variant(hash), variant) << key(i);
  }
}

TEST(Assignment, RaisingAWeightMovesNobodyWhoIsIn) {
  expect_nobody_leaves({90, 10}, {80, 20});
  expect_nobody_leaves({99, 1}, {0, 100});
  expect_nobody_leaves({80, 10, 10}, {10, 10, 80});
  expect_nobody_leaves({80, 10, 10}, {0, 55, 45});
  expect_nobody_leaves({97, 1, 1, 1}, {25, 25, 25, 25});
  expect_nobody_leaves({85, 5, 5, 5}, {70, 20, 5, 5});
}

TEST(Assignment, WeightsThatCannotBe) {
  for (const std::vector<double>& weights : {std::vector<double>{},
                                             {0, 0},
                                             {1, -1},
                                             {1, NAN},
                                             {1, INFINITY},
                                             {1e308, 1e308},
                                             std::vector<double>(65, 1)}) {
    const auto split = Split::create(weights, 0);
    ASSERT_FALSE(split.ok());
    EXPECT_FALSE(split.error().message.empty());
  }
  EXPECT_FALSE(Split::create(std::vector<double>{1, 1}, 2).ok());
  EXPECT_NE(Split::create(std::vector<double>{0, 0}, 0).error().message.find("add up to 0"),
            std::string::npos);
}

TEST(Assignment, ParticipationIsIndependentOfTheVariantAndOnlyGrows) {
  const Split split = split_of({1, 1});
  int in_ten = 0, of_b = 0, held = 0;
  for (int i = 0; i < 50000; ++i) {
    const bool ten = takes_part({.eligible = 0.1}, "salt", key(i));
    if (ten) {
      ++in_ten;
      of_b += split.variant(hash_key("salt", key(i))) == 1;
      EXPECT_TRUE(takes_part({.eligible = 0.2}, "salt", key(i)));
    }
    held += !takes_part({.holdout = 0.05}, "salt", key(i));
  }
  EXPECT_NEAR(in_ten, 5000, 300);
  EXPECT_NEAR(of_b, in_ten / 2, 200);
  EXPECT_NEAR(held, 2500, 220);
  EXPECT_TRUE(takes_part({}, "salt", "anybody"));
  EXPECT_FALSE(takes_part({.holdout = 1}, "salt", "anybody"));
}

}  // namespace
}  // namespace duet::experiment
