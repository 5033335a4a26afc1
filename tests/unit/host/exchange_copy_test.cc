// A request is kept as it passes, and made again without a socket.
#include "host/exchange_copy.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_exchange.h"

namespace duet {
namespace {

using testing_support::FakeExchanges;

constexpr std::size_t kMost = 100;

http::ResponseHead own_head(int status) {
  http::ResponseHead head;
  head.reset(status);
  EXPECT_EQ(head.add("X-Own", "1"), nullptr);
  return head;
}

class ExchangeCopies : public ::testing::Test {
 protected:
  static constexpr std::string_view kGet = "GET /a?b=1 HTTP/1.1\r\nHost: shop\r\nX-Own: 2\r\n\r\n";

  Exchange& open(std::string_view request) { return exchanges_.open(request, 0).exchange; }

  ExchangeTable table_;
  FakeExchanges exchanges_{table_};
  measure::Ledger ledger_;
};

TEST_F(ExchangeCopies, ARecordHasTheAnswerWholeOrInPieces) {
  Exchange& whole = open(kGet);
  ExchangeRecord first(whole, kMost);
  whole.set_tap(&first);
  whole.respond(own_head(201), "body");
  EXPECT_TRUE(first.complete(whole));
  EXPECT_EQ(first.target(), "GET /a");
  EXPECT_EQ(first.answer().status, 201);
  EXPECT_EQ(first.answer().fields, "X-Own: 1\r\n");
  EXPECT_EQ(first.answer().body, "body");

  Exchange& pieces = open(kGet);
  ExchangeRecord second(pieces, kMost);
  pieces.set_tap(&second);
  pieces.start(own_head(200));
  pieces.write("one");
  EXPECT_EQ(second.answer().body, "one");
  pieces.write("two");
  pieces.end();
  EXPECT_TRUE(second.complete(pieces));
  EXPECT_EQ(second.answer().body, "onetwo");
}

TEST_F(ExchangeCopies, ARecordThatMissesSomethingIsNotUsed) {
  Exchange& large = open(kGet);
  ExchangeRecord first(large, kMost);
  large.set_tap(&first);
  large.respond(own_head(200), std::string(kMost + 1, 'x'));
  EXPECT_FALSE(first.complete(large)) << "too large";

  Exchange& left = open(kGet);
  ExchangeRecord second(left, kMost);
  left.set_tap(&second);
  left.start(own_head(200));
  ExchangeTester::abort(left, AbortReason::kClientGone);
  EXPECT_FALSE(second.complete(left));

  Exchange& silent = open(kGet);
  EXPECT_FALSE(ExchangeRecord(silent, kMost).complete(silent));
}

TEST_F(ExchangeCopies, ACopyIsTheRequestAgainWithAllOfItsBody) {
  Exchange& original = open(
      "POST /up HTTP/1.1\r\nHost: shop\r\nX-Own: 2\r\nTransfer-Encoding: chunked\r\n"
      "Expect: 100-continue\r\nConnection: close\r\n\r\n3\r\none\r\n0\r\n\r\n");
  ExchangeRecord record(original, kMost);
  record.on_body("one");
  ExchangeCopy copy(table_, record, "py", kMost);
  Exchange& exchange = copy.exchange();
  const http::RequestHead& head = exchange.head();
  EXPECT_EQ(head.method_text(), "POST");
  EXPECT_EQ(head.target(), "/up");
  EXPECT_EQ(head.host(), "shop");
  EXPECT_EQ(head.get("X-Own"), "2");
  EXPECT_EQ(head.get("Duet-Shadow"), "py");
  EXPECT_EQ(head.content_length(), 3u);
  EXPECT_FALSE(head.chunked() || head.expects_continue());
  EXPECT_TRUE(exchange.want_body(BodyDemand::kWhole)) << "it is there";
  EXPECT_EQ(exchange.take_body(), "one");
  EXPECT_EQ(exchange.url(), "http://shop/up");

  EXPECT_FALSE(copy.done());
  exchange.respond(own_head(202), "done");
  EXPECT_TRUE(copy.done());
  EXPECT_EQ(copy.answer().status, 202);
  EXPECT_EQ(copy.answer().fields, "X-Own: 1\r\n");
  EXPECT_EQ(copy.answer().body, "done");
  const ExchangeId id = exchange.id();
  copy.end(ledger_);
  EXPECT_EQ(table_.find(id), nullptr) << "whoever still holds it finds out";
}

TEST_F(ExchangeCopies, ACopyEndsWhateverItsHandlerDoes) {
  Exchange& original = open(kGet);
  const ExchangeRecord record(original, kMost);
  const auto copied = [&](auto act) {
    ExchangeCopy copy(table_, record, "py", kMost);
    act(copy);
    EXPECT_TRUE(copy.done());
    const KeptAnswer answer = copy.answer();
    copy.end(ledger_);
    return std::to_string(answer.status) + (answer.broken_off ? " broken off" : "") +
           (answer.too_large ? " too large" : "");
  };
  EXPECT_EQ(copied([](ExchangeCopy& copy) { copy.abort(AbortReason::kDeadline); }), "504");
  EXPECT_EQ(copied([](ExchangeCopy& copy) { copy.abort(AbortReason::kShutdown); }), "503");
  EXPECT_EQ(copied([](ExchangeCopy& copy) { copy.exchange().drop(); }), "500");
  EXPECT_EQ(copied([](ExchangeCopy& copy) {
              copy.exchange().start(own_head(200));
              copy.exchange().write("begun");
              copy.abort(AbortReason::kDeadline);
            }),
            "200 broken off");
  EXPECT_EQ(copied([](ExchangeCopy& copy) {
              copy.exchange().start(own_head(200));
              copy.exchange().cut();
            }),
            "200 broken off");
  EXPECT_EQ(copied([](ExchangeCopy& copy) {
              copy.exchange().start(own_head(200));
              EXPECT_EQ(copy.exchange().write(std::string(kMost + 1, 'x')), WriteResult::kGone);
            }),
            "200 too large");
}

}  // namespace
}  // namespace duet
