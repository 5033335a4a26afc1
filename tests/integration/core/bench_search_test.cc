// What duet bench does instead of one load: a search for the capacity, and cold starts.
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::bench_options;
using testing_support::Finished;
using testing_support::Process;
using testing_support::serve_hello;

TEST(BenchObjective, InterruptedItSaysThatNothingWasSettled) {
  Process process(testing_support::duet_program(),
                  bench_options({"hello.so", "--objective", "p99 < 100ms", "--warmup", "0"}));
  ASSERT_TRUE(process.wait_for_err("hello.so, trial 1: 1000 requests a second, ")) << process.err();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT) << process.err();
  EXPECT_NE(process.out().find("hello.so: whether p99 < 100 ms holds was not settled"),
            std::string::npos)
      << process.out();
}

TEST(BenchObjective, SaysWhatIsWrongWithIt) {
  for (const char* text : {"fast", "p99", "p99 > 5ms", "p99 < soon", "p100 < 5ms", "p99 < 1ns"}) {
    const Finished finished = bench({"hello.so", "--objective", text});
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_NE(finished.err.find("is no objective"), std::string::npos) << finished.err;
  }
  EXPECT_EQ(bench({"hello.so", "--objective", "p99 < 5ms", "--closed"}).exit_code, 2);
}

TEST(BenchCold, StartsEachManyTimes) {
  const Finished finished =
      bench({"a=hello.so", "--command", "b=" + serve_hello(), "--cold", "--starts", "6",
             "--duration", "200ms", "--ratio", "a/b", "--pin", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_EQ(result["starts"], 6);
  ASSERT_EQ(result["arms"].size(), 2u);
  for (const Json& arm : result["arms"]) {
    const Json& first = arm["first_answer_ns"];
    EXPECT_GT(first["low"], 100e3) << arm;
    EXPECT_LE(first["low"], first["median"]) << arm;
    EXPECT_LE(first["median"], first["high"]) << arm;
    EXPECT_LT(first["high"], 20e9) << arm;
  }
  EXPECT_GT(result["arms"][1]["first_answer_ratio"]["median"], 0);
  ASSERT_EQ(result["ratios"].size(), 1u);
  EXPECT_EQ(result["ratios"][0]["of"], "a");
  EXPECT_EQ(result["ratios"][0]["to"], "b");
  EXPECT_GT(result["ratios"][0]["first_answer"]["median"], 0);
  EXPECT_NE(result["pinned"]["servers"], result["pinned"]["generator"]);
}

TEST(BenchCold, SaysWhatIsWrongWithIt) {
  const Finished running = bench({"http://127.0.0.1:1/", "--cold"});
  EXPECT_EQ(running.exit_code, 2);
  EXPECT_NE(running.err.find("starts its servers itself"), std::string::npos) << running.err;
  EXPECT_EQ(bench({"hello.so", "--starts", "9"}).exit_code, 2);
  const Finished ended = bench({"--command", "bad=echo no such thing; exit 3", "--cold"});
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("bad: it ended before it answered (exit code 3)\n  no such thing"),
            std::string::npos)
      << ended.err;
}

}  // namespace
}  // namespace duet
