// `duet lab` on claims of its own, whose arms answer after a scripted time: the sentence must be
// right.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::duet_program;
using testing_support::Finished;
using testing_support::Process;
using testing_support::ProcessOptions;
using testing_support::TemporaryDirectory;

// Answers each request after so many milliseconds: server.py PORT MILLISECONDS.
constexpr const char* kServer = R"(
import asyncio, sys

async def serve(reader, writer):
    while await reader.readuntil(b"\r\n\r\n"):
        await asyncio.sleep(float(sys.argv[2]) / 1000)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
)";

constexpr const char* kHead = "claim = \"Fast is fast\"\nsource = \"this test\"\n";

std::string arm(const std::string& name, const std::string& milliseconds) {
  return "[[arms]]\nname = \"" + name + "\"\ncommand = \"exec python3 server.py {port} " +
         milliseconds + "\"\n";
}

// Times so long that the generator's lag on a busy machine voids none of them.
constexpr const char* kRun =
    "[[runs]]\nworkload = { rate = 40, duration = \"20s\", warmup = \"200ms\" }\n"
    "quick = { duration = \"3s\", block = \"80ms\" }\n";

std::string compare(const std::string& arm, const std::string& than, const std::string& claimed) {
  return "[[runs.compare]]\narm = \"" + arm + "\"\nthan = \"" + than +
         "\"\nfigure = \"p50\"\nclaimed = \"" + claimed + "\"\n";
}

class Lab : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& claim) {
    folder_.write("claims/" + name + "/claim.toml", kHead + claim);
    folder_.write("claims/" + name + "/server.py", kServer);
  }
  ProcessOptions options(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"lab", "--claims", folder_.path() + "/claims", "--cache",
                                         folder_.path() + "/cache"});
    return {.arguments = std::move(arguments),
            .environment = {{"PORT", std::nullopt}, {"DATABASE_URL", std::nullopt}},
            .directory = folder_.path(),
            .terminal = false};
  }
  Finished lab(std::vector<std::string> arguments) const {
    return testing_support::run(duet_program(), options(std::move(arguments)),
                                std::chrono::seconds(60));
  }

  // A busy machine may keep it from telling, which it says; then it is asked again. What it does
  // say must be right each time: `finding` is that of the first comparison.
  Json told(const std::string& name, const std::string& finding) const {
    Json run;
    for (int attempt = 0; attempt < 5; ++attempt) {
      const Finished finished = lab({name, "--quick", "--json"});
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
      run = Json::parse(finished.out)["claims"][0]["runs"][0];
      const std::string found = run["compares"][0].value("finding", "not known");
      if (found == finding) return run;
      EXPECT_TRUE(found == "cannot_tell" || found == "not known") << run.dump(2);
    }
    ADD_FAILURE() << "it could not tell: " << run.dump(2);
    return run;
  }

  TemporaryDirectory folder_;
};

TEST_F(Lab, TheSentenceIsRight) {
  add("fast", arm("quick", "40") + arm("slow", "120") + arm("absent", "1") +
                  "programs = [\"no-such-program\"]\n" + kRun + compare("quick", "slow", "2x..4x") +
                  compare("slow", "quick", "> 1x") + compare("absent", "quick", "2x") +
                  "[[runs.compare]]\nabout = \"by itself\"\narm = \"slow\"\nfigure = \"p50\"\n"
                  "claimed = \"< 100ms\"\n");
  const Json run = told("fast", "holds");
  ASSERT_EQ(run["compares"].size(), 3u) << run.dump(2);
  const Json& three = run["compares"][0];
  EXPECT_LT(three["measured"]["low"], 3.1);
  const std::string sentence = three["sentence"];
  EXPECT_TRUE(sentence.starts_with("slow takes 2.") || sentence.starts_with("slow takes 3."))
      << sentence;
  EXPECT_TRUE(sentence.ends_with(" times as long as quick at p50: as claimed (2x..4x)"))
      << sentence;
  EXPECT_EQ(run["compares"][1]["finding"], "reverse");
  EXPECT_EQ(run["compares"][2]["finding"], "fails");
  ASSERT_EQ(run["left_out"].size(), 1u);
  EXPECT_EQ(run["left_out"][0]["reason"], "it needs the program no-such-program");
  EXPECT_EQ(run["left_out"][0]["failed"], false);
}

