// How the host stops: signals, what is in flight, the table at the end.
#include <gtest/gtest.h>
#include <signal.h>

#include <stdexcept>
#include <string>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::fetch;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

constexpr const char* kJs = R"(
import { existsSync } from "node:fs";
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
let gate;
export default async (request, env, ctx) => {
  const what = request.params.rest.split("/").pop();
  if (what === "slow") { await sleep(300); return "finished"; }
  if (what === "hold") {
    console.error("holding");
    while (!existsSync("let-go"));
    return "held";
  }
  if (what === "never") return new Promise(() => {});
  if (what === "after") {
    ctx.waitUntil(sleep(300).then(() => console.log("the work is done")));
    return "answered";
  }
  if (what === "stream") {
    let i = 0;
    return new Response(new ReadableStream({
      async pull(controller) {
        await sleep(20);
        if (i++ === 20) controller.close();
        else controller.enqueue(new TextEncoder().encode("piece\n"));
      },
    }));
  }
  return "hello";
};
)";

constexpr const char* kPy = R"(
import asyncio
import os
import sys
from duet import Response

async def work():
    await asyncio.sleep(0.3)
    print("the work is done")

async def pieces():
    for _ in range(20):
        await asyncio.sleep(0.02)
        yield "piece\n"

async def fetch(request, env, ctx):
    what = request.params["rest"].split("/")[-1]
    if what == "slow":
        await asyncio.sleep(0.3)
        return "finished"
    if what == "hold":
        print("holding", file=sys.stderr)
        while not os.path.exists("let-go"):
            pass
        return "held"
    if what == "never":
        await asyncio.get_running_loop().create_future()
    if what == "after":
        ctx.wait_until(work())
        return "answered"
    if what == "stream":
        return Response(pieces())
    return "hello"
)";

