// The HTTP server of one loop: its connections, their limits and timeouts, and the service that
// answers. All of it on the loop's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "host/base/recent_longest.h"
#include "host/exchange.h"
#include "host/http/request_parser.h"
#include "host/http/response_text.h"
#include "host/loop/loop.h"
#include "host/loop/timeout_queue.h"
#include "host/measure/ledger.h"
#include "host/service.h"

namespace duet {

class HttpConnection;

struct ServerOptions {
  http::RequestLimits request;
  std::size_t body_bytes = 1024 * 1024;     // where the handler has no limit of its own: 413
  std::size_t pipelined = 64;               // requests of one connection in flight
  Nanos head_timeout = 10 * kSecond;        // from its first byte to its last
  Nanos body_timeout = 30 * kSecond;        // between two reads of a body
  Nanos send_timeout = 60 * kSecond;        // while the client takes nothing of its answer
  Nanos keep_alive_timeout = 75 * kSecond;  // before the first byte of a head, the first one's too
  bool server_timing = false;               // every answer has Server-Timing, asked for or not
};

class HttpServer final : public LoopObserver {
 public:
  HttpServer(Loop& loop, ExchangeTable& exchanges, measure::Ledger& ledger, Service& service,
             const ServerOptions& options);
  ~HttpServer();  // every connection has closed: see connections()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves an accepted socket; takes the descriptor.
  void adopt(int fd);

  // No new requests: idle connections close, others after the answers they owe.
  void drain();
  // Ends what is still open: unanswered requests get 503, the rest is cut.
  void abort_all();
  std::size_t connections() const { return connections_; }

  // Called when the last connection has closed, any number of times. May be empty.
  std::function<void()> on_empty;

  void before_poll() noexcept override { turn(); }
  void after_poll() noexcept override { turn(); }

 private:
  friend class HttpConnection;
  // One after the other, and not a request from its read to its write: each kind of work finds its
  // code and data in the caches (a request costs JavaScript 6% less so, Python 4%).
  void turn();
  void flush_dirty();
  // A connection has taken in what it read from `started` on; the answers wait for the turn.
  void has_read(Nanos started);
  // A buffer for output, and back when it is empty again.
  void lend_output(std::string& output);
  void take_output_back(std::string& output);
  // The same for one that left HTTP; its handler has run.
  void has_read_message(Nanos started);

  Loop& loop_;
  ExchangeTable& exchanges_;
  measure::Ledger& ledger_;
  Service& service_;
  const ServerOptions options_;
  TimeoutQueue head_queue_, body_queue_, keep_alive_queue_, send_queue_, linger_queue_,
      parting_queue_;
  http::DateCache date_;
  std::string read_buffer_;  // shared by all connections: an idle one holds no buffer
  std::vector<std::string> spare_outputs_;  // likewise: lent to the connections that are answering
  std::size_t spare_bytes_ = 0;             // their capacity
  std::vector<HttpConnection*> dirty_;      // have read, or have output
  std::vector<HttpConnection*> flushing_;   // those of them whose turn it is
  HttpConnection* first_ = nullptr;
  std::size_t connections_ = 0;
  Nanos reading_since_ = 0;  // the first read after the last turn; 0: none
  RecentLongest message_;    // from its read to the end of its handler
  bool turning_ = false;
  bool draining_ = false;
};

}  // namespace duet
