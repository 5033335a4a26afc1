// One request on its way to a service and back.
//
// Made when the request is dispatched, deleted when its exchange is over
// (ExchangeListener::on_end), so the exchange outlives it. Each entry from outside opens a slice of
// the handler: what lies between them, the request awaits the service.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/exchange.h"
#include "host/http/response_parser.h"
#include "host/measure/ledger.h"

namespace duet::upstream {

class Connection;
class Origin;

class Call {
 public:
  Call(Origin& origin, Exchange& exchange);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // While it lives the loop's thread works for the request. `since`: when it could have begun.
  class Slice {
   public:
    Slice(Call& call, Nanos since);
    ~Slice() { ledger_.end(measure::Phase::kAwait); }
    Slice(const Slice&) = delete;
    Slice& operator=(const Slice&) = delete;

   private:
    measure::Ledger& ledger_;
  };

  // --- from the exchange ---
  void start();
  void on_body();
  void on_writable();
  void on_abort();

  // --- from the origin and the connection ---
  void on_opening(Connection& connection) { connection_ = &connection; }
  void on_connection(Connection& connection, bool reused);
  void on_room();
  http::ResponseParser::Body on_head(int status, const http::ResponseParser& answer);
  void on_piece(std::string_view piece);
  void on_answered();
  // The connection is closed, or there was none.
  struct Loss {
    int status;       // what the client gets: 502 or 504
    std::string why;  // for the log: half a sentence
    std::string hint;
    bool opened;  // it was connected
  };
  void on_lost(const Loss& loss);

  struct Failure {
    int status;
    std::string_view sentence;  // for the client: does not say where the service is
    std::string why, hint;      // for the log
  };
  void fail(const Failure& failure);

  bool answering() const { return answering_; }
  bool request_sent() const { return body_taken_ && sent_ == out_.size(); }

 private:
  void pump();
  bool take_body();
  void send();

  Origin& origin_;
  Exchange& exchange_;
  Connection* connection_ = nullptr;
  std::string out_;       // the request: all of it as long as it can be repeated, else what is left
  std::size_t sent_ = 0;  // of out_
  std::size_t got_ = 0;   // body bytes of the answer
  bool connected_ = false;
  bool reused_ = false;  // the connection has answered others
  bool retried_ = false;
  bool repeatable_ = true;   // out_ has all of the request
  bool body_taken_ = false;  // out_ has the end of the request
  bool send_failed_ = false;
  bool answering_ = false;  // the answer's head has come
  bool done_ = false;
};

}  // namespace duet::upstream
