// From a request's head to a handler: routes, sizes, readiness, bodies, deadlines. The engine is a
// fake one.
#include "host/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_server.h"

namespace duet {
namespace {

using testing_support::answer;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TestServer;

using Events = std::vector<std::string>;

// Calls a function for each dispatch, and notes what it is told.
class FakeRuntime final : public Runtime {
 public:
  std::function<void(std::uint32_t slot, Exchange&)> handler;
  Events events;

  std::string_view name() const override { return "fake"; }
  std::vector<std::pair<std::string, std::string>> versions() const override { return {}; }
  Result<void> start(const RuntimeContext&) override { return {}; }
  void load(const HandlerSpec&, std::function<void(Result<LoadedHandler>)> done) override {
    done(LoadedHandler{});
  }
  void enter() noexcept override { events.emplace_back("enter"); }
  void leave() noexcept override { events.emplace_back("leave"); }
  void dispatch(std::uint32_t slot, Exchange& exchange) noexcept override {
    events.push_back("dispatch " + std::to_string(slot) + " " +
                     std::string(exchange.head().target()));
    if (handler) handler(slot, exchange);
  }
  void interrupt() noexcept override {}
  RuntimeUsage usage() const override { return {}; }
  void stop(Nanos, std::function<void()> done) override { done(); }
  void on_body(Exchange&) noexcept override { events.emplace_back("body"); }
  void on_writable(Exchange&) noexcept override {}
  void on_abort(Exchange&, AbortReason reason) noexcept override {
    events.emplace_back(reason == AbortReason::kDeadline ? "abort deadline" : "abort");
  }
  void on_end(Exchange&) noexcept override { events.emplace_back("end"); }
};

struct Observer final : PipelineObserver {
  Events seen;
  void started(const Exchange& exchange) noexcept override {
    seen.push_back("started " + std::string(exchange.head().target()));
  }
  void over(const Exchange& exchange) noexcept override {
    seen.push_back("over " + std::string(exchange.head().target()) + " " +
                   std::to_string(exchange.status()));
  }
  void unrouted(const Exchange& exchange) noexcept override {
    seen.push_back("unrouted " + std::to_string(exchange.status()));
  }
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest()
      : server_({}, [this](Loop& loop, measure::Ledger& ledger) {
          auto pipeline = std::make_shared<Pipeline>(loop, ledger);
          add_handler(*pipeline, 0, "echo", "/echo/{name}", {"GET"});
          add_handler(*pipeline, 1, "whole", "/whole", {"POST", "PUT"});
          add_handler(*pipeline, 2, "loading", "/loading", {});
          pipeline->ready(0, runtime_, {.slot = 7, .wants_whole_body = false, .shape = ""});
          pipeline->ready(1, runtime_, {.slot = 8, .wants_whole_body = true, .shape = ""});
          pipeline->add_observer(observer_);
          pipeline_ = pipeline.get();
          ledger_ = &ledger;
          ledger.add_handler(2);
          return pipeline;
        }) {
    runtime_.handler = [](std::uint32_t, Exchange& exchange) {
      answer(exchange,
             exchange.params().empty() ? exchange.take_body() : exchange.params()[0].value);
    };
  }

  static void add_handler(Pipeline& pipeline, measure::HandlerIndex index, const char* name,
                          const char* pattern, const std::vector<std::string>& methods) {
    HandlerSpec spec;
    spec.name = name;
    spec.index = index;
    spec.deadline = 80 * kMillisecond;
    spec.body_limit = 100;
    pipeline.add_handler(spec, "fake", false);
    ASSERT_TRUE(pipeline.add_route(methods, pattern, index).ok());
  }
  Events events() {
    return server_.run([&] { return runtime_.events; });
  }
  Events observed() {
    return server_.run([&] { return observer_.seen; });
  }

