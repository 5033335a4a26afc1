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

TEST(BenchVerdict, ARatioOfAnyTwoIsToldWhenItIsAskedFor) {
  testing_support::DuetHost running(testing_support::HostOptions{
      .arguments = {"hello.so"}, .environment = {}, .directory = "", .listeners = 1});
  const std::string url = running.address();  // a name with '/' in it
  const Finished finished =
      bench({"a=hello.so", "b=hello.so", url, "--rate", "500", "--duration", "1800ms", "--warmup",
             "0", "--ratio", "b/" + url, "--ratio", url + "/b", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json ratios = Json::parse(finished.out)["comparison"]["ratios"];
  ASSERT_EQ(ratios.size(), 2u) << ratios;
  EXPECT_EQ(ratios[0]["of"], "b");
  EXPECT_EQ(ratios[0]["to"], url);
  const Json there = ratios[0]["figures"]["cpu"], back = ratios[1]["figures"]["cpu"];
  EXPECT_LE(there["low"], there["high"]) << there;
  EXPECT_NEAR(there["value"].get<double>() * back["value"].get<double>(), 1, 1e-9);

  const Finished text =
      bench({"a=hello.so", "b=hello.so", "--duration", "200ms", "--warmup", "0", "--ratio", "b/a"});
  EXPECT_NE(text.out.find("\n  b/a "), std::string::npos) << text.out;
}

TEST(BenchVerdict, CpuARequestIsKnownOfOwnServersAndOfThoseBehindAPort) {
  testing_support::DuetHost running(testing_support::HostOptions{
      .arguments = {"hello.so"}, .environment = {}, .directory = "", .listeners = 1});
  const Finished finished = bench({"own=hello.so", "url=" + running.address(), "--rate", "500",
                                   "--duration", "1200ms", "--warmup", "0", "--no-aa", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json said = Json::parse(finished.out);
  for (const Json& arm : said["comparison"]["arms"]) {
    const Json& cpu = arm["intervals"]["cpu"];
    ASSERT_TRUE(cpu["value"].is_number()) << arm;
    EXPECT_GT(cpu["value"], 1e3) << arm;   // no request takes less than a microsecond,
    EXPECT_LT(cpu["value"], 10e6) << arm;  // and hello takes no 10 ms
  }
}

TEST(BenchVerdict, FailIfHasExitCodesForPipelines) {
  struct Case {
    std::vector<std::string> conditions;
    int code;
    std::string_view says;
  };
  const Case cases[] = {
      {{"errors > 0"}, 0, "fail if errors > 0: a: no (0)"},
      {{"errors > 0", "errors < 1"}, 3, "fail if errors < 1: b: yes (0)"},
      {{"cpu > 1ns"}, 3, "fail if cpu > 1ns: a: yes ("},
      {{"p99.9 > 1.1x"}, 4, "fail if p99.9 > 1.1x: b: cannot tell ("},
      {{"p99.9 > 1.1x", "cpu > 1ns"}, 3, "cannot tell"},
  };
  for (const Case& one : cases) {
    std::vector<std::string> arguments = {"a=hello.so", "b=hello.so", "--rate",
                                          "300",        "--duration", "700ms",
                                          "--warmup",   "0",          "--no-aa"};
    for (const std::string& condition : one.conditions) {
      arguments.insert(arguments.end(), {"--fail-if", condition});
    }
    const Finished finished = bench(arguments);
    EXPECT_EQ(finished.exit_code, one.code) << finished.out << finished.err;
    EXPECT_NE(finished.out.find(one.says), std::string::npos) << one.says << finished.out;
  }
}

TEST(BenchVerdict, ConditionsThatCannotBeAskedAreRefusedBeforeTheRun) {
  struct Case {
    std::vector<std::string> arguments;
    std::string_view says;
  };
  const Case cases[] = {
      {{"hello.so", "--fail-if", "p98 > 1x"}, "'p98' is no figure"},
      {{"hello.so", "--fail-if", "p99 > 1.1x"}, "there is one target"},
      {{"hello.so", "--fail-if", "throughput < 5"}, "throughput is what was asked for"},
      {{"hello.so", "--rate", "1..5", "--fail-if", "p99 > 1s"}, "needs a steady load"},
  };
  for (const Case& one : cases) {
    const Finished finished = bench(one.arguments);
    EXPECT_EQ(finished.exit_code, 2) << finished.err;
    EXPECT_NE(finished.err.find(one.says), std::string::npos) << finished.err;
  }
}

}  // namespace
}  // namespace duet
