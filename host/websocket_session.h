// One open WebSocket, as an engine sees it: messages in, messages out, the end. The protocol is
// done here: pings are answered, silence is probed, the closing handshake is kept, limits hold.
//
// Engines keep the SessionId and look the session up; a WebSocketSession& is valid until control
// returns to the loop. Loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/exchange.h"
#include "host/loop/timeout_queue.h"
#include "host/session_table.h"
#include "host/upgrade.h"
#include "host/websocket/handshake.h"
#include "host/websocket/reader.h"

namespace duet {

class WebSocketSession;
class WebSockets;

// What an engine is told; from the loop, never from inside a call of the engine.
class WebSocketListener {
 public:
  // A whole message; the view is valid in the call. Text is valid UTF-8. Whoever cannot keep up
  // calls pause().
  virtual void on_message(WebSocketSession& socket, bool text,
                          std::string_view payload) noexcept = 0;
  // What was sent has left, after send() returned kFull.
  virtual void on_writable(WebSocketSession& socket) noexcept = 0;
  // It is over; called once, and nothing after it: the id is dead. `clean`: both sides said so, and
  // code and reason are the peer's. Else the code that we closed with for a fault of the peer's, or
  // 1006 when the connection broke.
  virtual void on_close(WebSocketSession& socket, std::uint16_t code, std::string_view reason,
                        bool clean) noexcept = 0;

 protected:
  ~WebSocketListener() = default;
};

struct WebSocketOptions {
  // Bytes of a message, decompressed: 1009 beyond. uvicorn's and Bun's default.
  std::size_t message_bytes = 16 * 1024 * 1024;
  // Bytes that may wait for a client that does not read; beyond it the socket is cut.
  std::size_t buffered_bytes = 16 * 1024 * 1024;
  // After this much silence a ping is sent; after as much again the socket is cut. 0: never.
  Nanos ping_interval = 30 * kSecond;
  bool compression = true;  // permessage-deflate, with clients that offer it
};

// What an engine chooses when it accepts.
struct WebSocketAccept {
  std::string_view protocol;  // one that the client offered; empty: none
  std::string_view fields;    // more fields of the answer, "name: value\r\n" each, checked
};

class WebSocketSession final : Upgraded, websocket::FrameReader::Sink {
 public:
  WebSocketSession(WebSockets& owner, SessionId id, WebSocketListener& listener,
                   const websocket::Handshake& handshake, measure::HandlerIndex handler);
  ~WebSocketSession() = default;

  SessionId id() const { return id_; }

  // Text must be UTF-8: the caller's to see to. kFull: taken, but wait for on_writable(). kGone:
  // closing or closed, nothing is sent.
  WriteResult send(bool text, std::string_view payload);
  void ping(std::string_view payload);  // at most 125 bytes
  // Starts the closing handshake: code 0 sends none; see websocket::may_be_sent(). A reason is cut
  // to 123 bytes. Without effect when it has begun. on_close() follows, at the latest when the
  // client has not answered for five seconds.
  void close(std::uint16_t code, std::string_view reason);
  // Ends the connection without a word. on_close() follows.
  void terminate();

  // Backpressure of the application: while paused, messages stay in the client's network stack.
  // One may still come that was under way.
  void pause();
  void resume();

  // While held, what ends the socket waits, the client's close frame or its breach of the protocol:
  // for an application that takes messages later than they come, and still wants to answer those
  // before it. release() when it has taken all; after five seconds nothing waits any more.
  void hold() { held_ = true; }
  void release();

  std::size_t buffered() const { return transport_->unsent(); }  // bytes sent that wait
  bool open() const { return state_ == State::kOpen; }
  measure::HandlerIndex handler() const override { return handler_; }

  // A word of the engine's own. Starts as 0.
  std::uint64_t engine_data = 0;

 private:
  friend class WebSockets;
  // In order of life. kClosing: our close frame is out, the peer's is awaited. kEnding: nothing is
  // said any more, the connection is about to close.
  enum class State : std::uint8_t { kOpen, kClosing, kEnding };

  // Upgraded
  std::size_t on_bytes(char* bytes, std::size_t size, Nanos at) override;
  void on_peer_end() override;
  void on_sent() override;
  void on_drain() override;
  void on_gone(int error) override;

  // websocket::FrameReader::Sink
  bool on_message(bool text, std::string_view payload) override;
  bool on_ping(std::string_view payload) override;
  bool on_pong(std::string_view payload) override;
  void on_close(std::uint16_t code, std::string_view reason) override;
  void on_violation(std::uint16_t code, const char* reason) override;

  void send_control(websocket::Opcode opcode, std::string_view payload);
  void send_close(std::uint16_t code, std::string_view reason);
  void answer_close(std::uint16_t code);
  bool held_back(std::uint16_t code, std::string_view reason, bool clean);
  void answer_violation(std::uint16_t code, std::string_view reason);
  void end_by(std::uint16_t code, std::string_view reason);
  void tell_closed(std::uint16_t code, std::string_view reason, bool clean);
  void update_input();
  void timed_out();

  WebSockets& owner_;
  UpgradeTransport* transport_ = nullptr;
  WebSocketListener* listener_;  // null once it was told of the end
  SessionId id_;
  websocket::FrameReader reader_;
  Timeout timeout_;
  struct PeerEnd {
    std::uint16_t code;
    std::string reason;
    bool clean;  // a close frame; else a breach of the protocol
  };
  std::unique_ptr<PeerEnd> peer_end_;              // that is held
  std::uint16_t end_code_ = websocket::kAbnormal;  // what on_close() says when nobody else did
  const char* end_reason_ = "";
  measure::HandlerIndex handler_;
  websocket::Deflate deflate_;
  State state_ = State::kOpen;
  bool compressing_;
  bool paused_ = false;     // by the application
  bool held_ = false;       // likewise
  bool throttled_ = false;  // the client does not read what it is sent
  bool full_ = false;       // send() returned kFull
  bool probed_ = false;     // a ping is out since the last bytes came
};

// All WebSockets of a loop. Outlives the server and the engines.
class WebSockets {
 public:
  WebSockets(Loop& loop, const WebSocketOptions& options);
  WebSockets(const WebSockets&) = delete;
  WebSockets& operator=(const WebSockets&) = delete;

  // Makes a WebSocket of a request. The exchange is then complete (101). A request that is no
  // handshake, or a wrong one, has been answered 400 or 426 with the reason: 0. An error is the
  // caller's: answered already, a protocol that was not offered.
  Result<SessionId> accept(Exchange& exchange, WebSocketListener& listener,
                           const WebSocketAccept& chosen);
  // Whether the request asks for a WebSocket in a wrong way; then it has been answered so.
  static bool refuse(Exchange& exchange);
  // Null when it is over.
  WebSocketSession* find(SessionId id) const { return table_.find(id); }
  std::size_t count() const { return table_.count(); }
  const WebSocketOptions& options() const { return options_; }

 private:
  friend class WebSocketSession;
  const WebSocketOptions options_;
  websocket::DeflateCodec codec_;
  TimeoutQueue silence_queue_, close_queue_;
  SessionTable<WebSocketSession> table_;
};

}  // namespace duet
