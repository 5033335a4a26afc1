// What shadow traffic has shown survives the process: stopped, killed, or with a store that lost
// it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/shadow_config.h"
#include "tests/support/duet_host.h"

namespace duet {
namespace {

using nlohmann::json;
using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::TemporaryDirectory;
using Clock = std::chrono::steady_clock;

class ShadowStore : public ::testing::Test {
 protected:
  ShadowStore() {
    directory_.write("js.mjs",
                     "export default () => Response.json({ price: 12, id: Math.random() });\n");
    directory_.write("py.py", R"(
import random

def fetch():
    return {"price": 13, "id": random.random()}
)");
  }

  std::string config(const std::string& shadow = "") {
    return directory_.write("duet.toml", shadow_config("py", "py.py", R"(["GET"])", shadow));
  }
  static json experiment(const DuetHost& host) { return host.api("/api/experiments/price"); }
  static json shadow(const DuetHost& host) { return experiment(host)["shadow"]; }
  static int compared(const json& shadow) { return shadow["variants"][0]["compared"].get<int>(); }
  static bool compares(const DuetHost& host, int least) {
    return eventually([&] { return compared(shadow(host)) >= least; });
  }
  static void serve(const DuetHost& host, int requests) {
    HttpClient client = host.client();
    for (int i = 0; i < requests; ++i) client.get("/c/" + std::to_string(i));
    ASSERT_TRUE(compares(host, requests)) << shadow(host).dump(1);
  }
  static testing_support::Finished duet(std::vector<std::string> arguments) {
    return testing_support::run(
        testing_support::duet_program(),
        {.arguments = std::move(arguments), .environment = {}, .directory = ""});
  }
  std::string database() const { return directory_.path() + "/duet.db"; }
  // As another program: by Python's own SQLite.
  void sql(const std::string& statement) const {
    const auto done = testing_support::run(
        "/usr/bin/env", {.arguments = {"python3", "-c",
                                       "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n"
                                       "db.execute(sys.argv[2])\ndb.commit()\n",
                                       database(), statement},
                         .environment = {},
                         .directory = ""});
    ASSERT_EQ(done.exit_code, 0) << done.err;
  }

