// `duet bench` as a person uses it, on the native plug-in: no engine is needed.
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/core/bench_process.h"
#include "tests/support/duet_host.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::bench_options;
using testing_support::Finished;
using testing_support::Process;

TEST(BenchCommand, MeasuresTwoHandlersInTurn) {
  const Finished finished = bench({"a=hello.so", "b=hello.so", "--rate", "800", "--duration", "1s",
                                   "--warmup", "100ms", "--seed", "7", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_EQ(result["load"]["seed"], 7);
  ASSERT_EQ(result["arms"].size(), 3u);
  EXPECT_EQ(result["arms"][2]["name"], "a (A/A)");
  for (const Json& arm : result["arms"]) {
    EXPECT_GT(arm["requests"], 100) << arm;
    EXPECT_EQ(arm["answered"], arm["requests"]) << arm;
    EXPECT_EQ(arm["bad_status"], 0) << arm;
    // A figure, or the reason why there is none.
    for (const Json& figure : arm["latency"]) {
      EXPECT_NE(figure["ns"].is_number(), figure.contains("void")) << arm;
    }
  }
}

TEST(BenchCommand, AClosedLoopPipelines) {
  const Finished finished = bench({"hello.so", "--closed", "--pipeline", "4", "--connections", "2",
                                   "--duration", "300ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json arm = Json::parse(finished.out)["arms"][0];
  EXPECT_GT(arm["answered"], 100);
  EXPECT_EQ(arm["answered"], arm["requests"]);
}

TEST(BenchCommand, AnswersThatFailAreCountedAndSaid) {
  testing_support::TemporaryDirectory directory;
  const std::string config = directory.write(
      "duet.toml",
      "[handlers.hello]\nsource = \"hello.so\"\n[[routes]]\npath = \"/x\"\nhandler = \"hello\"\n");
  const Finished finished =
      bench({config, "--duration", "200ms", "--warmup", "0", "--path", "/absent"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_NE(finished.err.find("answers 404"), std::string::npos) << finished.err;
  EXPECT_NE(finished.out.find("have a status of 400 or above"), std::string::npos) << finished.out;
}

// No address space has room for such a stack, whoever runs it: a limit on processes would not bind
// root.
TEST(BenchCommand, SaysThatTheSystemGivesItNoThread) {
  const testing_support::DuetHost host({"hello.so"});
  const Finished finished = testing_support::run(
      "/usr/bin/prlimit",
      {.arguments = {"--stack=1125899906842624", testing_support::duet_program(), "bench",
                     host.address(), "--duration", "100ms"},
       .environment = {},
       .directory = "/"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("the system gives this process 0 more threads"), std::string::npos)
      << finished.err;
}

TEST(BenchCommand, CtrlCKeepsWhatIsComplete) {
  Process process(
      testing_support::duet_program(),
      bench_options({"hello.so", "--duration", "60s", "--block", "50ms", "--warmup", "0"}));
  ASSERT_TRUE(process.wait_for_err("%, ", std::chrono::seconds(30))) << process.err();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(std::chrono::seconds(30)), 128 + SIGINT) << process.err();
  EXPECT_NE(process.out().find("interrupted"), std::string::npos) << process.out();
  EXPECT_NE(process.out().find("latency  p50"), std::string::npos) << process.out();
}

TEST(BenchCommand, SaysWhatIsWrongBeforeItBegins) {
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string_view says;
  };
  const Case cases[] = {
      {{}, 2, "nothing to measure"},
      {{"hello.so", "--rate", "fast"}, 2, "--rate"},
      {{"hello.so", "--closed", "--rate", "5"}, 2, "--closed has no --rate"},
      {{"hello.so", "--no-keep-alive", "--pipeline", "2"}, 2, "--pipeline"},
      {{"hello.so", "--body", "@/absent"}, 2, "No such file"},
      {{"hello.so", "--header", "x"}, 2, "no colon"},
      {{"a", "b", "c", "--block", "1s", "--duration", "2s"}, 2, "--duration is too short"},
      {{"hello.so", "--rate", "1000k", "--duration", "1h"}, 2, "requests"},
      {{"hello.so", "--block", "2s", "--duration", "9s"}, 2, "a block lasts"},
      {{"--command", " "}, 2, "names no command"},
      {{"hello.so", "--pin=0"}, 2, "--pin '0': there is no /"},
      {{"a", "b", "--ratio", "b/c"}, 2, "--ratio 'b/c' is not of one of them to another"},
      {{"a", "b", "--ratio", "b/a", "--objective", "p99 < 1s"}, 2, "--ratio needs a steady load"},
      {{"absent.py"}, 1, "no such file"},
      {{"ftp://127.0.0.1/"}, 1, "is no http:// URL"},
      {{"http://127.0.0.1:1/"}, 1, "refused"},
  };
  for (const Case& one : cases) {
    const Finished finished = bench(one.arguments);
    EXPECT_EQ(finished.exit_code, one.code) << finished.err;
    EXPECT_NE(finished.err.find(one.says), std::string::npos) << one.says << ": " << finished.err;
    EXPECT_EQ(finished.out, "");
  }
}

}  // namespace
}  // namespace duet
