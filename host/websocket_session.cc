#include "host/websocket_session.h"

#include <optional>
#include <utility>

#include "host/base/check.h"
#include "host/http/response_text.h"

namespace duet {

namespace {

// Bytes of output from which the client's own messages are not read any more: who echoes to a
// client that never reads must not fill the memory.
constexpr std::size_t kThrottle = 1024 * 1024;

// Shorter messages hardly shrink without context takeover.
constexpr std::size_t kCompressFrom = 128;

// How long the client may take to answer our close frame.
constexpr Nanos kCloseTimeout = 5 * kSecond;

void answer_refusal(Exchange& exchange, const websocket::HandshakeRefusal& refusal) {
  http::ResponseHead head;
  head.reset(refusal.status);
  DUET_CHECK(head.add("Content-Type", "text/plain; charset=utf-8") == nullptr);
  if (refusal.status == 426) {
    // RFC 9110, 15.5.22 wants the protocol named; RFC 6455, 4.4 the version.
    head.offer_upgrade("websocket");
    DUET_CHECK(head.add("Sec-WebSocket-Version", "13") == nullptr);
  }
  std::string body = std::to_string(refusal.status);
  body.append(" ").append(http::reason_phrase(refusal.status)).append("\n");
  body.append(refusal.reason).append("\n");
  exchange.respond(head, body);
}

}  // namespace

WebSocketSession::WebSocketSession(WebSockets& owner, SessionId id, WebSocketListener& listener,
                                   const websocket::Handshake& handshake,
                                   measure::HandlerIndex handler)
    : owner_(owner),
      listener_(&listener),
      id_(id),
      reader_(*this, owner.options_.message_bytes, handshake.deflate ? &owner.codec_ : nullptr),
      timeout_([](void* self) { static_cast<WebSocketSession*>(self)->timed_out(); }, this),
      handler_(handler),
      deflate_(handshake.deflate.value_or(websocket::Deflate{})),
      compressing_(handshake.deflate.has_value()) {}

// --- sending -----------------------------------------------------------------------------------

WriteResult WebSocketSession::send(bool text, std::string_view payload) {
  if (state_ != State::kOpen) return WriteResult::kGone;
  const auto opcode = text ? websocket::Opcode::kText : websocket::Opcode::kBinary;
  std::optional<std::string_view> compressed;
  if (compressing_ && payload.size() >= kCompressFrom) {
    compressed = owner_.codec_.compress(payload, deflate_);
  }
  const std::string_view body = compressed.value_or(payload);
  std::string& out = transport_->output();
  const std::size_t before = out.size();
  websocket::append_header(out, opcode, body.size(), compressed.has_value());
  out.append(body);
  transport_->wrote(out.size() - before);
  const std::size_t unsent = transport_->unsent();
  if (unsent < kOutputHighWater) return WriteResult::kOk;
  if (unsent > owner_.options_.buffered_bytes && unsent > payload.size() + websocket::kMaxHeader) {
    // One message may be larger than the bound; a second one may not wait behind it.
    end_by(websocket::kPolicy, "the client does not read what it is sent");
    return WriteResult::kGone;
  }
  full_ = true;
  update_input();
  return WriteResult::kFull;
}

void WebSocketSession::ping(std::string_view payload) {
  if (state_ == State::kOpen) {
    send_control(websocket::Opcode::kPing, payload.substr(0, websocket::kMaxControlPayload));
  }
}

void WebSocketSession::send_control(websocket::Opcode opcode, std::string_view payload) {
  std::string& out = transport_->output();
  const std::size_t before = out.size();
  websocket::append_header(out, opcode, payload.size());
  out.append(payload);
  transport_->wrote(out.size() - before);
  update_input();
}

void WebSocketSession::send_close(std::uint16_t code, std::string_view reason) {
  std::string& out = transport_->output();
  const std::size_t before = out.size();
  websocket::append_close(out, code, reason);
  transport_->wrote(out.size() - before);
}

void WebSocketSession::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::kOpen) return;
  if (peer_end_ != nullptr) return release();  // the client was first
  state_ = State::kClosing;
  send_close(code, reason);
  timeout_.arm(owner_.close_queue_, now());
  update_input();  // the client's close frame must be read, whoever paused
}

