#include "host/experiment/answer_diff.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::experiment {
namespace {

constexpr std::string_view kJson = "Content-Type: application/json\r\n";

// "field: first -> second" for each difference.
std::string differ(const Answer& first, const Answer& second,
                   const std::vector<std::string>& rules = {}) {
  std::string text;
  for (const Difference& one : differences(first, second, IgnoreRules(rules))) {
    text += one.field + ": " + one.first + " -> " + one.second + "\n";
  }
  return text;
}

std::string bodies(std::string_view first, std::string_view second,
                   const std::vector<std::string>& rules = {}) {
  return differ({200, kJson, first}, {200, kJson, second}, rules);
}

TEST(AnswerDiff, ComparesJsonByValueAndPath) {
  EXPECT_EQ(bodies(R"({"a":1,"b":[1,2]})", R"( { "b": [1.0, 2], "a": 1 } )"), "");
  EXPECT_EQ(bodies(R"({"a":{"b":1},"c":"x"})", R"({"a":{"b":2},"d":null})"),
            "$.a.b: 1 -> 2\n$.c: \"x\" -> (absent)\n$.d: (absent) -> null\n");
  EXPECT_EQ(bodies("1", "\"1\""), "$: 1 -> \"1\"\n");
  EXPECT_EQ(bodies(R"({"a b":1,"":1,"x.y":1})", R"({"a b":2,"":2,"x.y":2})"),
            "$.a b: 1 -> 2\n$[\"\"]: 1 -> 2\n$[\"x.y\"]: 1 -> 2\n");
}

TEST(AnswerDiff, TheElementsOfAnArrayAreOneField) {
  EXPECT_EQ(bodies(R"([{"p":1,"q":1},{"p":2,"q":1}])", R"([{"p":3,"q":1},{"p":4,"q":1}])"),
            "$[].p: 1 -> 3\n");
  EXPECT_EQ(bodies(R"({"i":[1,2]})", R"({"i":[1,2,3]})"), "$.i.length: 2 -> 3\n");
}

TEST(AnswerDiff, ComparesStatusesAndHeaders) {
  EXPECT_EQ(differ({200, kJson, "1"}, {500, "X: y\r\n", "2"}), "status: 200 -> 500\n");
  EXPECT_EQ(differ({200, "", "1"}, {200, "", "1", true}), "status: 200 -> 200, broken off\n");
  EXPECT_EQ(differ({200, "X-A: 1\r\nVary: a\r\nvary: b\r\nOnly: 1\r\n", ""},
                   {200, "x-a: 2\r\nVary: a, b\r\n", ""}),
            "header:only: 1 -> (absent)\nheader:x-a: 1 -> 2\n");
}

TEST(AnswerDiff, OtherBodiesAreBytes) {
  EXPECT_EQ(differ({200, "", "one"}, {200, "", "two\n"}), "body: one -> two\\n\n");
  EXPECT_EQ(bodies("{\"a\":1", "{\"a\":2"), "body: {\"a\":1 -> {\"a\":2\n") << "cut off";
  constexpr std::string_view kPacked =
      "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
  EXPECT_EQ(differ({200, kPacked, "{}"}, {200, kPacked, "[]"}), "body: {} -> []\n");
  const std::string deep = std::string(50000, '[') + std::string(50000, ']');
  EXPECT_TRUE(bodies(deep, deep + " ").starts_with("body: [[[")) << "a stack is finite";
}

TEST(AnswerDiff, WhatIsIgnoredIsNotCompared) {
  constexpr std::string_view kOne = R"({"at":1,"atoms":1,"l":[{"id":1,"p":1}]})";
  constexpr std::string_view kTwo = R"({"at":2,"atoms":2,"l":[{"id":2,"p":2}]})";
  EXPECT_EQ(bodies(kOne, kTwo, {"$.at", "$.l[*].id"}), "$.atoms: 1 -> 2\n$.l[].p: 1 -> 2\n");
  EXPECT_EQ(bodies(kOne, kTwo, {"$.l", "$.at", "$.atoms"}), "");
  EXPECT_EQ(bodies(kOne, kTwo, {"$"}), "");
  EXPECT_EQ(differ({200, "X-Id: 1\r\n", "a"}, {200, "X-Id: 2\r\n", "b"}, {"header:X-ID", "body"}),
            "");
}

TEST(AnswerDiff, LongValuesAreShortenedAndManyDifferencesBounded) {
  const std::string longer = bodies("\"" + std::string(1000, 'a') + "\"", "1");
  EXPECT_LT(longer.size(), 300u);
  EXPECT_NE(longer.find("…"), std::string::npos);
  std::string first = "{\"x\":0", second = first;
  for (int i = 0; i < 1000; ++i) {
    first += ",\"k" + std::to_string(i) + "\":1";
    second += ",\"k" + std::to_string(i) + "\":2";
  }
  first += "}";
  second += "}";
  EXPECT_EQ(differences({200, kJson, first}, {200, kJson, second}, IgnoreRules()).size(),
            kMostDifferences);
}

}  // namespace
}  // namespace duet::experiment