  FakeRuntime runtime_;
  Observer observer_;
  Pipeline* pipeline_ = nullptr;  // in server_.run() only
  measure::Ledger* ledger_ = nullptr;
  TestServer server_;
};

TEST_F(PipelineTest, DispatchesToTheRoutesHandlerWithItsParameters) {
  HttpClient client = server_.client();
  const HttpResponse response = client.get("/echo/a%20b?q=1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "a b");
  EXPECT_TRUE(eventually([&] { return events().size() == 4; }));
  EXPECT_EQ(events(), (Events{"enter", "dispatch 7 /echo/a%20b?q=1", "leave", "end"}));
  EXPECT_EQ(observed(), (Events{"started /echo/a%20b?q=1", "over /echo/a%20b?q=1 200"}));
}

TEST_F(PipelineTest, EntersTheEngineOnceForTheRequestsOfOneRead) {
  HttpClient client = server_.client();
  client.send(
      "GET /echo/1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /echo/2 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /echo/3 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read().body, "1");
  EXPECT_EQ(client.read().body, "2");
  EXPECT_EQ(client.read().status, 404);
  EXPECT_EQ(client.read().body, "3");
  EXPECT_TRUE(eventually([&] { return events().size() == 8; }));
  EXPECT_EQ(events(), (Events{"enter", "dispatch 7 /echo/1", "dispatch 7 /echo/2",
                              "dispatch 7 /echo/3", "leave", "end", "end", "end"}));
}

TEST_F(PipelineTest, RunsWhatSeveralConnectionsSentInOneTurn) {
  HttpClient a = server_.client();
  HttpClient b = server_.client();
  for (HttpClient* client : {&a, &b}) EXPECT_EQ(client->get("/echo/accepted").status, 200);
  ASSERT_TRUE(eventually([&] { return events().size() == 8; }));
  server_.run([&] {  // the loop finds both when it goes on
    runtime_.events.clear();
    a.send("GET /echo/a HTTP/1.1\r\nHost: a\r\n\r\n");
    b.send("GET /echo/b HTTP/1.1\r\nHost: a\r\n\r\n");
  });
  EXPECT_EQ(a.read().body, "a");
  EXPECT_EQ(b.read().body, "b");
  ASSERT_TRUE(eventually([&] { return events().size() == 6; }));
  Events seen = events();
  std::sort(seen.begin() + 1, seen.begin() + 3);
  EXPECT_EQ(seen,
            (Events{"enter", "dispatch 7 /echo/a", "dispatch 7 /echo/b", "leave", "end", "end"}));
}

// Three of 0.3 ms leave together: each time that answers leave, a client is woken.
TEST_F(PipelineTest, SendsTheAnswersOfAMillisecondTogether) {
  runtime_.handler = [&](std::uint32_t, Exchange& exchange) {
    const Nanos at = ledger_->begin(exchange.handler(), &exchange.timeline());
    answer(exchange, "done");
    while (now() - at < 300 * kMicrosecond) {
    }
    ledger_->end(measure::Phase::kAwait);
  };
  HttpClient client = server_.client();
  std::string four;
  for (int i = 0; i < 4; ++i) four += "GET /echo/1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto three_together = [&] {  // once it is known how long the handler takes
    server_.run([&] { runtime_.events.clear(); });
    client.send(four);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(client.read().body, "done");
    EXPECT_TRUE(eventually([&] {
      const Events seen = events();
      return std::count(seen.begin(), seen.end(), "end") == 4;
    }));
    const std::string one = "dispatch 7 /echo/1";
    return events() == Events{"enter", one,   one,     one, "leave", "end",
                              "end",   "end", "enter", one, "leave", "end"};
  };
  EXPECT_TRUE(eventually(three_together));
}

// Whatever is read behind a request, its answer does not wait for a handler that is known to be
// slow; it does for those that are known to be short.
TEST_F(PipelineTest, SendsAnAnswerBeforeALongHandlerRuns) {
  runtime_.handler = [&](std::uint32_t slot, Exchange& exchange) {
    const Nanos at = ledger_->begin(exchange.handler(), &exchange.timeline());
    answer(exchange, "done");
    ledger_->end(measure::Phase::kAwait, at + (slot == 8 ? 2 * kMillisecond : 0));
  };
  HttpClient client = server_.client();
  const auto all_over = [&] {
    const Events seen = events();
    const auto dispatched = std::count_if(seen.begin(), seen.end(), [](const std::string& event) {
      return event.starts_with("dispatch");
    });
    return std::count(seen.begin(), seen.end(), "end") == dispatched;
  };
  const auto together = [&] {  // a processor that was taken away in between makes it seem long
    server_.run([&] { runtime_.events.clear(); });
    client.send("GET /echo/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /echo/2 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client.read().status, 200);
    EXPECT_TRUE(eventually(all_over));
    const Events seen = events();
    return seen.size() > 2 && seen[2] == "dispatch 7 /echo/2";
  };
  EXPECT_TRUE(eventually(together));
  EXPECT_EQ(client.post("/whole", "").status, 200);  // so much it takes
  ASSERT_TRUE(eventually(all_over));
  server_.run([&] { runtime_.events.clear(); });
  client.send(
      "GET /echo/fast HTTP/1.1\r\nHost: a\r\n\r\n"
      "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
      "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read().status, 200);
  ASSERT_TRUE(eventually([&] { return events().size() == 12; }));
  EXPECT_EQ(events(), (Events{"enter", "dispatch 7 /echo/fast", "leave", "end",  //
                              "enter", "dispatch 8 /whole", "leave", "end",      //
                              "enter", "dispatch 8 /whole", "leave", "end"}));
}

TEST_F(PipelineTest, AnswersWhatNoRouteTakes) {
  HttpClient client = server_.client();
  const HttpResponse response = client.get("/nowhere");
  EXPECT_EQ(response.status, 404);
  EXPECT_TRUE(response.body.starts_with("404 Not Found\n")) << response.body;
  EXPECT_EQ(response.value("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(client.get("/echo/x").status, 200) << "the connection goes on";
  EXPECT_TRUE(eventually([&] { return observed().size() == 3; }));
  EXPECT_EQ(observed()[0], "unrouted 404");
}

TEST_F(PipelineTest, AnswersWhatIsAboutNoPathItself) {
  server_.run([&] { add_handler(*pipeline_, 3, "all", "/{rest...}", {}); });
  HttpClient client = server_.client();
  for (const char* target : {"*", "http://a"}) {
    client.send("OPTIONS " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read().status, 204) << target;
  }
  const HttpResponse response = client.ask("CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n");
  EXPECT_EQ(response.status, 501);
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(events().empty());
}

TEST_F(PipelineTest, GivesConnectToTheHandlerThatTakesIt) {
  server_.run([&] {
    add_handler(*pipeline_, 3, "proxy", "/proxy", {});
    LoadedHandler proxy;
    proxy.slot = 7;
    proxy.takes_connect = true;
    pipeline_->ready(3, runtime_, proxy);
    runtime_.handler = [](std::uint32_t, Exchange& exchange) {
      EXPECT_TRUE(exchange.can_upgrade());
      http::ResponseHead head;
      head.reset(407);
      exchange.respond(head, "who are you?");
    };
  });
  HttpClient client = server_.client();
  const HttpResponse response = client.ask("CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n");
  EXPECT_EQ(response.status, 407);
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_EQ(events(), (Events{"enter", "dispatch 7 b:80", "leave", "end"}));
}

TEST_F(PipelineTest, SaysWhichMethodsAPathTakes) {
  HttpClient client = server_.client();
  const HttpResponse response = client.get("/whole");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.value("allow"), "POST, PUT");
  EXPECT_NE(response.body.find("POST, PUT"), std::string::npos) << response.body;
}

TEST_F(PipelineTest, AnswersHeadWhereGetIsRouted) {
  HttpClient client = server_.client();
  const HttpResponse response = client.ask("HEAD /echo/four HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.value("content-length"), "4");
}

TEST_F(PipelineTest, RefusesABodyDeclaredTooLongBeforeAnybodyWaits) {
  HttpClient client = server_.client();
  const HttpResponse response =
      client.ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(response.status, 413);
  EXPECT_NE(response.body.find("100 bytes"), std::string::npos) << response.body;
  EXPECT_EQ(events(), Events{});
}

TEST_F(PipelineTest, Answers503WhileAHandlerIsNotReady) {
  HttpClient client = server_.client();
  const HttpResponse response = client.get("/loading");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.value("retry-after"), "1");
  EXPECT_NE(response.body.find("still being loaded"), std::string::npos) << response.body;
  server_.run([&] { pipeline_->ready(2, runtime_, {}); });
  EXPECT_EQ(client.get("/loading").status, 200);
}

TEST_F(PipelineTest, Answers503OnceTheEngineIsDegraded) {
  HttpClient client = server_.client();
  EXPECT_EQ(client.get("/echo/x").status, 200);
  // One that waits for its body when it happens is told as well.
  HttpClient waiting = server_.client();
  waiting.send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_TRUE(eventually([&] { return observed().back() == "started /whole"; }));
  server_.run([&] { pipeline_->degrade(runtime_, "It ran out of memory."); });
  const HttpResponse response = client.get("/echo/x");
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find("out of memory"), std::string::npos) << response.body;
  waiting.send("cd");
  EXPECT_EQ(waiting.read().status, 503);
}

TEST_F(PipelineTest, DispatchesOnceTheBodyIsWholeWhereTheHandlerWantsThat) {
  HttpClient client = server_.client();
  client.send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_TRUE(eventually([&] { return !observed().empty(); }));
  EXPECT_EQ(events(), Events{}) << "dispatched before the body was whole";
  client.send("cd");
  EXPECT_EQ(client.read().body, "abcd");
  EXPECT_EQ(client.post("/whole", "efgh").body, "efgh") << "with the head in one read";
}

TEST_F(PipelineTest, NeverDispatchesARequestWhoseBodyIsCutOff) {
  HttpClient client = server_.client();
  client.send("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  ASSERT_TRUE(eventually([&] { return !observed().empty(); }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return observed().size() == 2; }));
  EXPECT_EQ(events(), Events{});
}

TEST_F(PipelineTest, Answers504AtTheDeadlineAndTellsTheEngine) {
  runtime_.handler = nullptr;
  HttpClient client = server_.client();
  const Nanos start = now();
  const HttpResponse response = client.get("/echo/x");
  EXPECT_EQ(response.status, 504);
  EXPECT_GE(now() - start, 75 * kMillisecond);
  EXPECT_TRUE(eventually([&] { return events().size() == 5; }));
  EXPECT_EQ(events(), (Events{"enter", "dispatch 7 /echo/x", "leave", "abort deadline", "end"}));
  EXPECT_EQ(client.get("/nowhere").status, 404) << "the connection goes on";
}

TEST_F(PipelineTest, HasNoDeadlineForTheRestOfAStream) {
  ExchangeId id = 0;
  runtime_.handler = [&](std::uint32_t, Exchange& exchange) {
    id = exchange.id();
    http::ResponseHead head;
    head.reset(200);
    exchange.start(head);
  };
  HttpClient client = server_.client();
  client.send("GET /echo/x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_FALSE(client.anything(std::chrono::milliseconds(150)));
  server_.run([&] { server_.exchanges().find(id)->end(); });
  EXPECT_EQ(client.read_chunk(), "");
}

TEST_F(PipelineTest, IgnoresAnAnswerAfterTheDeadline) {
  ExchangeId id = 0;
  runtime_.handler = [&](std::uint32_t, Exchange& exchange) { id = exchange.id(); };
  HttpClient client = server_.client();
  EXPECT_EQ(client.get("/echo/x").status, 504);
  EXPECT_TRUE(eventually([&] { return events().back() == "end"; }));
  EXPECT_EQ(server_.run([&] { return server_.exchanges().find(id); }), nullptr);
}

TEST_F(PipelineTest, Answers504WhenTheBodyDoesNotComeBeforeTheDeadline) {
  HttpClient client = server_.client();
  EXPECT_EQ(client.ask("POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab").status,
            504);
  EXPECT_EQ(events(), Events{}) << "the handler never saw it";
}

TEST_F(PipelineTest, RefusesTheSameRouteTwice) {
  const bool again = server_.run([&] { return pipeline_->add_route({"PUT"}, "/whole", 0).ok(); });
  EXPECT_FALSE(again);
}

}  // namespace
}  // namespace duet
