// Where a host spends its CPU time, as `duet bench` tells it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::Finished;
using testing_support::serve_hello;

TEST(BenchCpu, AHostsIsDividedAndAForeignServersIsNot) {
  const std::vector<std::string> words = {"hello.so", "--command", "foreign=" + serve_hello(),
                                          "--rate",   "1k",        "--duration",
                                          "600ms",    "--no-aa"};
  std::vector<std::string> with_json = words;
  with_json.insert(with_json.end(), {"--warmup", "0", "--json"});
  const Finished finished = bench(with_json);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  EXPECT_FALSE(result["arms"][1]["state"].contains("cpu_ns_per_request"));
  const Json cpu = result["arms"][0]["state"]["cpu_ns_per_request"];
  // A request takes some microseconds, and less than a millisecond even of a busy machine.
  EXPECT_GT(cpu["handler"], 100) << cpu;
  EXPECT_GT(cpu["host"], 1'000) << cpu;
  EXPECT_LT(cpu["all"], 1'000'000) << cpu;
  double sum = 0;
  for (const char* part : {"handler", "host", "engine_threads", "unattributed"}) {
    sum += cpu[part].get<double>();
  }
  EXPECT_NEAR(sum, cpu["all"].get<double>(), 4);  // each is rounded down

  const Finished table = bench(words);  // read during the warm-up
  EXPECT_NE(table.out.find("\n  CPU, by the ledger"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("\n    handler "), std::string::npos) << table.out;
}

}  // namespace
}  // namespace duet
