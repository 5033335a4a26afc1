// Plug-ins by the engine boundary: the same probe as in sdk_test.cc, from its shared object, with
// real exchanges, loop and ledger below it.
#include "bindings/native/native_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/loop/loop.h"
#include "tests/support/fake_exchange.h"

namespace duet {
namespace {

using testing::HasSubstr;
using testing_support::FakeExchanges;
using testing_support::FakeTransport;

class NativeRuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = std::move(Loop::create()).value();
    ledger_.add_handler(0);
    ledger_.add_handler(1);
    RuntimeContext context;
    context.loop = loop_.get();
    context.exchanges = &exchanges_;
    context.ledger = &ledger_;
    ASSERT_TRUE(runtime_->start(context).ok());
    probe_ = load("probe", 0);
    upload_ = load("upload", 1);
  }

  std::uint32_t load(const std::string& name, measure::HandlerIndex index) {
    HandlerSpec spec;
    spec.name = name;
    spec.source = std::string(DUET_TEST_PLUGINS) + "/" + name + ".so";
    spec.env = {{"GREETING", "hi"}};
    spec.index = index;
    std::uint32_t slot = 99;
    runtime_->load(spec, [&](Result<LoadedHandler> loaded) {
      ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
      slot = loaded->slot;
    });
    return slot;
  }

  // Dispatches as the pipeline does.
  FakeExchanges::Opened send(std::string_view request, std::vector<http::Param> params = {},
                             std::size_t window = static_cast<std::size_t>(-1)) {
    return send_to(probe_, 0, request, std::move(params), window);
  }
  FakeExchanges::Opened send_to(std::uint32_t slot, measure::HandlerIndex index,
                                std::string_view request, std::vector<http::Param> params = {},
                                std::size_t window = static_cast<std::size_t>(-1)) {
    auto opened = fakes_.open(request, index, std::move(params));
    opened.transport.window = window;
    opened.exchange.hand_to(*runtime_, nullptr);
    runtime_->enter();
    runtime_->dispatch(slot, opened.exchange);
    runtime_->leave();
    return opened;
  }
  FakeExchanges::Opened get(const std::string& path) {
    return send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }

  // Runs the loop until `done`, at most five seconds.
  template <class Done>
  bool run_until(Done done) {
    const Nanos deadline = now() + 5 * kSecond;
    while (!done() && now() < deadline) {
      loop_->after(kMillisecond, [&] { loop_->stop(); });
      loop_->run();
    }
    return done();
  }

  ExchangeTable exchanges_;
  measure::Ledger ledger_;
  std::unique_ptr<Runtime> runtime_{make_native_runtime()};
  std::unique_ptr<Loop> loop_;
  FakeExchanges fakes_{exchanges_};
  std::uint32_t probe_ = 0, upload_ = 0;
};

TEST_F(NativeRuntimeTest, GivesEveryPartOfTheRequest) {
  const auto [exchange, transport] =
      send("POST /echo?a=1 HTTP/1.1\r\nHost: a\r\nX-PROBE: seen\r\nContent-Length: 4\r\n\r\ntext",
           {{"name", "Ada"}});
  EXPECT_EQ(transport.status, 200);
  EXPECT_EQ(transport.body, "POST|/echo|a=1|seen|Ada|text|hi");
  EXPECT_EQ(transport.fields, "content-type: text/plain\r\n");
}

