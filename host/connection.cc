// What comes in: reads, requests, bodies, timeouts, and the end. Answers are in
// connection_output.cc.
#include "host/connection.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "host/base/check.h"

namespace duet {

namespace {

// Body bytes that may wait for a handler before the socket is not read any more.
constexpr std::size_t kBodyHighWater = 64 * 1024;

// What is thrown away after a last answer, so that the client reads it instead of a reset: many
// read only when their upload is through. kLingerTimeout bounds it as well.
constexpr std::uint64_t kLingerBytes = 64 * 1024 * 1024;

// A client whose last request is no older may be about to send the next one.
constexpr Nanos kBusyClient = kSecond;

}  // namespace

HttpConnection::HttpConnection(HttpServer& server, int fd)
    : server_(server),
      stream_(server.loop_, fd, server.read_buffer_, *this),
      parser_(*this, server.options_.request),
      timeout_([](void* self) { static_cast<HttpConnection*>(self)->timed_out(); }, this) {
  next_ = server.first_;
  if (next_ != nullptr) next_->previous_ = this;
  server.first_ = this;
  ++server.connections_;
  stream_.start_reading();
  waiting_ = Waiting::kKeepAlive;  // a client may open a connection before it has a request
  arrival_ = now();
  timeout_.arm(server.keep_alive_queue_, arrival_);
}

// --- reading -----------------------------------------------------------------------------------

void HttpConnection::on_read(std::string_view bytes, Nanos arrival, Nanos started) {
  server_.ledger_.wake_up(started);
  if (lingering_) {
    lingered_ += bytes.size();
    if (lingered_ > kLingerBytes) close_now();
    return;
  }
  arrival_ = arrival;
  if (!pending_input_.empty() || upgrade_asked_) {
    pending_input_.append(bytes);
    update_reading();
    return;
  }
  if (upgraded_ != nullptr) {
    // The bytes lie in the loop's read buffer, which nobody else uses meanwhile.
    return process_upgraded(const_cast<char*>(bytes.data()), bytes.size(), started);
  }
  process(bytes, started);
}

void HttpConnection::process(std::string_view bytes, Nanos started) {
  started_ = started;
  requests_in_read_ = 0;
  const std::size_t consumed = parser_.feed(bytes);
  if (parser_.refused()) {
    refuse(parser_.refusal().status, parser_.refusal().reason);
  } else if (consumed < bytes.size() && (upgrade_asked_ || !close_after_)) {
    pending_input_.assign(bytes.substr(consumed));
  }
  mark_dirty();
  server_.has_read(started);
}

// More requests fit, or a body is wanted again: goes on where process() stopped.
void HttpConnection::resume_input() {
  if (pending_input_.empty() || closed_ || lingering_ || upgrade_asked_ || input_paused_ ||
      in_flight_ >= server_.options_.pipelined) {
    return;
  }
  std::string input = std::exchange(pending_input_, {});
  if (upgraded_ != nullptr) return process_upgraded(input.data(), input.size(), now());
  process(input, now());
}

http::RequestHead* HttpConnection::begin_request() {
  if (close_after_ || closed_ || in_flight_ >= server_.options_.pipelined) return nullptr;
  if (requests_in_read_ > 0) started_ = now();
  Exchange& exchange = server_.exchanges_.open(*this);
  receiving_ = &exchange;
  if (newest_ != nullptr) newest_->next_ = &exchange;
  newest_ = &exchange;
  if (oldest_ == nullptr) oldest_ = &exchange;
  if (writing_ == nullptr) writing_ = &exchange;
  ++in_flight_;
  return &exchange.head_;
}

HttpConnection::Next HttpConnection::on_head() {
  Exchange& exchange = *receiving_;
  const http::RequestHead& head = exchange.head_;
  exchange.timeline_.begin(arrival_, ++requests_in_read_ > 1);
  exchange.timeline_.reading(started_);
  exchange.body_ended_ = !head.has_body();
  exchange.continued_ = !head.expects_continue();
  exchange.body_limit_ = server_.options_.body_bytes;
  if (!head.keep_alive()) close_after_ = true;
  // A client must not go on before it has the answer, and what it then sends may be no HTTP.
  upgrade_asked_ = exchange.can_upgrade() && !head.has_body();
  server_.service_.serve(exchange);
  if (exchange.timeline_.being_read()) server_.ledger_.charge_reading(exchange.timeline_, now());
  return Next::kContinue;
}

HttpConnection::Next HttpConnection::on_body(std::string_view piece) {
  if (receiving_ == nullptr) {  // the answer is out already: the rest of the body is of no use
    lingered_ += piece.size();
    return Next::kContinue;
  }
  Exchange& exchange = *receiving_;
  exchange.bytes_in_ += piece.size();
  if (exchange.bytes_in_ > exchange.body_limit_ && !exchange.complete()) {
    refuse(413, "The body is larger than this server takes.");
    return Next::kPause;
  }
  if (!exchange.complete()) exchange.add_body(piece);
  return closed_ ? Next::kPause : Next::kContinue;
}

HttpConnection::Next HttpConnection::on_complete() {
  if (Exchange* exchange = std::exchange(receiving_, nullptr);
      exchange != nullptr && exchange->head_.has_body()) {
    exchange->trailers_ = parser_.trailers();
    exchange->end_body(false);
  }
  const bool stop = closed_ || close_after_ || upgrade_asked_ || upgraded_ != nullptr;
  return stop ? Next::kPause : Next::kContinue;
}

// The bytes are no request that can be answered normally. Earlier requests keep their answers; the
// one at fault is answered if that is still possible, and the connection closes.
void HttpConnection::refuse(int status, std::string_view sentence) {
  if (close_after_ && receiving_ == nullptr) return;
  close_after_ = true;
  pending_input_.clear();
  if (receiving_ == nullptr) {
    if (begin_refused() == nullptr) return;
  }
  Exchange& exchange = *std::exchange(receiving_, nullptr);
  if (exchange.timeline_.arrival() == 0) {
    exchange.timeline_.begin(arrival_, false);
    exchange.timeline_.reading(started_);
  }
  server_.ledger_.charge_reading(exchange.timeline_, now());
  if (exchange.answered()) {
    if (!exchange.complete()) exchange.fail(Error{"the request's body is malformed", "", "", ""});
    return;
  }
  exchange.status_ = status;
  exchange.state_ = Exchange::State::kComplete;
  exchange.deadline_timeout_.disarm();
  std::string& out = output_of(exchange);
  const std::size_t before = out.size();
  http::append_simple_response(out, status, sentence, true, server_.date_.line(std::time(nullptr)),
                               {}, exchange.head_.method() == http::Method::kHead);
  account(exchange, out.size() - before);
  answer_complete(exchange);
  if (exchange.listener_ != nullptr) {
    exchange.abort_reason_ = AbortReason::kRefused;
    exchange.listener_->on_abort(exchange, AbortReason::kRefused);
  }
  exchange.end_body(true);
}

// Room for the answer to bytes in which no request could be recognised.
Exchange* HttpConnection::begin_refused() {
  const bool closing = std::exchange(close_after_, false);
  begin_request();
  close_after_ = closing;
  return receiving_;
}

void HttpConnection::body_wanted(Exchange& exchange) {
  if (&exchange != receiving_ || closed_) return;
  if (!exchange.continued_ && !exchange.answered()) {
    exchange.continued_ = true;
    send_interim(exchange, 100, {});
  }
  mark_dirty();
}

void HttpConnection::update_reading() {
  bool wanted = pending_input_.empty();
  if (lingering_) {
    wanted = true;
  } else if (upgraded_ != nullptr) {
    wanted = wanted && !input_paused_;
  } else if (receiving_ != nullptr) {
    const Exchange& exchange = *receiving_;
    wanted = wanted && (exchange.demand_ != BodyDemand::kNothing || exchange.complete() ||
                        exchange.body_.size() < kBodyHighWater);
  } else {
    wanted = wanted && !close_after_;
  }
  if (wanted) {
    stream_.start_reading();
  } else {
    stream_.stop_reading();
  }
}

// --- timeouts ----------------------------------------------------------------------------------

void HttpConnection::update_timeout(Nanos at) {
  Waiting waiting = Waiting::kNothing;
  if (lingering_) {
    waiting = Waiting::kLinger;
  } else if (!output_.empty()) {
    waiting = Waiting::kRoom;
  } else if (upgraded_ != nullptr) {
    waiting = Waiting::kNothing;  // silence is for its protocol to judge
  } else if (parser_.in_head()) {
    waiting = Waiting::kHead;
  } else if (parser_.in_body()) {
    // While the handler does not take what is there, the client is not to blame for the silence.
    if (stream_.reading()) waiting = Waiting::kBody;
  } else if (oldest_ == nullptr) {
    waiting = Waiting::kKeepAlive;
  }
  // A head and a closing connection have one deadline in all; the others start anew with progress,
  // which for output is what the kernel takes, not what the handler adds.
  if (waiting == waiting_ && (waiting == Waiting::kHead || waiting == Waiting::kLinger ||
                              (waiting == Waiting::kRoom && accepted_ == accepted_then_))) {
    return;
  }
  waiting_ = waiting;
  accepted_then_ = accepted_;
  switch (waiting) {
    case Waiting::kNothing:
      timeout_.disarm();
      break;
    case Waiting::kHead:
      timeout_.arm(server_.head_queue_, at);
      break;
    case Waiting::kBody:
      timeout_.arm(server_.body_queue_, at);
      break;
    case Waiting::kKeepAlive:
      timeout_.arm(server_.draining_ ? server_.parting_queue_ : server_.keep_alive_queue_, at);
      break;
    case Waiting::kRoom:
      timeout_.arm(server_.send_queue_, at);
      break;
    case Waiting::kLinger:
      timeout_.arm(server_.linger_queue_, at);
      break;
  }
}

void HttpConnection::timed_out() {
  const Waiting waiting = std::exchange(waiting_, Waiting::kNothing);
  switch (waiting) {
    case Waiting::kHead:
      arrival_ = started_ = now();
      refuse(408, "The request's head did not arrive in time.");
      return flush();
    case Waiting::kBody:
      if (receiving_ == nullptr) return close_now();
      refuse(408, "The request's body did not arrive in time.");
      return flush();
    case Waiting::kNothing:
      return;
    case Waiting::kRoom:
      return close_now(ETIMEDOUT);
    case Waiting::kKeepAlive:
    case Waiting::kLinger:
      return close_now();
  }
}

// --- the end -----------------------------------------------------------------------------------

void HttpConnection::on_read_end() {
  peer_ended_ = true;
  if (upgraded_ != nullptr && !lingering_) {
    upgraded_->on_peer_end();
    return flush();
  }
  // Whoever closes its sending side is taken to be gone, as by Node and nginx: nobody half-closes
  // and then waits, and a handler must learn that its client left. What is answered is still sent.
  close_after_ = true;
  for (Exchange* exchange = writing_; exchange != nullptr; exchange = exchange->next_) {
    exchange->abort(AbortReason::kClientGone);
  }
  flush();  // closes when nothing is left to send
}

void HttpConnection::on_error(int code) { close_now(code); }

void HttpConnection::drain() {
  const auto idle = [this] { return oldest_ == nullptr && !lingering_ && !parser_.in_head(); };
  // A request that came while the loop had other work is in flight, too. The answers say that the
  // connection ends, as the server drains.
  if (upgraded_ == nullptr && idle()) stream_.read_arrived();
  if (closed_) return;
  if (upgraded_ != nullptr) return upgraded_->on_drain();
  if (!idle()) {
    close_after_ = true;
    return;
  }
  // Closing would cost a busy client the request that it sends just now.
  if (const Nanos at = now(); at - arrival_ < kBusyClient) return update_timeout(at);
  close_now();
}

void HttpConnection::abort_answers() {
  close_after_ = true;
  for (Exchange* exchange = oldest_; exchange != nullptr; exchange = exchange->next_) {
    exchange->abort(AbortReason::kShutdown);
  }
  flush();
  if (!closed_) close_now();
}

// All answers are out. The client may still be sending: closing at once would make its kernel throw
// our last answer away (RFC 9112, 9.6), so sending ends first and reading goes on for a moment.
void HttpConnection::finish_closing() {
  const bool more_comes = parser_.in_body() || parser_.refused() || linger_after_;
  if (peer_ended_ || reset_after_ || !more_comes) {
    return close_now();
  }
  lingering_ = true;
  pending_input_.clear();
  stream_.shutdown_writes();
  update_reading();
  update_timeout(now());
}

void HttpConnection::close_now(int error) {
  if (closed_) return;
  closed_ = true;
  timeout_.disarm();
  const Nanos at = now();
  receiving_ = nullptr;
  while (oldest_ != nullptr) {
    Exchange& exchange = *oldest_;
    if (!exchange.complete()) exchange.abort(AbortReason::kClientGone);
    end_exchange(exchange, at);
  }
  writing_ = newest_ = nullptr;
  stream_.close();
  if (upgraded_ != nullptr) std::exchange(upgraded_, nullptr)->on_gone(error);
}

void HttpConnection::on_closed() {
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    server_.first_ = next_;
  }
  if (next_ != nullptr) next_->previous_ = previous_;
  --server_.connections_;
  if (dirty_) std::erase(server_.dirty_, this);
  HttpServer& server = server_;
  delete this;
  if (server.connections_ == 0 && server.on_empty) server.on_empty();
}

}  // namespace duet