void WebSocketSession::terminate() { end_by(websocket::kAbnormal, ""); }

void WebSocketSession::end_by(std::uint16_t code, std::string_view reason) {
  if (state_ == State::kEnding) return;
  state_ = State::kEnding;
  end_code_ = code;
  end_reason_ = reason.data();
  timeout_.disarm();
  transport_->cut();
}

// --- receiving ---------------------------------------------------------------------------------

std::size_t WebSocketSession::on_bytes(char* bytes, std::size_t size, Nanos at) {
  if (state_ == State::kEnding) return size;
  if (state_ == State::kOpen && peer_end_ == nullptr) {
    probed_ = false;
    timeout_.arm(owner_.silence_queue_, at);
  }
  return reader_.feed(bytes, size);
}

bool WebSocketSession::on_message(bool text, std::string_view payload) {
  if (state_ != State::kOpen) return true;  // sent before the client knew that we close
  listener_->on_message(*this, text, payload);
  return state_ != State::kOpen || !(paused_ || throttled_);
}

bool WebSocketSession::on_ping(std::string_view payload) {
  if (state_ != State::kOpen) return true;
  send_control(websocket::Opcode::kPong, payload);
  return !throttled_;
}

bool WebSocketSession::on_pong(std::string_view) { return true; }

void WebSocketSession::on_close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::kEnding) return;
  if (held_back(code, reason, true)) return;
  answer_close(code);
  tell_closed(code, reason, true);
}

bool WebSocketSession::held_back(std::uint16_t code, std::string_view reason, bool clean) {
  if (!held_ || state_ != State::kOpen) return false;
  peer_end_ = std::make_unique<PeerEnd>(PeerEnd{code, std::string(reason), clean});
  timeout_.arm(owner_.close_queue_, now());
  return true;
}

// Told by on_gone(), since this is a call of the application.
void WebSocketSession::release() {
  held_ = false;
  if (peer_end_ == nullptr || state_ != State::kOpen) return;
  if (peer_end_->clean) return answer_close(peer_end_->code);
  answer_violation(peer_end_->code, peer_end_->reason);
}

void WebSocketSession::answer_close(std::uint16_t code) {
  if (state_ == State::kOpen) send_close(code == websocket::kNoStatus ? 0 : code, "");
  state_ = State::kEnding;
  timeout_.disarm();
  transport_->finish(false);
}

void WebSocketSession::on_violation(std::uint16_t code, const char* reason) {
  if (state_ == State::kEnding || held_back(code, reason, false)) return;
  answer_violation(code, reason);
  tell_closed(code, reason, false);
}

void WebSocketSession::answer_violation(std::uint16_t code, std::string_view reason) {
  if (state_ == State::kOpen) send_close(code, reason);
  state_ = State::kEnding;
  timeout_.disarm();
  transport_->finish(true);
}

void WebSocketSession::tell_closed(std::uint16_t code, std::string_view reason, bool clean) {
  WebSocketListener* listener = std::exchange(listener_, nullptr);
  if (listener != nullptr) listener->on_close(*this, code, reason, clean);
}

// --- backpressure ------------------------------------------------------------------------------

void WebSocketSession::pause() {
  paused_ = true;
  update_input();
}

void WebSocketSession::resume() {
  paused_ = false;
  update_input();
}

void WebSocketSession::update_input() {
  if (state_ == State::kEnding) return;
  throttled_ = transport_->unsent() > kThrottle;
  transport_->pause_input(throttled_ || (paused_ && state_ == State::kOpen));
}

void WebSocketSession::on_sent() {
  if (throttled_) update_input();
  if (std::exchange(full_, false) && listener_ != nullptr) listener_->on_writable(*this);
}

