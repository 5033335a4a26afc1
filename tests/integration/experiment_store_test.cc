// Experiments survive the process: stopped, killed, or with a store that cannot be used.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using nlohmann::json;
using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::TemporaryDirectory;
using Clock = std::chrono::steady_clock;

class ExperimentStore : public ::testing::Test {
 protected:
  ExperimentStore() {
    const std::string hang = " if (request.url.includes('hang')) return new Promise(() => {});";
    directory_.write("a.mjs", "export default (request) => {" + hang + " return 'a'; };\n");
    directory_.write("b.mjs", "let n = 0;\nexport default (request) => {" + hang +
                                  " if (++n % 6 == 0) throw new Error('sixth');"
                                  " return 'b'; };\n");
  }
  std::string config(const std::string& guardrail = "", const std::string& server = "") {
    return directory_.write(
        "duet.toml",
        "[server]\n" + server +
            "[handlers]\na = { source = \"a.mjs\" }\nb = { source = \"b.mjs\" }\n"
            "[[routes]]\npath = \"/\"\nhandler = \"a\"\n[[experiment]]\nname = \"x\"\n"
            "route = \"/\"\nkey = \"random\"\n[[experiment.variants]]\nhandler = \"a\"\n"
            "[[experiment.variants]]\nhandler = \"b\"\n" +
            guardrail);
  }
  static json shown(const DuetHost& host) { return host.api("/api/experiments/x"); }
  static std::uint64_t requests(const json& experiment) {
    std::uint64_t sum = 0;
    for (const json& variant : experiment["variants"]) sum += variant["requests"].get<int>();
    return sum;
  }
  // Those of both variants that the guardrail has seen.
  static int judged(const json& experiment) {
    const json guardrail = experiment["variants"][1]["guardrails"][0];
    return guardrail["requests"].get<int>() + guardrail["control_requests"].get<int>();
  }
  // What is counted of the requests, without what depends on the moment.
  static json counted(const DuetHost& host) {
    const json one = shown(host);
    json all = json::array({one["split"]});
    for (const json& variant : one["variants"]) {
      for (const char* field : {"requests", "errors", "share", "rolled_back", "histogram",
                                "total_us", "guardrails", "quantiles"}) {
        all.push_back(variant[field]);
      }
    }
    return all;
  }

  // What the file has of them, also while a host writes it.
  std::uint64_t kept_requests() const {
    const auto report = testing_support::run(
        testing_support::duet_program(),
        {.arguments = {"report", "--store", directory_.path() + "/duet.db", "--json"},
         .environment = {},
         .directory = ""});
    return report.exit_code == 0 ? requests(json::parse(report.out)["experiment"]) : 0;
  }

  TemporaryDirectory directory_;
};

TEST_F(ExperimentStore, AStopLosesNothingAndTheBadVariantStaysOut) {
  const std::string file = config();
  json before;
  std::size_t audit = 0;
  {
    DuetHost host({file});
    HttpClient client = host.client();
    for (int i = 0; i < 600; ++i) client.get("/");
    ASSERT_TRUE(eventually([&] {
      const json one = shown(host);
      return one["variants"][1]["rolled_back"] == true && requests(one) == 600 &&
             judged(one) == 600;
    }));
    ASSERT_FALSE(host.log_line("'b' is rolled back by the guardrail 'errors'").is_null());
    before = counted(host);
    audit = shown(host)["audit"].size();
    EXPECT_EQ(host.stop(), 0);
  }
  const auto report = testing_support::run(
      testing_support::duet_program(),
      {.arguments = {"report", "--store", directory_.path() + "/duet.db", "--json"},
       .environment = {},
       .directory = ""});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  const json kept = json::parse(report.out)["experiment"];
  EXPECT_EQ(requests(kept), 600u);
  EXPECT_EQ(kept["variants"][1]["quantiles"].dump(), before[16].dump());
  EXPECT_EQ(testing_support::run(
                testing_support::duet_program(),
                {.arguments = {"report", "--store", file}, .environment = {}, .directory = ""})
                .exit_code,
            1);
  DuetHost host({file});
  EXPECT_FALSE(host.log_line("goes on after 600 requests; 'b' stays rolled back").is_null());
  EXPECT_EQ(counted(host).dump(), before.dump());
  EXPECT_EQ(shown(host)["audit"].size(), audit + 1);
  EXPECT_EQ(host.client().get("/").value("Duet-Variant"), "a");
  EXPECT_TRUE(shown(host)["store"].is_null());
}

