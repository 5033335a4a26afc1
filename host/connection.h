// One HTTP/1.1 connection: bytes to exchanges, answers to bytes, in the order of the requests.
//
// What one phase of the loop (reads, timers, promises, threads) makes is marked, and leaves at its
// end in one write a connection: see HttpServer::turn().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/exchange.h"
#include "host/http/request_parser.h"
#include "host/http/response_text.h"
#include "host/loop/timeout_queue.h"
#include "host/net/stream.h"
#include "host/server.h"
#include "host/upgrade.h"

namespace duet {

class HttpConnection final : net::StreamEvents,
                             http::RequestParser::Sink,
                             ExchangeTransport,
                             UpgradeTransport {
 public:
  HttpConnection(HttpServer& server, int fd);

  // Hands the output to the kernel and ends what is thereby over. `at`: about now.
  void flush(Nanos at = now());
  void drain();          // closes now when idle, else after the answers that are owed
  void abort_answers();  // 503 for what is unanswered, then close

 private:
  friend class HttpServer;
  using Next = http::RequestParser::Next;
  ~HttpConnection() = default;  // deletes itself once the stream has left the loop

  // net::StreamEvents
  void on_read(std::string_view bytes, Nanos arrival, Nanos started) override;
  void on_read_end() override;
  void on_room() override;
  void on_error(int code) override;
  void on_closed() override;

  // http::RequestParser::Sink
  http::RequestHead* begin_request() override;
  Next on_head() override;
  Next on_body(std::string_view piece) override;
  Next on_complete() override;

  // ExchangeTransport
  void send_whole(Exchange&, const http::ResponseHead&, std::string_view body) override;
  void send_head(Exchange&, const http::ResponseHead&) override;
  WriteResult send_piece(Exchange&, std::string_view bytes) override;
  void send_end(Exchange&, std::string_view trailers) override;
  void send_reset(Exchange&) override;
  void reset_on_close() override { stream_.reset_on_close(); }
  void close_after(Exchange&) override;
  void send_interim(Exchange&, int status, std::string_view fields) override;
  UpgradeTransport* send_upgrade(Exchange&, std::string_view head, Upgraded&) override;
  void body_wanted(Exchange&) override;
  std::string_view remote_address() override;
  std::uint16_t remote_port() override;
  std::string_view local_address() override;
  std::uint16_t local_port() override;
  bool secure() const override { return false; }

  // UpgradeTransport
  std::string take_input() override;
  std::string& output() override;
  void wrote(std::size_t bytes) override;
  std::size_t unsent() const override { return output_.size() - sent_; }
  void pause_input(bool paused) override;
  void end_output() override;
  void finish(bool linger) override;
  void cut() override;
  void reset() override;

  void process(std::string_view bytes, Nanos started);
  void process_upgraded(char* bytes, std::size_t size, Nanos started);
  void resume_input();
  void refuse(int status, std::string_view sentence);
  Exchange* begin_refused();
  void append_head(Exchange&, const http::ResponseHead&, std::optional<std::uint64_t> length);
  void append_measurements(const Exchange& exchange, std::string& fields) const;
  std::string& output_of(Exchange& exchange);
  void answer_grew(Exchange& exchange);
  void answer_complete(Exchange& exchange);
  void pop_finished(Nanos at);
  void account(Exchange& exchange, std::size_t bytes);
  bool body_too_much(const Exchange& exchange) const;
  void mark_dirty();
  measure::HandlerIndex payer() const;
  void take_spare_output();
  void end_exchange(Exchange& exchange, Nanos at);
  void finish_closing();
  void close_now(int error = 0);  // an errno, for upgraded_
  void update_reading();
  void update_timeout(Nanos at);
  void timed_out();
  void look_up_addresses();

  // What the armed timeout means.
  enum class Waiting : std::uint8_t { kNothing, kHead, kBody, kKeepAlive, kRoom, kLinger };

  HttpServer& server_;
  net::Stream stream_;
  http::RequestParser parser_;
  Timeout timeout_;
  std::string output_;  // answers; what lies before sent_ has gone; empty when idle
  std::size_t sent_ = 0;
  std::string pending_input_;   // read, but not parsed yet: too many requests were in flight
  Exchange* oldest_ = nullptr;  // requests in order; the first may be complete but not yet sent
  Exchange* newest_ = nullptr;
  Exchange* writing_ = nullptr;    // whose answer goes to output_: the oldest incomplete one
  Exchange* receiving_ = nullptr;  // whose head or body is being read
  struct Peers {
    std::string remote = "unix", local = "unix:";
    std::uint16_t remote_port = 0, local_port = 0;
  };
  std::unique_ptr<Peers> peers_;  // looked up when somebody asks
  Upgraded* upgraded_ = nullptr;  // the connection speaks no HTTP any more
  HttpConnection* previous_ = nullptr;
  HttpConnection* next_ = nullptr;
  std::uint64_t produced_ = 0;       // bytes ever appended to output_
  std::uint64_t accepted_ = 0;       // of them, bytes that the kernel has taken
  std::uint64_t accepted_then_ = 0;  // when the timeout was armed
  std::uint64_t lingered_ = 0;       // bytes thrown away while closing
  Nanos arrival_ = 0;                // of the read that is being parsed
  Nanos started_ = 0;                // reading began; from here the host works for the next request
  std::uint32_t in_flight_ = 0;
  std::uint32_t requests_in_read_ = 0;
  Waiting waiting_ = Waiting::kNothing;
  bool dirty_ = false;          // in the server's list
  bool reset_after_ = false;    // an answer was cut short: close without courtesy
  bool close_after_ = false;    // no request is taken any more; close when all answers are out
  bool lingering_ = false;      // answers are out; what still arrives is thrown away
  bool upgrade_asked_ = false;  // the newest request may upgrade: nothing behind it is parsed
  bool input_paused_ = false;   // by upgraded_
  bool ends_output_ = false;    // upgraded_ writes no more
  bool linger_after_ = false;   // close with courtesy although no request is cut
  bool cut_ = false;            // close at the next flush
  bool peer_ended_ = false;
  bool closed_ = false;
};

}  // namespace duet
