#include "host/request_recorder.h"

#include <gtest/gtest.h>

#include "tests/support/fake_exchange.h"

namespace duet {
namespace {

class RequestRecorderTest : public ::testing::Test {
 protected:
  RequestRecorderTest() {
    ledger_.add_handler(0);
    metrics_.add_handler(0, {"a", "native", "", ""});
    metrics_.add_route(0, "/");
  }
  Exchange& request(std::string_view text, measure::HandlerIndex handler) {
    return exchanges_.open(text, handler).exchange;
  }
  static void answer(Exchange& exchange, int status) {
    http::ResponseHead head;
    head.reset(status);
    exchange.respond(head, "");
  }

  measure::Ledger ledger_;
  measure::Metrics metrics_{ledger_};
  RequestRecorder recorder_{metrics_};
  ExchangeTable table_;
  testing_support::FakeExchanges exchanges_{table_};
};

TEST(RequestRecorder, MethodNamesAreThoseOfTheCodec) {
  for (std::size_t i = 0; i + 1 < measure::kMethodNames.size(); ++i) {
    EXPECT_EQ(http::method_name(static_cast<http::Method>(i)), measure::kMethodNames[i]);
  }
  EXPECT_EQ(static_cast<std::size_t>(http::Method::kOther), measure::kMethodNames.size() - 1);
}

TEST_F(RequestRecorderTest, CountsAnExchangeOnce) {
  Exchange& exchange = request("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 0);
  recorder_.started(exchange);
  const measure::HandlerStats& stats = metrics_.handlers()[0].stats;
  EXPECT_EQ(stats.in_flight(), 1);
  answer(exchange, 201);
  exchange.timeline().end(now());
  recorder_.over(exchange);
  EXPECT_EQ(stats.in_flight(), 0);
  EXPECT_EQ(stats.requests(), 1u);
  EXPECT_EQ(stats.with_class(2), 1u);
  EXPECT_EQ(stats.timeouts() + stats.clients_gone(), 0u);
  const auto series = metrics_.routes()[0].stats.series();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_EQ(series[0].status, 201);
  EXPECT_EQ(measure::kMethodNames[series[0].method], "POST");
}

TEST_F(RequestRecorderTest, TellsDeadlinesFromClientsThatLeft) {
  Exchange& late = request("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
  ExchangeTester::abort(late, AbortReason::kDeadline);
  Exchange& gone = request("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
  ExchangeTester::abort(gone, AbortReason::kClientGone);
  Exchange& handlers_own = request("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0);
  answer(handlers_own, 504);
  for (Exchange* exchange : {&late, &gone, &handlers_own}) {
    recorder_.started(*exchange);
    recorder_.over(*exchange);
  }
  const measure::HandlerStats& stats = metrics_.handlers()[0].stats;
  EXPECT_EQ(stats.timeouts(), 1u);
  EXPECT_EQ(stats.clients_gone(), 1u);
  EXPECT_EQ(stats.with_class(5), 2u);
  EXPECT_EQ(stats.with_class(0), 1u) << "nobody was there to be answered";
}

TEST_F(RequestRecorderTest, WhatNoHandlerSawIsUnrouted) {
  Exchange& exchange = request("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", measure::kNoHandler);
  answer(exchange, 404);
  exchange.timeline().end(now());
  recorder_.unrouted(exchange);
  EXPECT_EQ(metrics_.unrouted().requests(), 1u);
  EXPECT_EQ(metrics_.unrouted().with_class(4), 1u);
}

}  // namespace
}  // namespace duet
