// The comparison and its verdict, as a person or a pipeline gets them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::Finished;

bool any_of(const std::string& text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    if (text.find(part) != std::string::npos) return true;
  }
  return false;
}

TEST(BenchVerdict, StandsFirstAndTheFirstArmRunsTwice) {
  const Finished finished =
      bench({"a=hello.so", "b=hello.so", "--rate", "500", "--duration", "1200ms", "--warmup", "0"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const std::string verdict = finished.out.substr(0, finished.out.find('\n'));
  // The same handler: whatever the machine does meanwhile, these are the answers that may come.
  EXPECT_TRUE(any_of(verdict, {"cannot tell whether b is slower or faster than a at p50",
                               "b is as fast as a at p50, to within 1%", "b is ",
                               "b and a are not compared at p50: void"}))
      << verdict;
  EXPECT_NE(finished.out.find("a (A/A) is a once more"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("95% intervals"), std::string::npos) << finished.out;
}

TEST(BenchVerdict, AShortRunSaysThatItCannotTell) {
  const Finished finished =
      bench({"a=hello.so", "b=hello.so", "--duration", "200ms", "--warmup", "0"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_TRUE(any_of(finished.out.substr(0, finished.out.find('\n')),
                     {"cannot tell", "void: the generator lagged"}))
      << finished.out;
  EXPECT_NE(finished.out.find("too few rounds"), std::string::npos) << finished.out;
}

TEST(BenchVerdict, WhatAnswersErrorsIsNotComparedHoweverFast) {
  testing_support::TemporaryDirectory directory;
  const std::string config = directory.write(
      "duet.toml",
      "[handlers.hello]\nsource = \"hello.so\"\n[[routes]]\npath = \"/x\"\nhandler = \"hello\"\n");
  const Finished finished =
      bench({"good=hello.so", "bad=" + config, "--duration", "500ms", "--warmup", "0", "--no-aa"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_TRUE(
      finished.out.starts_with("bad and good are not compared: 100% of the requests to bad fail\n"))
      << finished.out;
  EXPECT_EQ(finished.out.find("A/A"), std::string::npos) << finished.out;
}

TEST(BenchVerdict, JsonHasIntervalsRatiosAndTheAaRecord) {
  const Finished finished = bench({"a=hello.so", "b=hello.so", "--rate", "500", "--duration",
                                   "1200ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json comparison = Json::parse(finished.out)["comparison"];
  ASSERT_EQ(comparison["arms"].size(), 3u) << comparison;
  EXPECT_TRUE(comparison["arms"][2]["copy"]);
  EXPECT_EQ(comparison["a_a"]["arm"], 2);
  EXPECT_EQ(comparison["verdicts"].size(), 1u);
  for (const Json& arm : comparison["arms"]) {
    for (const auto& [name, figure] : arm["intervals"].items()) {
      if (figure["low"].is_null()) {
        EXPECT_TRUE(figure.contains("missing")) << name << figure;
      } else {
        EXPECT_LE(figure["low"], figure["high"]) << name;
        EXPECT_TRUE(figure["value"].is_number()) << name;
      }
    }
  }
}

}  // namespace
}  // namespace duet