TEST_F(Lab, WhatCannotBeTestedIsSaidWithWhatWouldChangeThat) {
  add("packages", arm("js", "1") + "npm = \"express\"\n" + arm("py", "1") + "python = \"flask\"\n" +
                      kRun + compare("js", "py", "3x"));
  folder_.write("claims/packages/package.json", "{\"dependencies\": {\"express\": \"5.3.0\"}}");
  folder_.write("claims/packages/requirements.txt", "flask==3.1.3\n");
  add("database", arm("a", "1") + arm("b", "1") + "variables = \"DATABASE_URL\"\n" + kRun +
                      compare("a", "b", "3x"));
  const Finished finished = lab({"--quick"});
  EXPECT_EQ(finished.exit_code, 4) << finished.err;
  for (const char* says : {"not testable on this machine: js: it needs express 5.3.0 of npm (duet "
                           "lab packages\n           --install)",
                           "without  py: it needs flask 3.1.3 of PyPI",
                           "b: it needs DATABASE_URL in the environment", "not testable here"}) {
    EXPECT_NE(finished.out.find(says), std::string::npos) << says << "\n" << finished.out;
  }
  const Finished list = lab({"--list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_NE(list.out.find("packages\n  Fast is fast\n  lacks express 5.3.0 of npm (duet lab "
                          "packages --install), for: js\n"),
            std::string::npos)
      << list.out;
}

TEST_F(Lab, WhatIsWrongWithQuickRunsIsSaidWithoutThem) {
  add("fast", arm("quick", "40") + arm("slow", "120") +
                  "[[runs]]\nworkload = { rate = 40, duration = \"20s\" }\n"
                  "quick = { duration = \"1ms\" }\n" +
                  compare("quick", "slow", "> 1x"));
  const Finished list = lab({"--list"});
  EXPECT_EQ(list.exit_code, 1);
  EXPECT_NE(list.err.find("error: with --quick: --duration is from 100ms to 1h"), std::string::npos)
      << list.err;
}

TEST_F(Lab, AnArmThatDoesNotStartIsLeftOut) {
  add("fast", arm("quick", "40") + arm("slow", "120") +
                  "[[arms]]\nname = \"broken\"\ncommand = \"echo out of order; exit 3\"\n" + kRun +
                  compare("quick", "slow", "> 1x") + compare("broken", "slow", "> 1x"));
  const Finished finished = lab({"--quick"});
  EXPECT_EQ(finished.exit_code, 1) << finished.err;
  EXPECT_NE(finished.out.find("\n  here     "), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("without  broken: it ended before it listened (exit code 3): out of "
                              "order"),
            std::string::npos)
      << finished.out;
}

TEST_F(Lab, AnArmThatEndsDuringItsRunFailsTheClaim) {
  add("fast",
      arm("quick", "40") +
          "[[arms]]\nname = \"dies\"\ncommand = \"timeout 2 python3 server.py {port} 120\"\n"
          "[[runs]]\nworkload = { rate = 40, duration = \"3s\", warmup = \"200ms\", "
          "patience = \"300ms\" }\n" +
          compare("quick", "dies", "> 1x"));
  const Finished finished = lab({});
  EXPECT_EQ(finished.exit_code, 1) << finished.err;
  EXPECT_NE(finished.out.find("dies: its server ended during the run (exit code 124)"),
            std::string::npos)
      << finished.out;
}

TEST_F(Lab, ArmsFindTheirService) {
  // It answers after ten times as many milliseconds as the service's address has letters before its
  // port: "mqtt://127.0.0.1:".
  add("service",
      "[[arms]]\nname = \"a\"\ncommand = \"exec python3 server.py {port} "
      "$(($(expr \\\"$UP\\\" : '.*:') * 10))\"\n" +
          arm("b", "1") +
          "[[services]]\nname = \"up\"\nvariable = \"UP\"\nscheme = \"mqtt\"\ncommand = "
          "\"exec python3 server.py {port} 1\"\n" +
          kRun + "[[runs.compare]]\narm = \"a\"\nfigure = \"p50\"\nclaimed = \"165ms..220ms\"\n");
  const Json run = told("service", "holds");
  EXPECT_EQ(run["compares"][0]["kind"], "figure");
}

TEST_F(Lab, CtrlCKeepsTheClaimsThatAreComplete) {
  add("a", arm("quick", "40") + arm("slow", "120") + kRun + compare("quick", "slow", "> 1x"));
  add("b", arm("quick", "40") + arm("slow", "120") + kRun + compare("quick", "slow", "> 1x"));
  Process process(duet_program(), options({"--quick"}));
  ASSERT_TRUE(process.wait_for_err("duet lab: b", std::chrono::seconds(30))) << process.err();
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 130);
  EXPECT_TRUE(process.out().starts_with("a\n  claimed  Fast is fast\n")) << process.out();
  EXPECT_NE(process.out().find("\n  here     "), std::string::npos) << process.out();
  EXPECT_NE(process.err().find("interrupted; "), std::string::npos) << process.err();
}

TEST_F(Lab, MistakesAreSaidWithTheirPlaces) {
  add("fast", arm("quick", "1") + arm("slow", "1") + "[[runs]]\nworkload = { rate = \"fast\" }\n" +
                  compare("quick", "slow", "3x"));
  const Finished workload = lab({"fast"});
  EXPECT_EQ(workload.exit_code, 1);
  EXPECT_NE(workload.err.find("claims/fast/claim.toml:9:1: error: --rate 'fast' is no such number"),
            std::string::npos)
      << workload.err;
  const Finished name = lab({"fats"});
  EXPECT_EQ(name.exit_code, 2);
  EXPECT_NE(name.err.find("there is no claim 'fats' (did you mean 'fast'?)"), std::string::npos)
      << name.err;
  const Finished cache = testing_support::run(
      duet_program(), {.arguments = {"lab", folder_.path() + "/claims/fast", "--cache", "/proc/x"},
                       .environment = {},
                       .directory = folder_.path(),
                       .terminal = false});
  EXPECT_EQ(cache.exit_code, 1) << cache.err << cache.out;
}

}  // namespace
}  // namespace duet
