// One connection of the generator: requests out, answers in, each with its time.
//
// Non-blocking, on the generator's thread only. Answers are stamped with the kernel's time of their
// arrival, so how long the generator itself took to read them is in no figure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/bench/sample.h"
#include "host/bench/server_frames.h"
#include "host/bench/target.h"
#include "host/http/response_parser.h"

namespace duet::bench {

class Connection;

// What the generator is told. Instants are of now()'s clock. None of these may destroy the
// connection or push to it, save on_room.
class ConnectionEvents {
 public:
  virtual void on_sent(std::uint32_t sample, Nanos at) = 0;
  // The answer is whole. `digest`: of its body, when `hashed`; its length otherwise.
  virtual void on_answer(Connection& connection, std::uint32_t sample, int status,
                         std::uint64_t digest, bool hashed, Nanos at) = 0;
  virtual void on_lost(std::uint32_t sample, Outcome why) = 0;
  // The connection is ready for (more) requests.
  virtual void on_room(Connection& connection) = 0;
  // It is closed and everything in flight was reported lost. `code`: the errno, or 0; below 0: the
  // status, negative, with which a WebSocket's handshake was refused. Its trouble() may say more.
  virtual void on_closed(Connection& connection, int code) = 0;

 protected:
  ~ConnectionEvents() = default;
};

class Connection final : http::ResponseParser::Sink, ServerFrames::Sink {
 public:
  enum class State : std::uint8_t {
    kClosed,
    kConnecting,
    kSecuring,   // in TLS's handshake
    kHandshake,  // in a WebSocket's
    kOpen
  };

  // `epoll`: the generator's; the connection registers itself. `depth`: requests in flight at most.
  Connection(ConnectionEvents& events, int epoll, const Target& target, std::uint16_t arm,
             std::uint32_t depth, bool keep_alive);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::uint16_t arm() const { return arm_; }
  State state() const { return state_; }
  std::uint32_t in_flight() const { return count_; }
  bool was_used() const { return answers_ > 0 || count_ > 0; }
  // Why it broke last, where more is known than a code: what TLS says. Empty otherwise.
  const std::string& trouble() const { return trouble_; }
  bool has_room() const { return count_ < depth_; }

  // Begins to connect; on_room or on_closed follows, possibly from within.
  void open();
  // Takes a request; has_room(). flush() sends what was pushed. Opens the connection when it is
  // not kept alive.
  void push(std::uint32_t sample, std::uint32_t text);
  void flush();
  // What epoll said. `buffer`: shared by all connections of the thread.
  void on_ready(std::uint32_t epoll_events, std::string& buffer);
  // Everything in flight is lost for that reason.
  void abandon(Outcome why, int code = 0);
  // When the oldest request in flight was pushed; kNever when there is none.
  Nanos waiting_since() const;

  bool in_free_list = false;  // the generator's
  bool dirty = false;         // likewise: pushed to, not flushed
  Nanos retry_at = 0;         // likewise

 private:
  struct InFlight {
    std::uint32_t sample;
    std::uint32_t text;
    Nanos pushed;
  };
  http::ResponseParser::Body on_head(int status) override;
  void on_body(std::string_view piece) override;
  void on_complete(bool keep_alive) override;
  void on_payload(std::string_view piece) override { add_to_digest(piece); }
  void on_message() override;
  void on_ping(std::string_view payload) override;

  void add_to_digest(std::string_view piece);
  void begin_answer(int status);
  void end_answer();
  // Reads the answer to the handshake, then frames. False: it was abandoned.
  bool feed(std::string_view bytes);

  InFlight& at(std::uint32_t index) { return ring_[(first_ + index) % depth_]; }
  void connected();
  void secure();
  // Takes bytes for the server, encrypted where the target wants it; send_rest() sends them.
  void queue(std::string_view bytes);
  // False: it was abandoned.
  bool send_rest();
  void read(std::string& buffer, bool to_end);
  // What came from the network. False: it was abandoned.
  bool receive(std::string& buffer, std::size_t size);
  void abandon_tls();
  void write_rest();
  void close_socket();
  void finish_reading();

  ConnectionEvents& events_;
  const Target& target_;
  http::ResponseParser parser_;
  ServerFrames frames_;         // once it is a WebSocket
  std::string head_;            // the answer to the handshake, so far
  std::vector<InFlight> ring_;  // first_, count_: in the order of sending
  std::string rest_;            // what the kernel did not take yet
  std::unique_ptr<net::TlsSession> tls_;
  std::string trouble_;
  std::uint32_t first_ = 0, count_ = 0, unsent_ = 0;
  const std::uint32_t depth_;
  const int epoll_;
  int fd_ = -1;
  std::uint16_t arm_;
  State state_ = State::kClosed;
  const bool keep_alive_;
  bool ending_ = false;  // the server said that it closes after this answer
  int status_ = 0;
  std::uint64_t answers_ = 0, digest_ = 0, body_bytes_ = 0;
  Nanos arrival_ = 0;
};

}  // namespace duet::bench
