// One request and its answer: the object that travels from the connection to an engine and back.
//
// Ownership. The connection owns the exchange; engines hold its ExchangeId and look it up when they
// need it. A look-up of an exchange that is over gives null: engines turn that into an error in
// their language. A raw Exchange* is valid until control returns to the loop, or until a call that
// says it may end the exchange. Everything here runs on the loop's thread.
//
// Life: open → (dispatched → suspended)* → answered → over.
//   answered once: the second answer is refused with false.
//   dropped (the engine lost it without answering): drop() answers 500.
//   aborted (client gone, or deadline passed): the listener is told, writes are ignored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/exchange_assignment.h"
#include "host/http/message.h"
#include "host/http/router.h"
#include "host/loop/timeout_queue.h"
#include "host/measure/timeline.h"
#include "host/upgrade.h"

namespace duet {

class Exchange;

// Names an exchange: slot in the low 24 bits, generation above it, 53 bits in all, so that it fits
// a JavaScript number. 0 names none. Never reused while anybody could still hold it in practice.
using ExchangeId = std::uint64_t;

// Why an exchange was aborted.
// The numbers are part of the boundary: the engines' scripts have tables by them.
enum class AbortReason : std::uint8_t {
  kClientGone = 0,  // the connection closed: nobody reads an answer
  kDeadline = 1,    // its deadline passed; 504 has been sent
  kRefused = 2,   // the rest of the request was malformed, too large or too late; 4xx has been sent
  kShutdown = 3,  // the host stops and its grace is over; 503 has been sent
  kNone = 255,    // it was not
};

// What an engine is told about an exchange that it has been given. At most one call of on_end, and
// nothing after it. Calls come from the loop, never from inside a call of the engine to Exchange.
class ExchangeListener {
 public:
  // The body demand made by want_body() is met.
  virtual void on_body(Exchange& exchange) noexcept = 0;
  // The answer's buffer has drained below the low-water mark after write() returned kFull.
  virtual void on_writable(Exchange& exchange) noexcept = 0;
  // Nobody waits for the answer any more. on_end follows when the engine has let go or at once.
  virtual void on_abort(Exchange& exchange, AbortReason reason) noexcept = 0;
  // The exchange is over: its id is dead after this call.
  virtual void on_end(Exchange& exchange) noexcept = 0;

 protected:
  ~ExchangeListener() = default;
};

// Who the request is for, for logs and error pages. Outlives every exchange.
struct HandlerInfo {
  std::string name, route, language;
  bool dev = false;  // stacks may go to the client
};

enum class BodyDemand : std::uint8_t {
  kNothing,  // bytes are kept up to the high-water mark, then the socket is not read
  kSome,     // tell me when at least one byte is there, or the body has ended
  kWhole,    // tell me when all of it is there (bounded by the body limit: 413 beyond)
};

enum class WriteResult : std::uint8_t {
  kOk,    // go on
  kFull,  // taken, but wait for on_writable before the next one
  kGone,  // nobody reads it (client gone, or already answered): stop
};

// Bytes that may wait for the kernel before who writes is told to wait as well (kFull).
inline constexpr std::size_t kOutputHighWater = 64 * 1024;

// The way back to the socket; implemented by the connection (and by a fake in tests).
class ExchangeTransport {
 public:
  virtual void send_whole(Exchange& exchange, const http::ResponseHead& head,
                          std::string_view body) = 0;
  virtual void send_head(Exchange& exchange, const http::ResponseHead& head) = 0;
  virtual WriteResult send_piece(Exchange& exchange, std::string_view bytes) = 0;
  // `trailers` as "name: value\r\n" lines, sent when the answer is chunked.
  virtual void send_end(Exchange& exchange, std::string_view trailers) = 0;
  // The answer cannot be completed: the connection closes so that the client sees it.
  virtual void send_reset(Exchange& exchange) = 0;
  // When the connection closes, TCP tells the peer so by a reset.
  virtual void reset_on_close() {}
  // No further request is taken.
  virtual void close_after(Exchange&) {}
  // An interim answer: 100, or 103 with fields.
  virtual void send_interim(Exchange& exchange, int status, std::string_view fields) = 0;
  // The connection leaves HTTP after `head`, which may be empty. Null: it cannot.
  virtual UpgradeTransport* send_upgrade(Exchange&, std::string_view /*head*/, Upgraded&) {
    return nullptr;
  }
  // The engine took body bytes or changed its demand: reading may go on.
  virtual void body_wanted(Exchange& exchange) = 0;
  virtual std::string_view remote_address() = 0;  // "127.0.0.1", "::1", "unix"
  virtual std::uint16_t remote_port() = 0;
  virtual std::string_view local_address() = 0;  // "127.0.0.1", "::1", "unix:/run/x.sock"
  virtual std::uint16_t local_port() = 0;
  virtual bool secure() const = 0;