  TemporaryDirectory directory_;
};

TEST_F(ShadowStore, AStopLosesNothingOfIt) {
  const std::string file = config();
  json before;
  {
    DuetHost host({file});
    serve(host, 30);
    before = shadow(host);
    ASSERT_TRUE(before["variants"][0]["fields"][0]["differs"]);
    EXPECT_EQ(host.stop(), 0);
  }
  const auto report = duet({"report", "--store", database(), "--json"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  EXPECT_EQ(json::parse(report.out)["experiment"]["shadow"].dump(), before.dump());

  DuetHost host({file});
  EXPECT_EQ(shadow(host).dump(), before.dump());
  serve(host, 31);
  const json field = shadow(host)["variants"][0]["fields"][0];
  EXPECT_EQ(field["example"]["request"], "GET /c/0") << "the first one's";
  EXPECT_GT(field["log_e"], before["variants"][0]["fields"][0]["log_e"]);
}

TEST_F(ShadowStore, AKillUnderLoadLosesItsLastSecondAtMost) {
  const std::string file = config();
  int early = 0;
  std::atomic<int> sent = 0;
  {
    DuetHost host({file});
    std::thread load([&] {
      try {
        HttpClient client = host.client();
        while (true) {
          ++sent;
          client.get("/c/x");
        }
      } catch (const std::exception&) {  // it is dead
      }
    });
    ASSERT_TRUE(compares(host, 30));
    early = compared(shadow(host));
    const auto seen = Clock::now();
    // A second between two writes, a tenth until the next look, and what a busy machine takes.
    EXPECT_TRUE(eventually([&] { return Clock::now() - seen > std::chrono::milliseconds(1500); }));
    host.process().signal(SIGKILL);
    EXPECT_EQ(host.process().wait(), 128 + SIGKILL);
    load.join();
  }
  const auto report = duet({"report", "--store", database()});
  EXPECT_NE(report.out.find("'py' ANSWERS DIFFERENTLY from 'js' in $.price"), std::string::npos)
      << report.out << report.err;
  EXPECT_NE(report.out.find("12 -> 13 (GET /c/x)"), std::string::npos) << report.out;

  DuetHost host({file});
  const json kept = shadow(host);
  EXPECT_GE(compared(kept), early);
  EXPECT_LE(compared(kept), sent.load());
  EXPECT_EQ(kept["variants"][0]["fields"][0]["name"], "$.price");
  EXPECT_EQ(kept["variants"][0]["fields"][0]["raw_only"], compared(kept));
  EXPECT_FALSE(kept["variants"][0]["fields"][1]["differs"].get<bool>()) << "$.id is noise";
  host.client().get("/c/x");
  EXPECT_TRUE(compares(host, compared(kept) + 1));
}

// Copies are compared after the last request: nothing but their own word makes the host write.
TEST_F(ShadowStore, WhatIsComparedAfterTheLastRequestIsWrittenToo) {
  directory_.write("py.py", R"(
import asyncio

async def fetch():
    await asyncio.sleep(1.5)
    return {"price": 13}
)");
  DuetHost host({config()});
  host.client().get("/c/x");
  EXPECT_TRUE(eventually([&] {
    const auto report = duet({"report", "--store", database(), "--json"});
    return report.exit_code == 0 && compared(json::parse(report.out)["experiment"]["shadow"]) == 1;
  }));
}

TEST_F(ShadowStore, OtherIgnoredFieldsBeginAnewAndTheRestGoesOn) {
  {
    DuetHost host({config()});
    serve(host, 20);
    EXPECT_EQ(host.stop(), 0);
  }
  DuetHost host({config("ignore = [\"$.id\"]\n")});
  EXPECT_FALSE(host.log_line("what its shadow traffic has shown begins anew: other fields are "
                             "ignored than before")
                   .is_null());
  EXPECT_EQ(shadow(host)["sampled"], 0);
  EXPECT_EQ(experiment(host)["variants"][0]["requests"], 20);
}

TEST_F(ShadowStore, WhatCannotBeReadIsSaidAndTheRestGoesOn) {
  const std::string file = config();
  {
    DuetHost host({file});
    serve(host, 20);
    EXPECT_EQ(host.stop(), 0);
  }
  sql("UPDATE shadow SET state = '{\"rate\": 1}'");
  const auto report = duet({"report", "--store", database()});
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_NE(report.err.find("what it has of the experiment 'price' cannot be read"),
            std::string::npos)
      << report.err;
  DuetHost host({file});
  EXPECT_FALSE(host.log_line("begins anew: what the store has of it cannot be read").is_null());
  EXPECT_EQ(compared(shadow(host)), 0);
  EXPECT_EQ(experiment(host)["variants"][0]["requests"], 20);
  serve(host, 3);
  EXPECT_EQ(host.stop(), 0);
  EXPECT_EQ(duet({"report", "--store", database()}).exit_code, 0);
}

TEST_F(ShadowStore, AVariantThatWasMendedIsComparedAnewWhenSomebodySaysSo) {
  const std::string file = config();
  {
    DuetHost host({file});
    serve(host, 20);
    EXPECT_EQ(host.stop(), 0);
  }
  directory_.write("py.py",
                   "import random\n\ndef fetch():\n"
                   "    return {'price': 12, 'id': random.random()}\n");
  DuetHost host({file});
  serve(host, 41);
  ASSERT_TRUE(compares(host, 61));
  const std::string admin = host.admin().substr(7);
  const auto shown = [&] { return duet({"experiment", "show", "price", "--admin", admin}).out; };
  EXPECT_NE(shown().find("differed, not in the last "), std::string::npos) << shown();
  const auto done = duet({"experiment", "recompare", "price", "--by", "ann", "--admin", admin});
  EXPECT_EQ(done.out,
            "experiment 'price': what its shadow traffic has shown so far counts no more\n");
  EXPECT_EQ(shadow(host)["sampled"], 0);
  const json audit = experiment(host)["audit"];
  EXPECT_EQ(audit.back()["who"], "ann");
  serve(host, 20);
  EXPECT_NE(shown().find("'py' answers like 'js', as far as 20 copies show"), std::string::npos)
      << shown();
  EXPECT_EQ(experiment(host)["variants"][0]["requests"], 81) << "its counts go on";
}

}  // namespace
}  // namespace duet