TEST_F(NativeRuntimeTest, TakesAPluginInC) {
  const std::uint32_t slot = load("c", 0);
  send_to(slot, 0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto [exchange, transport] = send_to(slot, 0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(transport.body, "request 2");
}

TEST_F(NativeRuntimeTest, TellsAbsentFromEmpty) {
  EXPECT_EQ(get("/echo").transport.body, "GET|/echo||no header|no param||hi");
}

TEST_F(NativeRuntimeTest, OpensASliceForEachCall) {
  const auto [exchange, transport] = get("/echo");
  EXPECT_GT(ledger_.slice_time(0), 0);
  EXPECT_GT(exchange.timeline().spent(measure::Phase::kRun), 0);
  EXPECT_EQ(ledger_.current_handler(), measure::kNoHandler) << "the slice is still open";
}

TEST_F(NativeRuntimeTest, AnswersFromAThread) {
  const auto [exchange, transport] = get("/thread");
  ASSERT_TRUE(run_until([&] { return transport.complete; }));
  EXPECT_EQ(transport.status, 202);
  EXPECT_EQ(transport.body, "from a thread");
  EXPECT_EQ(transport.fields, "x-by: thread\r\n");
}

TEST_F(NativeRuntimeTest, AnswersFromATimer) {
  const auto [exchange, transport] = get("/timer");
  EXPECT_FALSE(transport.complete);
  EXPECT_TRUE(exchange.timeline().is(measure::Phase::kAwait));
  ASSERT_TRUE(run_until([&] { return transport.complete; }));
  EXPECT_EQ(transport.body, "after a while");
  EXPECT_GE(exchange.timeline().spent(measure::Phase::kAwait), 4 * kMillisecond);
}

TEST_F(NativeRuntimeTest, FailsWhatIsDropped) {
  const auto [exchange, transport] = get("/dropped");
  ASSERT_TRUE(run_until([&] { return transport.complete; }));
  EXPECT_EQ(transport.status, 500);
}

TEST_F(NativeRuntimeTest, FailsWhatThrows) { EXPECT_EQ(get("/throws").transport.status, 500); }

TEST_F(NativeRuntimeTest, KeepsAnAnswerThatWasGivenBeforeAThrow) {
  EXPECT_EQ(get("/late-throw").transport.body, "answered");
}

TEST_F(NativeRuntimeTest, RefusesBadAnswers) {
  EXPECT_EQ(get("/bad-status").transport.status, 500);
  const auto [exchange, transport] = get("/bad-field");
  EXPECT_EQ(transport.status, 500);
  EXPECT_THAT(transport.fields, Not(HasSubstr("set-cookie")));
}

TEST_F(NativeRuntimeTest, WaitsForTheClientWhenItStreams) {
  const auto [exchange, transport] = send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", {}, 100);
  int rounds = 0;
  while (!transport.complete && rounds < 100) {
    EXPECT_LT(transport.in_window, 120u) << "written on against kFull";
    transport.in_window = 0;
    runtime_->on_writable(exchange);
    ++rounds;
  }
  EXPECT_TRUE(transport.complete);
  EXPECT_GT(rounds, 5);
  EXPECT_THAT(transport.body, HasSubstr("piece 100\n"));
}

TEST_F(NativeRuntimeTest, ReadsABodyAsItArrives) {
  const auto [exchange, transport] =
      send_to(upload_, 1, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfour");
  EXPECT_FALSE(transport.complete);
  EXPECT_GT(transport.body_wishes, 0) << "nobody asked the socket for more";
  ExchangeTester::add_body(exchange, "six...");
  ExchangeTester::end_body(exchange);
  EXPECT_EQ(transport.body, "10 bytes in 2");
}

TEST_F(NativeRuntimeTest, AnAbandonedRequestIsNotFoundAnyMore) {
  const auto [exchange, transport] = get("/later");
  ExchangeTester::abort(exchange, AbortReason::kClientGone);
  runtime_->leave();
  loop_->after(kMillisecond, [&] { loop_->stop(); });
  loop_->run();  // what the plug-in's Later posted finds no request
  EXPECT_EQ(transport.status, 0);
}

TEST_F(NativeRuntimeTest, StopDestroysHandlersAndCancelsTheirTimers) {
  get("/timer");
  bool stopped = false;
  runtime_->stop(now() + kSecond, [&] { stopped = true; });
  EXPECT_TRUE(stopped);
  ASSERT_TRUE(run_until([&, end = now() + 10 * kMillisecond] { return now() > end; }));
}

}  // namespace
}  // namespace duet