 protected:
  ~ExchangeTransport() = default;
};

// Hears a request's body and its answer as they pass, as the handler gives it. Not answers that the
// connection makes by itself.
class ExchangeTap {
 public:
  virtual void on_body(std::string_view piece) = 0;
  virtual void on_answer_head(const http::ResponseHead& head) = 0;
  virtual void on_answer(std::string_view piece) = 0;

 protected:
  ~ExchangeTap() = default;
};

class Exchange {
 public:
  ExchangeId id() const { return id_; }

  // --- the request: valid until the exchange is over ---
  const http::RequestHead& head() const { return head_; }
  const std::vector<http::Param>& params() const { return match_.params; }
  ExchangeTransport& transport() { return *transport_; }
  // Absolute URL as the client meant it: scheme, Host, target.
  std::string url() const;

  // --- its body ---
  // Asks for a part or the whole. Returns true when the demand is met already (on_body will not be
  // called for it). One demand at a time; a new one replaces it.
  bool want_body(BodyDemand demand);
  // The bytes at hand, moved out; reading from the socket may go on. Empty when none are there.
  std::string take_body();
  std::string_view peek_body() const { return body_; }
  bool body_ended() const { return body_ended_; }  // no more will arrive after those at hand
  // After the end of a chunked body, "name\nvalue\n" each.
  std::string_view trailers() const { return trailers_; }
  bool body_failed() const { return body_failed_; }  // too long (413 sent) or cut off

  // Sets the most that the body may have. False when it is declared longer: 413 has been sent.
  bool limit_body(std::uint64_t bytes);

  // --- the answer ---
  // Sends it whole. Content-Length, Date and framing are the host's. False: answered already, or
  // the client is gone (nothing is sent). May end the exchange when it is answered synchronously.
  bool respond(const http::ResponseHead& head, std::string_view body);
  // Sends the head now; pieces follow. With head.content_length() exactly that many bytes must
  // follow, else the answer is chunked (or ends with the connection, for HTTP/1.0). False as above.
  bool start(const http::ResponseHead& head);
  // The handler writes the answer as it is to be sent, head and all, by write() and end(): nothing
  // is checked or framed, and the connection ends with it. `status` is what the books say. False as
  // above.
  bool start_raw(int status);
  WriteResult write(std::string_view bytes);
  void end(std::string_view trailers = {});
  // The handler failed. Before the head: 500 with an id (its stack too when the host runs with
  // --dev); after it: the connection is reset so that the client sees the cut. Logged either way.
  void fail(const Error& error);
  // Ends the connection without the answer, or without the rest of it, because the handler wants
  // it.
  void cut();
  // As cut(), and TCP tells the client so: a reset, not an end.
  void cut_by_reset();
  // No request is taken after this one: the connection ends with the answers that are owed.
  void close_after();
  // The engine lost the exchange without an answer: as fail(), with that cause.
  void drop();
  // Interim answers, before the head only: 100, 102, 103 with fields as "Name: value\r\n" lines.
  void send_interim(int status, std::string_view fields);

  // The request asks to leave HTTP (by Upgrade, or as CONNECT), and may.
  bool can_upgrade() const {
    return state_ == State::kOpen && (head_.upgrade() || head_.method() == http::Method::kConnect);
  }
  // Answers with `head` (the text of a 101 up to its empty line; or nothing: `upgraded` writes its
  // own) and hands the connection over. The exchange is complete. Null, and nothing has happened:
  // it was not asked for, is answered, an earlier request of the connection is not, or the host
  // stops.
  UpgradeTransport* upgrade(Upgraded& upgraded, std::string_view head);

  bool answered() const { return state_ >= State::kStreaming; }  // the head is out
  bool complete() const { return state_ >= State::kComplete; }   // the last piece was given
  bool over() const { return state_ == State::kOver || state_ == State::kFree; }
  bool aborted() const { return abort_reason_ != AbortReason::kNone; }
  AbortReason abort_reason() const { return abort_reason_; }

