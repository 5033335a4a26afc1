// A request that is made once more inside the host: an exchange without a socket, whose answer is
// kept instead of sent. And what hears a request and its answer, to do that later.
//
// Loop's thread only. An engine sees no difference to a request of a client, save the field
// Duet-Shadow. An upgrade is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/exchange.h"
#include "host/measure/ledger.h"

namespace duet {

// An answer as its handler gave it, without what the host adds.
struct KeptAnswer {
  int status = 0;      // 0: there was none
  std::string fields;  // "Name: value\r\n" each
  std::string body;
  bool broken_off = false;
  bool too_large = false;  // the body is not all of it
};

// A request and its answer as they pass by, both bodies up to `most` bytes each.
class ExchangeRecord final : public ExchangeTap {
 public:
  // From its head; set_tap() has to be called before the body arrives.
  ExchangeRecord(Exchange& exchange, std::size_t most);

  void on_body(std::string_view piece) override { keep(body_, piece); }
  void on_answer_head(const http::ResponseHead& head) override;
  void on_answer(std::string_view piece) override { keep(answer_.body, piece); }

  // The exchange is over. False: the request or the answer is not there as a whole.
  bool complete(const Exchange& exchange);
  bool too_large() const { return too_large_; }
  const KeptAnswer& answer() const { return answer_; }
  const std::string& target() const { return target_; }  // "GET /path", without the query

 private:
  friend class ExchangeCopy;
  void keep(std::string& into, std::string_view piece);

  struct Addresses {
    std::string remote, local;
    std::uint16_t remote_port, local_port;
    bool secure;
  };
  std::string target_;
  std::string head_;  // the request line and the fields, without those that frame the body
  std::string body_;
  Addresses addresses_;
  KeptAnswer answer_;
  const std::size_t most_;
  const bool has_body_;
  bool too_large_ = false;
};

class ExchangeCopy final : ExchangeTransport {
 public:
  // Opens it; the record outlives this. `most`: as of the answer's body. `told` is the value of
  // Duet-Shadow.
  ExchangeCopy(ExchangeTable& table, const ExchangeRecord& record, std::string_view told,
               std::size_t most);
  ~ExchangeCopy();  // end() has been called
  ExchangeCopy(const ExchangeCopy&) = delete;
  ExchangeCopy& operator=(const ExchangeCopy&) = delete;

  Exchange& exchange() { return *exchange_; }
  // The answer is there, or will not come: end() is due, from the loop and not from a call of an
  // engine.
  bool done() const { return done_; }
  // Nobody waits for it any more. Without an answer so far: it is 504, or 503 when the host stops.
  void abort(AbortReason reason);
  void end(measure::Ledger& ledger);
  const KeptAnswer& answer() const { return answer_; }

 private:
  void send_whole(Exchange&, const http::ResponseHead& head, std::string_view body) override;
  void send_head(Exchange&, const http::ResponseHead& head) override;
  WriteResult send_piece(Exchange&, std::string_view bytes) override;
  void send_end(Exchange&, std::string_view) override { done_ = true; }
  void send_reset(Exchange&) override;
  void send_interim(Exchange&, int, std::string_view) override {}
  void body_wanted(Exchange&) override {}
  std::string_view remote_address() override { return record_.addresses_.remote; }
  std::uint16_t remote_port() override { return record_.addresses_.remote_port; }
  std::string_view local_address() override { return record_.addresses_.local; }
  std::uint16_t local_port() override { return record_.addresses_.local_port; }
  bool secure() const override { return record_.addresses_.secure; }

  ExchangeTable& table_;
  const ExchangeRecord& record_;
  Exchange* exchange_;  // null after end()
  KeptAnswer answer_;
  const std::size_t most_;
  bool done_ = false;
};

}  // namespace duet