// --- the end -----------------------------------------------------------------------------------

void WebSocketSession::timed_out() {
  if (state_ == State::kClosing) return terminate();
  if (state_ != State::kOpen) return;
  if (peer_end_ != nullptr) return release();  // the application takes its time
  // Silence of a client that is not read proves nothing; one that does not read is the
  // connection's to time out.
  const bool unheard = paused_ || throttled_;
  if (probed_ && !unheard) {
    return end_by(websocket::kAbnormal, "the client did not answer a ping");
  }
  if (!unheard) {
    probed_ = true;
    send_control(websocket::Opcode::kPing, {});
  }
  timeout_.arm(owner_.silence_queue_, now());
}

// Whoever ends its sending side without a close frame is gone, as for requests.
void WebSocketSession::on_peer_end() { terminate(); }

void WebSocketSession::on_drain() { close(websocket::kGoingAway, "the server is stopping"); }

void WebSocketSession::on_gone(int) {
  state_ = State::kEnding;
  timeout_.disarm();
  if (peer_end_ != nullptr) tell_closed(peer_end_->code, peer_end_->reason, peer_end_->clean);
  tell_closed(end_code_, end_reason_, false);
  owner_.table_.remove(id_);  // destroys this
}

// --- the table ---------------------------------------------------------------------------------

WebSockets::WebSockets(Loop& loop, const WebSocketOptions& options)
    : options_(options),
      silence_queue_(loop, options.ping_interval),
      close_queue_(loop, kCloseTimeout) {}

bool WebSockets::refuse(Exchange& exchange) {
  if (!websocket::asks_for_websocket(exchange.head())) return false;
  const websocket::Handshake handshake = websocket::Handshake::from(exchange.head());
  if (!handshake.ok()) answer_refusal(exchange, handshake.refusal);
  return !handshake.ok();
}

Result<SessionId> WebSockets::accept(Exchange& exchange, WebSocketListener& listener,
                                     const WebSocketAccept& chosen) {
  if (exchange.answered()) {
    return Error{"the request has been answered already, so it cannot become a WebSocket", "",
                 "upgrade before anything else is sent", ""};
  }
  websocket::Handshake handshake = websocket::Handshake::from(exchange.head());
  if (!handshake.ok()) {
    answer_refusal(exchange, handshake.refusal);
    return SessionId{0};
  }
  if (!chosen.protocol.empty() && !handshake.offers(chosen.protocol)) {
    std::string offered;
    for (const std::string& protocol : handshake.protocols) {
      offered.append(offered.empty() ? "" : ", ").append(protocol);
    }
    return Error{"the client does not offer the subprotocol '" + std::string(chosen.protocol) + "'",
                 "", offered.empty() ? "it offers none" : "it offers " + offered, ""};
  }
  if (!options_.compression) handshake.deflate.reset();

  std::string fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  fields.append(handshake.accept).append("\r\n");
  if (!chosen.protocol.empty()) {
    fields.append("Sec-WebSocket-Protocol: ").append(chosen.protocol).append("\r\n");
  }
  if (handshake.deflate) {
    fields.append("Sec-WebSocket-Extensions: ")
        .append(handshake.deflate->response())
        .append("\r\n");
  }
  fields.append(chosen.fields);
  std::string head;
  http::append_interim(head, 101, fields);

  const SessionId id = table_.next_id();
  WebSocketSession& session = table_.add(
      std::make_unique<WebSocketSession>(*this, id, listener, handshake, exchange.handler()));
  session.transport_ = exchange.upgrade(session, head);
  if (session.transport_ == nullptr) {
    table_.remove(id);
    answer_refusal(exchange, {503,
                              "The connection cannot become a WebSocket now: the server stops, "
                              "or an earlier request of it is not answered yet."});
    return SessionId{0};
  }
  session.timeout_.arm(silence_queue_, now());
  return id;
}

}  // namespace duet
