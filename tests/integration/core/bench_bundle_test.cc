// Runs that are kept: what is in their directory, running them again, comparing them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/core/bench_process.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::duet_program;
using testing_support::Finished;
using testing_support::TemporaryDirectory;

std::string content(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// A handler of known latencies; runs of it are kept in a folder beside it.
class BenchBundle : public ::testing::Test {
 protected:
  std::string folder(const std::string& name) const { return directory_.path() + "/" + name; }

  Finished keep(const std::string& folder, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {
        "it's=" + scripted_, "--rate",  "500",  "--duration", "600ms", "--warmup", "0",
        "--no-aa",           "--block", "20ms", "--seed",     "7",     "--output", folder,
        "--connections",     "200"};
    words.insert(words.end(), more.begin(), more.end());
    return bench(words);
  }

  // Of what the run took, the generator's lag was this share from now on: what a busy machine did
  // to it is not under test.
  void set_lag(const std::string& name, double share) const {
    const std::string file = folder(name) + "/run.json";
    Json run = Json::parse(content(file));
    for (Json& arm : run["arms"]) {
      for (Json& lag : arm["lag_shares"]) lag = share;
    }
    std::ofstream(file) << run;
  }

  TemporaryDirectory directory_;
  const std::string scripted_ = testing_support::write_scripted(directory_);
};

TEST_F(BenchBundle, KeepsTheRunWithALogOfEachTarget) {
  const std::string kept = folder("a/b");
  const Finished finished = keep(kept, {"other=" + scripted_});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json run = Json::parse(content(kept + "/run.json"));
  EXPECT_EQ(run["seed"], 7);
  EXPECT_TRUE(run["fingerprint"]["kernel"].get<std::string>().starts_with("Linux")) << run;
  EXPECT_TRUE(run["fingerprint"].contains("duet")) << run["fingerprint"];
  EXPECT_EQ(run["result"]["arms"][0]["name"], "it's");
  ASSERT_EQ(run["arms"].size(), 2u);
  for (const Json& arm : run["arms"]) {
    std::uint64_t answered = 0, intervals = 0;
    for (const Json& round : arm["rounds"]) answered += round["answered"].get<std::uint64_t>();
    for (const std::string& line : lines_of(content(kept + "/" + arm["log"].get<std::string>()))) {
      // Compressed, in base64, a V2 histogram begins thus.
      intervals += line.find(",HISTF") != std::string::npos ? 1 : 0;
    }
    EXPECT_GT(answered, 0u);
    EXPECT_EQ(intervals, arm["rounds"].size());
  }
}

TEST_F(BenchBundle, IsRunAgainByItsScript) {
  const std::string kept = folder("first");
  ASSERT_EQ(keep(kept).exit_code, 0);
  testing_support::ProcessOptions options = testing_support::bench_options({});
  options.arguments = {kept + "/rerun.sh", "--json"};
  options.environment.emplace_back("DUET", duet_program());
  const Finished again = testing_support::run("/bin/sh", options, std::chrono::seconds(60));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  const Json result = Json::parse(again.out), before = Json::parse(content(kept + "/run.json"));
  EXPECT_EQ(result["load"], before["result"]["load"]);
  EXPECT_EQ(result["arms"][0]["requests"], before["result"]["arms"][0]["requests"]);
  EXPECT_EQ(result["arms"][0]["name"], "it's");
}

TEST_F(BenchBundle, TwoRunsAreComparedTargetByTarget) {
  const std::string a = folder("a"), b = folder("b");
  ASSERT_EQ(keep(a).exit_code, 0);
  ASSERT_EQ(keep(b, {"new=" + scripted_}).exit_code, 0);
  set_lag("a", 0);
  set_lag("b", 0);
  const Finished compared = bench({"compare", a, b});
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_NE(compared.out.find("it's"), std::string::npos) << compared.out;
  EXPECT_NE(compared.out.find(" before at p50 "), std::string::npos) << compared.out;
  EXPECT_NE(compared.out.find("new is in " + b + " only"), std::string::npos) << compared.out;
  // A run is not different from itself, and its ratios are 1.
  const Finished same = bench({"compare", a, a, "--json"});
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const Json target = Json::parse(same.out)["targets"][0];
  EXPECT_NE(target["verdicts"][0]["kind"], "slower");
  EXPECT_NE(target["verdicts"][0]["kind"], "faster");
  EXPECT_EQ(target["arms"][1]["ratios"]["p50"]["value"], 1);
  EXPECT_LT(target["arms"][1]["ratios"]["p50"]["low"], 1) << target;
}

TEST_F(BenchBundle, APipelineFailsOnWhatHasChanged) {
  const std::string a = folder("a");
  ASSERT_EQ(keep(a).exit_code, 0);
  set_lag("a", 0);
  // Of a run and itself every ratio is 1, and its interval is somewhere around it.
  const Finished holds = bench({"compare", a, a, "--fail-if", "p50 > 0.2x"});
  EXPECT_EQ(holds.exit_code, 3) << holds.out << holds.err;
  EXPECT_NE(holds.out.find("fail if p50 > 0.2x: it's: yes ("), std::string::npos) << holds.out;
  EXPECT_EQ(bench({"compare", a, a, "--fail-if", "p50 > 1x"}).exit_code, 4);
  const Finished fine =
      bench({"compare", a, a, "--fail-if", "p50 > 5x", "--fail-if", "errors > 0", "--json"});
  EXPECT_EQ(fine.exit_code, 0) << fine.out << fine.err;
  const Json judged = Json::parse(fine.out)["fail_if"];
  ASSERT_EQ(judged.size(), 2u);  // of what is now; what was is not judged
  EXPECT_EQ(judged[0]["arm"], "it's");
  EXPECT_EQ(judged[0]["holds"], false);
  EXPECT_EQ(bench({"compare", a, a, "--fail-if", "throughput < 1x"}).exit_code, 2);
}

TEST_F(BenchBundle, WhatTheGeneratorsLagVoidedInEitherRunIsNotCompared) {
  const std::string a = folder("a"), b = folder("b");
  ASSERT_EQ(keep(a).exit_code, 0);
  std::filesystem::copy(a, b);
  set_lag("a", 0.5);
  set_lag("b", 0);
  for (const auto& [before, now] : {std::pair(a, b), std::pair(b, a)}) {
    const Finished compared = bench({"compare", before, now, "--json", "--fail-if", "p50 > 0.2x"});
    EXPECT_EQ(compared.exit_code, 4) << compared.out << compared.err;  // nobody can tell
    const Json target = Json::parse(compared.out)["targets"][0];
    EXPECT_EQ(target["verdicts"][0]["kind"], "void");
    EXPECT_EQ(target["arms"][1]["ratios"]["p50"]["low"], nullptr) << target;
  }
}

TEST_F(BenchBundle, WhatDisturbedARunIsSaidBesideIt) {
  const std::string a = folder("a"), b = folder("b");
  ASSERT_EQ(keep(a).exit_code, 0);
  std::filesystem::copy(a, b);
  Json run = Json::parse(content(b + "/run.json"));
  EXPECT_TRUE(run["disturbed"].is_array());
  run["disturbed"] = {"throttled: its control group was stopped in 3 periods"};
  std::ofstream(b + "/run.json") << run;
  const Finished compared = bench({"compare", a, b});
  EXPECT_EQ(compared.exit_code, 0) << compared.err;
  EXPECT_NE(compared.out.find("! " + b + ": throttled: "), std::string::npos) << compared.out;
}

TEST_F(BenchBundle, RunsThatWereNotMadeAlikeAreRefusedUnlessForced) {
  const std::string a = folder("a"), b = folder("b");
  ASSERT_EQ(keep(a).exit_code, 0);
  ASSERT_EQ(keep(b, {"--pipeline", "2"}).exit_code, 0);
  Json run = Json::parse(content(b + "/run.json"));
  run["fingerprint"]["kernel"] = "Linux 2.4";
  std::ofstream(b + "/run.json") << run;
  const Finished refused = bench({"compare", a, b});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.err.find("pipelining: 1, then 2"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find(", then Linux 2.4"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--force"), std::string::npos) << refused.err;
  EXPECT_EQ(refused.out, "");
  const Finished forced = bench({"compare", a, b, "--force"});
  EXPECT_EQ(forced.exit_code, 0) << forced.err;
  EXPECT_NE(forced.out.find("! pipelining: 1, then 2"), std::string::npos) << forced.out;
}

TEST_F(BenchBundle, SaysWhatIsWrong) {
  const std::string kept = folder("kept");
  ASSERT_EQ(keep(kept).exit_code, 0);
  std::filesystem::create_directory(folder("broken"));
  directory_.write("broken/run.json", "{\"format\": \"duet bench run 1\"}");
  std::filesystem::copy(kept, folder("cut"));
  directory_.write("cut/1.hlog", "hello\n");
  directory_.write("file", "");
  struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string_view says;
  };
  const Case cases[] = {
      {{"hello.so", "--output", kept}, 1, "there is a run in it already"},
      {{"hello.so", "--output", folder("file/x")}, 1, "it cannot be created"},
      {{"hello.so", "--output", "/proc"}, 1, "it cannot be written"},
      {{"hello.so", "--cold", "--output", folder("cold")}, 2, "--output and --html"},
      {{"hello.so", "--force"}, 2, "--force is of compare"},
      {{"compare", kept}, 2, "compare takes two directories"},
      {{"compare", kept, kept, "--rate", "5"}, 2, "compare takes two directories"},
      {{"compare", kept, folder("none")}, 1, "it cannot be read"},
      {{"compare", kept, folder("broken")}, 1, "it is not what duet bench writes"},
      {{"compare", folder("cut"), kept}, 1, "1.hlog, line 1: "},
  };
  for (const Case& one : cases) {
    const Finished finished = bench(one.arguments);
    EXPECT_EQ(finished.exit_code, one.code) << one.says;
    EXPECT_NE(finished.err.find(one.says), std::string::npos) << one.says << ": " << finished.err;
  }
}

}  // namespace
}  // namespace duet