  // Gives the exchange to whoever answers it; on_end is called once for it. `info` may be null.
  void hand_to(ExchangeListener& listener, const HandlerInfo* info) {
    listener_ = &listener;
    info_ = info;
  }
  const HandlerInfo* info() const { return info_; }
  // The part of the request path that routing works on, and its result.
  http::RouteMatch& match() { return match_; }
  std::uint32_t route() const { return match_.target; }
  // The route that the handler's application chose (RuntimeContext::inner_route); 0: it says none.
  std::uint32_t inner_route() const { return inner_route_; }
  void set_inner_route(std::uint32_t route) { inner_route_ = route; }

  // Told of what passes from now on; outlives the exchange. One at most.
  void set_tap(ExchangeTap* tap) { tap_ = tap; }
  ExchangeTap* tap() const { return tap_; }

  // The variant of an experiment that answers it; set by the pipeline before dispatch.
  Assignment& assignment() { return assignment_; }
  const Assignment& assignment() const { return assignment_; }

  // --- measurement ---
  measure::Timeline& timeline() { return timeline_; }
  const measure::Timeline& timeline() const { return timeline_; }
  measure::HandlerIndex handler() const { return timeline_.handler(); }
  // When the answer's head is due, on now()'s clock: 504 then. 0: never.
  Nanos deadline() const { return deadline_; }
  void set_deadline(Nanos at) { deadline_ = at; }
  // What it waits for now, for the log when the deadline passes; outlives the exchange. Empty: for
  // its handler.
  void set_waits_for(std::string_view what) { waits_for_ = what; }
  std::string_view waits_for() const { return waits_for_; }
  // Watches over it from now on, by a queue of deadlines of equal length. No effect once answered.
  void arm_deadline(TimeoutQueue& queue);
  int status() const { return status_; }  // of the answer; 0 before it
  // The answer's head was sent and the rest never came, because the handler failed or wanted it so.
  bool broken_off() const { return broken_off_; }
  // Of the bodies, without framing.
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }

  // A word of the engine's own (an index into a table of its handles). Starts as 0.
  std::uint64_t engine_data = 0;

 private:
  friend class ExchangeTable;
  friend class HttpConnection;
  friend class ExchangeCopy;
  friend class ExchangeTester;  // tests/support

  // In order of life; see the comment at the top.
  enum class State : std::uint8_t { kFree, kOpen, kStreaming, kComplete, kOver };

  Exchange();
  void deadline_passed();
  void abort(AbortReason reason);
  void add_body(std::string_view piece);
  void end_body(bool failed);
  void body_changed();
  void finish_answer();

  http::RequestHead head_;
  http::RouteMatch match_;
  measure::Timeline timeline_;
  Timeout deadline_timeout_;
  Assignment assignment_;
  std::string body_;  // request bytes at hand
  std::string trailers_;
  std::string_view waits_for_;
  std::string held_;  // answer bytes that wait for the answers before this one
  ExchangeTransport* transport_ = nullptr;
  ExchangeListener* listener_ = nullptr;
  ExchangeTap* tap_ = nullptr;
  const HandlerInfo* info_ = nullptr;
  Exchange* next_ = nullptr;  // the next request of the same connection
  std::uint32_t inner_route_ = 0;
  ExchangeId id_ = 0;
  Nanos deadline_ = 0;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  std::uint64_t ends_at_ = 0;        // position in the connection's output after the last byte
  std::uint64_t body_limit_ = 0;     // of the request; 0: the connection's
  std::uint64_t declared_left_ = 0;  // of a declared Content-Length, what is still to come
  int status_ = 0;
  BodyDemand demand_ = BodyDemand::kNothing;
  State state_ = State::kFree;
  AbortReason abort_reason_ = AbortReason::kNone;
  bool body_ended_ = false, body_failed_ = false;
  bool declared_ = false;      // the answer has a Content-Length
  bool chunked_ = false;       // the answer is chunked
  bool body_allowed_ = false;  // not for HEAD, 204, 304
  bool full_ = false;          // write() returned kFull
  bool broken_off_ = false;
  bool raw_ = false;        // start_raw()
  bool continued_ = false;  // 100 Continue has been sent, or was not asked for
};

// All exchanges of one loop: slots that are reused, so that a request allocates nothing when warm.
class ExchangeTable {
 public:
  ExchangeTable();
  ~ExchangeTable();
  Exchange& open(ExchangeTransport& transport);
  void close(Exchange& exchange);
  // Null when the exchange is over (or never was).
  Exchange* find(ExchangeId id);
  std::size_t open_count() const { return open_; }

 private:
  std::vector<std::unique_ptr<Exchange>> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t open_ = 0;
};

}  // namespace duet
