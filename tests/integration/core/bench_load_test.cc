// The shapes of load: ramps, and idle connections beside the active ones.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::Finished;
using testing_support::TemporaryDirectory;
using testing_support::write_scripted;

TEST(BenchLoad, ARampHasItsSteps) {
  const Finished finished =
      bench({"a=hello.so", "b=hello.so", "--rate", "200..1k", "--steps", "3", "--arrivals",
             "constant", "--duration", "1500ms", "--warmup", "100ms", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json steps = Json::parse(finished.out)["steps"];
  ASSERT_EQ(steps.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const double rate = 200 + 400 * static_cast<double>(i);
    EXPECT_EQ(steps[i]["rate"], rate);
    ASSERT_EQ(steps[i]["arms"].size(), 2u);
    for (const Json& arm : steps[i]["arms"]) {
      EXPECT_NEAR(arm["answers_per_second"].get<double>() / rate, 1, 0.15) << arm;
      EXPECT_EQ(arm["failed"], 0) << arm;
    }
  }
  const Finished table =
      bench({"hello.so", "--rate", "200..400", "--steps", "2", "--duration", "200ms"});
  EXPECT_NE(table.out.find("200 to 400 requests a second"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("\n  400 "), std::string::npos) << table.out;
  EXPECT_EQ(table.out.find("latency  p50"), std::string::npos) << table.out;
}

TEST(BenchLoad, IdleConnectionsStayOpenAndCostMemory) {
  const Finished finished = bench({"hello.so", "--idle", "300", "--rate", "200", "--duration",
                                   "300ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json arm = Json::parse(finished.out)["arms"][0];
  EXPECT_EQ(arm["state"]["idle_open"], 300);
  EXPECT_GT(arm["state"]["idle_bytes_each"], 100) << arm;
  EXPECT_LT(arm["state"]["idle_bytes_each"], 100'000) << arm;
  EXPECT_GT(arm["state"]["resident_bytes"], 1'000'000) << arm;
}

// It is not said to give as many answers as were due, nor what each took of the processor.
TEST(BenchLoad, ARateBeyondReachIsSaid) {
  const TemporaryDirectory directory;
  const Finished finished =
      bench({write_scripted(directory), "--rate", "100", "--connections", "1", "--duration",
             "300ms", "--warmup", "0", "--patience", "30s", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_EQ(result["arms"][0]["beyond_reach"], true);
  EXPECT_LT(result["arms"][0]["answers_per_second"], 20);
  EXPECT_EQ(result["comparison"]["arms"][0]["intervals"]["cpu"]["missing"],
            "void: the rate is beyond its reach");
}

TEST(BenchLoad, IdleConnectionsMayBeOfOneTargetAlone) {
  const Finished finished = bench({"a=hello.so", "b=hello.so", "--idle", "b=30", "--rate", "200",
                                   "--duration", "300ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_FALSE(result["arms"][0]["state"].contains("idle_open"));
  EXPECT_EQ(result["arms"][1]["state"]["idle_open"], 30);
}

TEST(BenchLoad, MemoryIsSharedAmongTheRequests) {
  const std::vector<std::string> words = {"hello.so", "--rate",   "500", "--duration",
                                          "300ms",    "--warmup", "0"};
  std::vector<std::string> with_json = words;
  with_json.emplace_back("--json");
  const Finished finished = bench(with_json);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json arm = Json::parse(finished.out)["arms"][0], state = arm["state"];
  const double growth =
      state["resident_bytes"].get<double>() - state["resident_bytes_after_warmup"].get<double>();
  EXPECT_GE(state["requests_after_warmup"], arm["requests"]);
  EXPECT_NEAR(state["growth_bytes_per_request"].get<double>() *
                  state["requests_after_warmup"].get<double>(),
              growth, 1);
  const Finished table = bench(words);
  EXPECT_NE(table.out.find("\n    growth a request "), std::string::npos) << table.out;
}

TEST(BenchLoad, IdleConnectionsThatAreClosedAreSaid) {
  TemporaryDirectory directory;
  const std::string config = directory.write(
      "duet.toml",
      "[server.timeouts]\nkeep_alive = \"300ms\"\n[handlers.hello]\nsource = \"hello.so\"\n"
      "[[routes]]\npath = \"/\"\nhandler = \"hello\"\n");
  const Finished finished =
      bench({config, "--idle", "20", "--rate", "500", "--duration", "1s", "--warmup", "0"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_NE(finished.out.find("it closed 20 of 20 idle connections"), std::string::npos)
      << finished.out;
}

TEST(BenchLoad, ARunTooShortForAQuantileHasNone) {
  const Finished finished = bench({"hello.so", "--rate", "500", "--arrivals", "constant",
                                   "--duration", "500ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json said = Json::parse(finished.out);
  for (const Json& figure : said["arms"][0]["latency"]) {
    const bool few = figure["p"] == 0.999;  // of 250 requests
    EXPECT_EQ(figure.value("void", "") == "too few requests", few) << figure;
  }
}

TEST(BenchLoad, SaysWhatIsWrongWithIt) {
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string_view says;
  };
  const Case cases[] = {
      {{"--rate", "5..fast"}, 2, "no such number"},
      {{"--steps", "4"}, 2, "--steps is of a ramp"},
      {{"--rate", "1..2", "--steps", "50", "--duration", "200ms"}, 2, "too short for a round"},
      {{"--idle", "5", "--no-keep-alive"}, 2, "idle connections are kept alive"},
      {{"--idle", "b=5"}, 2, "--idle 'b=5' is of none of them"},
  };
  for (Case one : cases) {
    one.arguments.insert(one.arguments.begin(), "hello.so");
    const Finished finished = bench(one.arguments);
    EXPECT_EQ(finished.exit_code, one.code) << finished.err;
    EXPECT_NE(finished.err.find(one.says), std::string::npos) << one.says << ": " << finished.err;
  }
}

}  // namespace
}  // namespace duet