class Stop : public ::testing::TestWithParam<const char*> {
 protected:
  std::string target(const std::string& what) const {
    return "/" + std::string(GetParam()) + "/" + what;
  }
  void start(const std::string& shutdown = "10s") {
    directory_.write("a.mjs", kJs);
    directory_.write("a.py", kPy);
    directory_.write("duet.toml",
                     "[server.timeouts]\nshutdown = \"" + shutdown +
                         "\"\n[handlers.js]\nsource = \"a.mjs\"\n[handlers.py]\nsource "
                         "= \"a.py\"\n[[routes]]\npath = \"/js/{rest...}\"\nhandler = "
                         "\"js\"\n[[routes]]\npath = \"/py/{rest...}\"\nhandler = \"py\"\n");
    host_ = std::make_unique<DuetHost>(HostOptions{
        .arguments = {}, .environment = {}, .directory = directory_.path(), .listeners = 1});
  }
  // Sends a request and waits until the host has it.
  HttpClient begun(const std::string& what) {
    HttpClient client = host_->client();
    client.send("GET " + target(what) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(eventually([&] {
      const auto handlers = host_->api("/api/handlers");
      for (const auto& handler : handlers["handlers"]) {
        if (handler["in_flight"] > 0) return true;
      }
      return false;
    }));
    return client;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<DuetHost> host_;
};

INSTANTIATE_TEST_SUITE_P(In, Stop, ::testing::Values("js", "py"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Stop, FinishesWhatIsInFlightAndTakesNothingNew) {
  start();
  HttpClient waiting = begun("slow");
  HttpClient idle = host_->client();
  EXPECT_EQ(idle.get(target("hello")).body, "hello");
  host_->process().signal(SIGTERM);
  EXPECT_TRUE(idle.closed()) << "an idle connection is closed";
  EXPECT_THROW(host_->client(), std::runtime_error);
  const HttpResponse response = waiting.read();
  EXPECT_EQ(response.body, "finished");
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_EQ(host_->process().wait(), 0) << host_->process().err();
}

TEST_P(Stop, AnswersWhoCameBeforeItWasSeen) {
  start();
  HttpClient idle = host_->client();
  EXPECT_EQ(idle.get(target("hello")).body, "hello");
  HttpClient holding = host_->client();
  holding.send("GET " + target("hold") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(host_->process().wait_for_err("holding"));
  host_->process().signal(SIGTERM);
  HttpClient fresh = host_->client();
  for (HttpClient* client : {&idle, &fresh}) {
    client->send("GET " + target("hello") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  directory_.write("let-go", "");
  for (HttpClient* client : {&holding, &idle, &fresh}) {
    const HttpResponse response = client->read();
    EXPECT_EQ(response.body, client == &holding ? "held" : "hello");
  }
  EXPECT_TRUE(fresh.closed());
  EXPECT_EQ(host_->process().wait(), 0) << host_->process().err();
}

TEST_P(Stop, SaysWhoHoldsTheLoop) {
  start();
  HttpClient holding = host_->client();
  holding.send("GET " + target("hold") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(host_->process().wait_for_err("holding"));
  host_->process().signal(SIGINT);
  ASSERT_TRUE(host_->process().wait_for_err("a second signal ends at once\",\"handler\":\"" +
                                            std::string(GetParam()) + "\""))
      << host_->process().err();
  directory_.write("let-go", "");
  EXPECT_EQ(holding.read().body, "held");
  EXPECT_EQ(host_->process().wait(), 0) << host_->process().err();
}

// What node and python do on Ctrl-C: nobody waits for a module that computes or sleeps.
TEST_P(Stop, InterruptsAModuleThatStillLoads) {
  const bool js = std::string(GetParam()) == "js";
  directory_.write("a.mjs",
                   "console.error('loading');\nwhile (true);\nexport default () => 'a';\n");
  directory_.write(
      "a.py",
      "import sys, time\nprint('loading', file=sys.stderr)\ntry:\n    time.sleep(600)\n"
      "finally:\n    print('left', file=sys.stderr)\n");
  testing_support::Process process(
      testing_support::duet_program(),
      {.arguments = {"serve", "--listen", "127.0.0.1:0", "--admin", "off", js ? "a.mjs" : "a.py"},
       .directory = directory_.path()});
  ASSERT_TRUE(process.wait_for_err("loading"));
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(), 0) << process.err();
  EXPECT_NE(process.err().find(js ? "/a.mjs:2:" : "/a.py:4:"), std::string::npos)
      << "it says where it was: " << process.err();
  EXPECT_EQ(process.err().find("left") != std::string::npos, !js) << process.err();
}

TEST_P(Stop, FinishesAStream) {
  start();
  HttpClient client = host_->client();
  client.send("GET " + target("stream") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "piece\n");
  host_->process().signal(SIGINT);
  int pieces = 1;
  while (!client.read_chunk().empty()) ++pieces;
  EXPECT_EQ(pieces, 20);
  EXPECT_EQ(host_->process().wait(), 0);
}

TEST_P(Stop, WaitsForWorkAfterTheAnswer) {
  start();
  EXPECT_EQ(fetch(host_->address(), target("after")).body, "answered");
  EXPECT_EQ(host_->stop(), 0);
  EXPECT_NE((host_->process().err() + host_->process().out()).find("the work is done"),
            std::string::npos)
      << host_->process().err();
}

TEST_P(Stop, GivesUpOnWhatNeverEnds) {
  start("300ms");
  HttpClient waiting = begun("never");
  host_->process().signal(SIGTERM);
  EXPECT_EQ(waiting.read().status, 503);
  EXPECT_EQ(host_->process().wait(), 0);
}

TEST_P(Stop, SaysWhatItWaitsFor) {
  start();
  HttpClient waiting = begun("never");
  host_->process().signal(SIGTERM);
  const auto line = host_->log_line("still waiting for what is in flight");
  ASSERT_FALSE(line.is_null()) << host_->process().err();
  EXPECT_EQ(line["requests"], std::string(GetParam()) + " (1)");
  EXPECT_EQ(line["at_most"], "9.0 s");
  host_->process().signal(SIGTERM);
  EXPECT_EQ(host_->process().wait(), 128 + SIGTERM);
}

TEST_P(Stop, EndsAtOnceWhenAskedTwice) {
  start();
  HttpClient waiting = begun("never");
  host_->process().signal(SIGTERM);
  EXPECT_TRUE(host_->process().wait_for_err("stopping"));
  int code = -1;
  for (int asked = 0; asked < 50 && code == -1; ++asked) {
    host_->process().signal(SIGTERM);
    code = host_->process().wait(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(code, 128 + SIGTERM);
}

TEST_P(Stop, TakesAnEchoForTheSameSignal) {  // npm and `timeout` send two at once
  start();
  HttpClient waiting = begun("slow");
  const auto first = testing_support::Clock::now();
  do host_->process().signal(SIGTERM);
  while (testing_support::Clock::now() - first < std::chrono::milliseconds(20));
  EXPECT_EQ(waiting.read().body, "finished");
  EXPECT_EQ(host_->process().wait(), 0) << host_->process().err();
}

TEST_P(Stop, PrintsWhatItMeasured) {
  start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(fetch(host_->address(), target("hello")).status, 200);
  EXPECT_EQ(host_->stop(), 0);
  const std::string out = host_->process().out();
  for (const char* part : {"run", "queue", "write", GetParam()}) {
    EXPECT_NE(out.find(part), std::string::npos) << part << " is missing in:\n" << out;
  }
}

TEST(StopWithoutRequests, IsQuickAndClean) {
  TemporaryDirectory directory;
  DuetHost host({directory.write("a.mjs", kJs), directory.write("a.py", kPy)});
  const auto start = testing_support::Clock::now();
  EXPECT_EQ(host.stop(), 0);
  EXPECT_LT(testing_support::Clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace duet
