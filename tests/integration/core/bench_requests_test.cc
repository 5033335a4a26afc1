// Recorded requests, as a person replays them.
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

TEST(BenchRequests, ARecordingIsReplayedToEachTarget) {
  TemporaryDirectory directory;
  std::string lines = "{\"path\":\"/x\",\"at\":0}\nnothing\n";
  for (int i = 1; i < 100; ++i) {
    lines +=
        "{\"path\":\"/" + std::to_string(i % 7) + "\",\"at\":" + std::to_string(i * 0.1) + "}\n";
  }
  const std::string file = directory.write("requests.jsonl", lines);
  const Finished finished = bench({"a=hello.so", "b=hello.so", "--requests", file, "--replay",
                                   "20x", "--warmup", "100ms", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_NE(finished.err.find("left out line 2: it is no JSON"), std::string::npos) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_EQ(result["recording"]["requests"], 100);
  EXPECT_EQ(result["recording"]["different"], 8);
  for (const Json& arm : result["arms"]) {
    EXPECT_EQ(arm["requests"], 100) << arm;
    EXPECT_EQ(arm["answered"], 100) << arm;
  }
}

TEST(BenchRequests, WithoutTimesTheyTakeTurnsAtARate) {
  TemporaryDirectory directory;
  const std::string file =
      directory.write("access.log",
                      "::1 - - [27/Nov/2026:18:39:00 +0000] \"GET /a HTTP/1.1\" 200 2\n"
                      "::1 - - [27/Nov/2026:18:39:00 +0000] \"POST /b HTTP/1.1\" 200 2\n");
  for (const std::string how : {"--shuffle", "--closed", "--no-keep-alive"}) {
    const Finished finished = bench({"hello.so", "--requests", file, how, "--duration", "200ms",
                                     "--warmup", "0", "--connections", "4"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_TRUE(finished.out.starts_with("2 recorded requests (access log, 2 different), "))
        << finished.out;
  }
}

TEST(BenchRequests, WithoutAPathTheyGoWhereTheTargetSays) {
  TemporaryDirectory directory;
  const std::string config = directory.write(
      "duet.toml",
      "[handlers.hello]\nsource = \"hello.so\"\n[[routes]]\npath = \"/x\"\nhandler = \"hello\"\n");
  testing_support::DuetHost running(testing_support::HostOptions{
      .arguments = {config}, .environment = {}, .directory = "", .listeners = 1});
  const std::string file =
      directory.write("requests.jsonl", "{\"headers\":{\"Cookie\":\"a=1\"}}\n");
  const Finished finished =
      bench({"there=" + running.address() + "/x", "not=" + running.address() + "/y", "--requests",
             file, "--rate", "200", "--duration", "300ms", "--warmup", "0", "--no-aa", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_GT(result["arms"][0]["requests"], 0);
  EXPECT_EQ(result["arms"][0]["bad_status"], 0) << result["arms"][0];
  EXPECT_EQ(result["arms"][1]["bad_status"], result["arms"][1]["requests"]) << result["arms"][1];
}

TEST(BenchRequests, SaysWhatIsWrongWithThem) {
  TemporaryDirectory directory;
  const std::string bad = directory.write("bad", "nothing\n");
  const std::string untimed = directory.write("untimed", "{\"path\":\"/\"}\n");
  struct Case {
    std::vector<std::string> arguments;
    std::string_view says;
  };
  const Case cases[] = {
      {{"--requests", "/absent"}, "No such file"},
      {{"--requests", bad}, "line 1: it has no [time]"},
      {{"--requests", untimed, "--replay", "1x"}, "no times"},
      {{"--requests", untimed, "--replay", "fast"}, "no speed"},
      {{"--requests", untimed, "--body", "x"}, "has no --body"},
      {{"--requests", untimed, "--replay", "1x", "--rate", "5"}, "has no --rate"},
      {{"--shuffle"}, "of recorded requests"},
  };
  for (Case one : cases) {
    one.arguments.insert(one.arguments.begin(), "hello.so");
    const Finished finished = bench(one.arguments);
    EXPECT_EQ(finished.exit_code, 2) << one.says;
    EXPECT_NE(finished.err.find(one.says), std::string::npos) << one.says << ": " << finished.err;
  }
}

}  // namespace
}  // namespace duet