TEST_F(ExperimentStore, WhatEndsJustBeforeTheStopIsJudged) {
  const std::string file = config();
  {
    DuetHost host({file});
    HttpClient client = host.client();
    for (int i = 0; i < 50; ++i) client.get("/");
    EXPECT_EQ(host.stop(), 0);
  }
  DuetHost host({file});
  EXPECT_EQ(judged(shown(host)), 50);
}

TEST_F(ExperimentStore, AKillUnderLoadLosesItsLastSecondAtMost) {
  const std::string file = config("[[experiment.guardrails]]\nslower_than = \"10s\"\n");
  std::vector<Clock::time_point> answered;
  Clock::time_point killed;
  {
    DuetHost host({file});
    std::thread load([&] {
      try {
        HttpClient client = host.client();
        while (true) {
          client.get("/");
          answered.push_back(Clock::now());
        }
      } catch (const std::exception&) {  // it is dead
      }
    });
    std::thread waiting([&] {
      try {
        host.client().get("/?hang");
      } catch (const std::exception&) {  // it is dead
      }
    });
    const auto begun = Clock::now();
    EXPECT_TRUE(eventually([&] { return Clock::now() - begun > std::chrono::milliseconds(2600); }));
    killed = Clock::now();
    host.process().signal(SIGKILL);
    EXPECT_EQ(host.process().wait(), 128 + SIGKILL);
    load.join();
    waiting.join();
  }
  DuetHost host({file});
  ASSERT_FALSE(host.log_line("the process before did not stop by itself").is_null())
      << host.process().err();
  // A second between two writes, a tenth until the next look, and what a busy machine takes.
  const auto least = static_cast<std::uint64_t>(std::count_if(
      answered.begin(), answered.end(),
      [&](Clock::time_point at) { return at < killed - std::chrono::milliseconds(1500); }));
  ASSERT_GT(least, 100u);
  const std::uint64_t kept = requests(shown(host));
  EXPECT_GE(kept, least) << "of " << answered.size();
  EXPECT_LE(kept, answered.size() + 2);
  const json variants = shown(host)["variants"];
  // The one that hung, and perhaps one of the load.
  const int lost = variants[0]["lost"].get<int>() + variants[1]["lost"].get<int>();
  EXPECT_GE(lost, 1);
  EXPECT_LE(lost, 2);
  EXPECT_GT(variants[1]["errors"], 0);
  EXPECT_FALSE(shown(host)["split"]["wrong"].get<bool>());
  EXPECT_FALSE(variants[1]["guardrails"][0]["crossed"].get<bool>());
  host.client().get("/");
  EXPECT_TRUE(eventually([&] { return requests(shown(host)) == kept + 1; }));
}

TEST_F(ExperimentStore, WhatEndedBehindAStreamBeforeAKillIsInTheEvidence) {
  const std::string file = config();
  {
    DuetHost host({file});
    HttpClient hanging = host.client();
    hanging.send("GET /?hang HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto in_flight = [&] {
      const json variants = shown(host)["variants"];
      return variants[0]["in_flight"].get<int>() + variants[1]["in_flight"].get<int>();
    };
    ASSERT_TRUE(eventually([&] { return in_flight() == 1; }));
    for (int i = 0; i < 40; ++i) host.client().get("/");
    ASSERT_TRUE(eventually([&] { return kept_requests() == 40; }));
    ASSERT_EQ(judged(shown(host)), 0) << "nothing waits: the test says nothing";
    host.process().signal(SIGKILL);
    EXPECT_EQ(host.process().wait(), 128 + SIGKILL);
  }
  DuetHost host({file});
  EXPECT_EQ(judged(shown(host)), 41) << "40 that ended, and the one that the process took with it";
}

// Holds the store as somebody's backup or shell does, until it is killed.
std::unique_ptr<testing_support::Process> lock_of(const std::string& path) {
  auto holder = std::make_unique<testing_support::Process>(
      "/usr/bin/env",
      testing_support::ProcessOptions{
          .arguments = {"python3", "-c",
                        "import signal, sqlite3, sys\n"
                        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                        "db.execute('BEGIN EXCLUSIVE')\nprint('locked', flush=True)\n"
                        "signal.pause()\n",
                        path},
          .environment = {},
          .directory = ""});
  EXPECT_EQ(holder->out_line(0), "locked") << holder->err();
  return holder;
}

