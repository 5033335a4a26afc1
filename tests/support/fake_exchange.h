// Exchanges without a connection: a request from text, and what was answered, for tests of engines.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/exchange.h"
#include "host/http/request_parser.h"

namespace duet {

// Reaches what only the connection may: the arrival of bodies, aborts, the end.
class ExchangeTester {
 public:
  static http::RequestHead& head(Exchange& exchange) { return exchange.head_; }
  static void add_body(Exchange& exchange, std::string_view piece) { exchange.add_body(piece); }
  static void end_body(Exchange& exchange) { exchange.end_body(false); }
  static void abort(Exchange& exchange, AbortReason reason) { exchange.abort(reason); }
  static void over(Exchange& exchange) {
    if (exchange.listener_ != nullptr) exchange.listener_->on_end(exchange);
  }
};

namespace testing_support {

// The socket's side of one exchange: records the answer. `window` bytes are taken before write()
// says kFull; the test then calls drained().
class FakeTransport final : public ExchangeTransport {
 public:
  int status = 0;
  std::string fields;  // "name: value\r\n" each
  std::string body;
  bool complete = false, reset = false;
  std::size_t window = static_cast<std::size_t>(-1);
  std::size_t in_window = 0;
  int body_wishes = 0;  // calls of body_wanted

  // The value of the first field of that name, or "" when it is absent.
  std::string field(std::string_view name) const {
    for (std::string_view rest = fields; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(':');
      if (http::equals_ignoring_case(line.substr(0, colon), name)) {
        return std::string(line.substr(colon + 2));
      }
    }
    return "";
  }

  void send_whole(Exchange& exchange, const http::ResponseHead& head,
                  std::string_view bytes) override {
    send_head(exchange, head);
    body = bytes;
    complete = true;
  }
  void send_head(Exchange&, const http::ResponseHead& head) override {
    status = head.status();
    fields = head.fields();
  }
  WriteResult send_piece(Exchange&, std::string_view bytes) override {
    body += bytes;
    in_window += bytes.size();
    return in_window >= window ? WriteResult::kFull : WriteResult::kOk;
  }
  void send_end(Exchange&, std::string_view) override { complete = true; }
  void send_reset(Exchange&) override { reset = true; }
  void send_interim(Exchange&, int, std::string_view) override {}
  void body_wanted(Exchange&) override { ++body_wishes; }
  std::string_view remote_address() override { return "127.0.0.1"; }
  std::uint16_t remote_port() override { return 50000; }
  std::string_view local_address() override { return "127.0.0.1"; }
  std::uint16_t local_port() override { return 80; }
  bool secure() const override { return false; }
};

// Opens exchanges from the text of requests. Closes them all at the end.
class FakeExchanges {
 public:
  explicit FakeExchanges(ExchangeTable& table) : table_(table) {}
  ~FakeExchanges() {
    for (const auto& [exchange, transport] : open_) table_.close(*exchange);
  }

  struct Opened {
    Exchange& exchange;
    FakeTransport& transport;
  };
  // `request`: its head as sent ("GET / HTTP/1.1\r\nHost: a\r\n\r\n") and, with a Content-Length,
  // its body, which arrives at once.
  Opened open(std::string_view request, measure::HandlerIndex handler,
              std::vector<http::Param> params = {}) {
    auto transport = std::make_unique<FakeTransport>();
    Exchange& exchange = table_.open(*transport);
    exchange.timeline().begin(now(), false);
    exchange.timeline().set_handler(handler);
    exchange.match().params = std::move(params);
    Sink sink(exchange);
    http::RequestParser parser(sink, {});
    parser.feed(request);
    FakeTransport& shown = *transport;
    open_.emplace_back(&exchange, std::move(transport));
    return {exchange, shown};
  }
  // The connection is through with it: its id is dead afterwards.
  void close(Exchange& exchange) {
    ExchangeTester::over(exchange);
    table_.close(exchange);
    std::erase_if(open_, [&](const auto& entry) { return entry.first == &exchange; });
  }

 private:
  class Sink final : public http::RequestParser::Sink {
   public:
    explicit Sink(Exchange& exchange) : exchange_(exchange) {}
    http::RequestHead* begin_request() override { return &ExchangeTester::head(exchange_); }
    http::RequestParser::Next on_head() override { return http::RequestParser::Next::kContinue; }
    http::RequestParser::Next on_body(std::string_view piece) override {
      ExchangeTester::add_body(exchange_, piece);
      return http::RequestParser::Next::kContinue;
    }
    http::RequestParser::Next on_complete() override {
      ExchangeTester::end_body(exchange_);
      return http::RequestParser::Next::kContinue;
    }

   private:
    Exchange& exchange_;
  };

  ExchangeTable& table_;
  std::vector<std::pair<Exchange*, std::unique_ptr<FakeTransport>>> open_;
};

}  // namespace testing_support
}  // namespace duet
