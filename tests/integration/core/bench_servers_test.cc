// Servers that `duet bench` starts by a command: measured beside others, and gone afterwards.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/integration/core/bench_process.h"
#include "tests/support/test_server.h"

namespace duet {
namespace {

using Json = nlohmann::json;
using testing_support::bench;
using testing_support::bench_options;
using testing_support::duet_program;
using testing_support::eventually;
using testing_support::Finished;
using testing_support::HttpClient;
using testing_support::Process;
using testing_support::serve_hello;
using testing_support::TemporaryDirectory;

// Whether somebody listens on the port that a command wrote into that file.
bool listens(const std::string& port_file) {
  std::string port;
  std::ifstream(port_file) >> port;
  if (port.empty()) return false;
  try {
    return HttpClient("127.0.0.1:" + port).get("/").status == 200;
  } catch (const std::exception&) {
    return false;
  }
}

TEST(BenchServers, ACommandIsMeasuredBesideAHandlerAndAUrl) {
  testing_support::DuetHost running(testing_support::HostOptions{
      .arguments = {"hello.so"}, .environment = {}, .directory = "", .listeners = 1});
  const Finished finished =
      bench({"file=hello.so", "url=" + running.address(), "--command", "shell=" + serve_hello(),
             "--command", "PORT_OF_IT=1 " + serve_hello(), "--command",
             "exec " + duet_program() + " serve hello.so --listen 127.0.0.1:$PORT --admin off",
             "--rate", "200", "--duration", "500ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json result = Json::parse(finished.out);
  const std::vector<std::string> names = {"file", "url", "shell", "duet", "duet#2", "file (A/A)"};
  ASSERT_EQ(result["arms"].size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Json& arm = result["arms"][i];
    EXPECT_EQ(arm["name"], names[i]);
    EXPECT_GT(arm["requests"], 0) << arm;
    EXPECT_EQ(arm["answered"], arm["requests"]) << arm;
    EXPECT_EQ(arm["bad_status"], 0) << arm;
  }
}

// Otherwise another process could get it before the server listens.
TEST(BenchServers, APortIsNoneOfThoseThatTheKernelGivesAway) {
  int first = 0, last = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
  const TemporaryDirectory folder;
  const std::string file = folder.path() + "/port";
  const Finished finished = bench({"--command", "echo {port} > " + file + "; " + serve_hello(),
                                   "--rate", "50", "--duration", "200ms", "--warmup", "0"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  int port = 0;
  std::ifstream(file) >> port;
  EXPECT_GT(port, 0);
  const bool gives_all = first <= 10'000 && last >= 65'535;  // then there is no better one
  EXPECT_TRUE(gives_all || (port >= 10'000 && (port < first || port > last))) << port;
}

// What the kernel lets a process use, as a command of the bench's wrote it down.
std::string processors_in(const std::string& file) {
  std::string name, list;
  std::ifstream(file) >> name >> list;
  return list;
}

TEST(BenchServers, PinnedTheyAndTheGeneratorHaveProcessorsOfTheirOwn) {
  TemporaryDirectory directory;
  const std::string server = directory.path() + "/server", itself = directory.path() + "/bench";
  const auto note = [](const std::string& of, const std::string& file) {
    return "grep Cpus_allowed_list /proc/" + of + "/status > " + file + "; ";
  };
  const Finished finished =
      bench({"--command", "noted=" + note("self", server) + note("$PPID", itself) + serve_hello(),
             "--pin", "--rate", "200", "--duration", "300ms", "--warmup", "0", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const Json pinned = Json::parse(finished.out)["load"]["pinned"];
  EXPECT_EQ(pinned["servers"], processors_in(server));
  EXPECT_EQ(pinned["generator"], processors_in(itself));
  EXPECT_NE(pinned["servers"], pinned["generator"]);

  const Finished text = bench({"hello.so", "--pin", "--duration", "200ms", "--warmup", "0"});
  EXPECT_NE(text.out.find("; servers on processor " + pinned["servers"].get<std::string>() +
                          ", the generator on " + pinned["generator"].get<std::string>() + ";"),
            std::string::npos)
      << text.out;
  EXPECT_EQ(bench({"hello.so", "--pin=0/0"}).exit_code, 2);
}

TEST(BenchServers, WhatACommandThatFailsSaysIsShown) {
  const Finished finished =
      bench({"hello.so", "--command", "bad=echo no such application >&2; exit 3"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE(finished.err.find("bad: it ended before it listened (exit code 3)"), std::string::npos)
      << finished.err;
  EXPECT_NE(finished.err.find("\n  no such application\n"), std::string::npos) << finished.err;
}

TEST(BenchServers, AServerThatEndsDuringTheRunIsSaid) {
  // It is killed once it has answered somebody else, who asks it meanwhile.
  const Finished finished =
      bench({"--command",
             "dies=" + serve_hello() + " & while ! " + duet_program() +
                 " bench http://127.0.0.1:{port}/ --duration 100ms --warmup 0 >/dev/null 2>&1; do "
                 ":; done; echo out of luck; kill -9 $!; exit 4",
             "--rate", "200", "--duration", "3s", "--warmup", "0", "--connections", "2",
             "--patience", "300ms"});
  EXPECT_EQ(finished.exit_code, 1) << finished.err;
  EXPECT_NE(finished.err.find("dies: its server ended during the run (exit code 4): the run has "
                              "no valid result"),
            std::string::npos)
      << finished.err;
  EXPECT_NE(finished.err.find("ended during the run (exit code 4)"), std::string::npos)
      << finished.err;
  EXPECT_NE(finished.err.find("out of luck"), std::string::npos) << finished.err;
  EXPECT_NE(finished.out.find("its server ended: exit code 4"), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find(" refused"), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("no connection was free"), std::string::npos) << finished.out;
}

TEST(BenchServers, AServerElsewhereThatLeavesDuringTheRunFailsIt) {
  testing_support::DuetHost running(testing_support::HostOptions{
      .arguments = {"hello.so"}, .environment = {}, .directory = "", .listeners = 1});
  Process process(duet_program(),
                  bench_options({running.address(), "--rate", "200", "--duration", "3s", "--warmup",
                                 "0", "--patience", "300ms", "--json"}));
  ASSERT_TRUE(process.wait_for_err("%, ", std::chrono::seconds(30))) << process.err();
  running.stop();
  EXPECT_EQ(process.wait(std::chrono::seconds(30)), 1) << process.err();
  const std::string why = Json::parse(process.out())["arms"][0]["gone"];
  EXPECT_NE(why.find("Connection refused"), std::string::npos) << why;
  EXPECT_NE(process.err().find(why + ": the run has no valid result"), std::string::npos)
      << process.err();
}

class BenchEnds : public ::testing::TestWithParam<int> {};

TEST_P(BenchEnds, AndItsServersWithIt) {
  TemporaryDirectory directory;
  const std::string port_file = directory.path() + "/port";
  // The server is a grandchild, which the shell waits for.
  const std::string command = "echo {port} > " + port_file + "; " + serve_hello() + " & wait";
  Process process(duet_program(),
                  bench_options({"--command", command, "--duration", "60s", "--block", "20ms"}));
  ASSERT_TRUE(process.wait_for_err("%, ", std::chrono::seconds(30))) << process.err();
  ASSERT_TRUE(listens(port_file));
  process.signal(GetParam());
  process.wait(std::chrono::seconds(30));
  EXPECT_TRUE(eventually([&] { return !listens(port_file); }));
}

INSTANTIATE_TEST_SUITE_P(BySignal, BenchEnds, ::testing::Values(SIGINT, SIGKILL));

}  // namespace
}  // namespace duet