TEST_F(ExperimentStore, AStoreThatIsLockedAtTheStartIsTakenUpAndWrittenWhenItIsFree) {
  const std::string file = config();
  const auto serve = [](const DuetHost& host, int requests) {
    HttpClient client = host.client();
    for (int i = 0; i < requests; ++i) client.get("/");
  };
  {
    DuetHost host({file});
    serve(host, 30);
    EXPECT_EQ(host.stop(), 0);
  }
  {
    const auto holder = lock_of(directory_.path() + "/duet.db");
    DuetHost host({file});
    const json line = host.log_line("experiments: what is counted is not kept");
    ASSERT_FALSE(line.is_null());
    EXPECT_EQ(line["hint"], "another program has locked it");
    EXPECT_FALSE(host.log_line("experiment 'x' goes on after 30 requests").is_null());
    serve(host, 20);
    EXPECT_TRUE(eventually([&] { return requests(shown(host)) == 50; }));
    EXPECT_FALSE(shown(host)["store"].is_null());
    holder->signal(SIGKILL);
    EXPECT_FALSE(
        host.log_line("what is counted is kept again, with what was counted meanwhile").is_null());
    EXPECT_TRUE(shown(host)["store"].is_null());
    EXPECT_TRUE(eventually([&] { return kept_requests() == 50; }));
    host.process().signal(SIGKILL);
    EXPECT_EQ(host.process().wait(), 128 + SIGKILL);
  }
  DuetHost host({file});
  EXPECT_EQ(requests(shown(host)), 50u);
}

// As when a new process starts before the old one has stopped.
TEST_F(ExperimentStore, AStoreThatAnotherDuetWritesIsTakenOverWhenThatStops) {
  const std::string file = config();
  auto old = std::make_unique<DuetHost>(std::vector<std::string>{file});
  for (int i = 0; i < 30; ++i) old->client().get("/");
  ASSERT_TRUE(eventually([&] { return kept_requests() == 30; }));
  DuetHost host({file});
  EXPECT_EQ(host.log_line("experiments: what is counted is not kept")["why"],
            "another duet writes it");
  EXPECT_FALSE(host.log_line("goes on after 30 requests; another duet still counts").is_null());
  EXPECT_EQ(shown(host)["variants"][0]["lost"], 0) << "what it has in flight is not lost";
  host.client().get("/");
  EXPECT_EQ(old->stop(), 0);
  EXPECT_FALSE(host.log_line("what is counted is kept again").is_null());
  EXPECT_TRUE(eventually([&] { return kept_requests() == 31; }));
  EXPECT_EQ(host.stop(), 0);
}

TEST_F(ExperimentStore, AStoreThatCannotBeUsedIsSaidAndTheHostServes) {
  const std::string file = config("", "store = \"/proc/duet.db\"\n");
  DuetHost host({file});
  const json line = host.log_line("experiments: what is counted is not kept");
  ASSERT_FALSE(line.is_null());
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["store"], "/proc/duet.db");
  EXPECT_EQ(host.client().get("/").status, 200);
  EXPECT_TRUE(
      shown(host)["store"].get<std::string>().starts_with("/proc/duet.db: cannot be opened"));
}

TEST_F(ExperimentStore, ADamagedStoreIsPutAsideAndTheHostServes) {
  const std::string file = config();
  const std::string path = directory_.path() + "/duet.db";
  {
    DuetHost host({file});
    for (int i = 0; i < 10; ++i) host.client().get("/");
    EXPECT_EQ(host.stop(), 0);
  }
  {
    std::fstream damaged(path, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(4096);
    damaged << std::string(8192, 'Z');
  }
  DuetHost host({file});
  EXPECT_FALSE(host.log_line("what was counted before is lost: the store is damaged").is_null());
  host.client().get("/");
  EXPECT_TRUE(eventually([&] { return requests(shown(host)) == 1; }));
  EXPECT_TRUE(shown(host)["store"].is_null()) << "a new one is begun";
}

TEST_F(ExperimentStore, AnotherConfigurationBeginsAnew) {
  {
    DuetHost host({config()});
    for (int i = 0; i < 10; ++i) host.client().get("/");
    EXPECT_EQ(host.stop(), 0);
  }
  DuetHost host({config("[[experiment.guardrails]]\nslower_than = \"1s\"\n")});
  EXPECT_FALSE(host.log_line("experiment 'x' begins anew: its variants, key").is_null());
  EXPECT_EQ(requests(shown(host)), 0u);
}

}  // namespace
}  // namespace duet
