// What goes out: answers in the order of the requests, flushing, and backpressure.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>
#include <utility>

#include "host/connection.h"
#include "host/measure/server_timing.h"
#include "host/measure/trace_context.h"
#include "host/net/address.h"

namespace duet {

namespace {

// An unread request body of at most this size is read and thrown away to keep the connection;
// a larger one costs more than a new connection does.
constexpr std::uint64_t kDiscardedBody = 64 * 1024;

}  // namespace

// --- answers -----------------------------------------------------------------------------------

std::string& HttpConnection::output_of(Exchange& exchange) {
  if (&exchange != writing_) return exchange.held_;
  take_spare_output();
  return output_;
}

// The server's buffers go to whoever answers; they are back when the kernel has taken all of it.
void HttpConnection::take_spare_output() {
  if (output_.capacity() == std::string().capacity()) server_.lend_output(output_);
}

void HttpConnection::append_head(Exchange& exchange, const http::ResponseHead& head,
                                 std::optional<std::uint64_t> length) {
  const http::RequestHead& request = exchange.head_;
  const bool is_head = request.method() == http::Method::kHead;
  exchange.body_allowed_ = http::body_follows(head.status(), is_head);
  exchange.declared_ = length.has_value();
  exchange.declared_left_ = length.value_or(0);

  http::Framing framing;
  framing.http11 = request.minor_version() >= 1;
  framing.head_request = is_head;
  framing.content_length = length;
  exchange.chunked_ = framing.chunked =
      !length.has_value() && framing.http11 && exchange.body_allowed_;
  const bool delimited = length.has_value() || exchange.chunked_ || !exchange.body_allowed_;
  // Only the last answer says that the connection closes: a client may not read on after that.
  const bool last = (close_after_ || server_.draining_) && exchange.next_ == nullptr;
  framing.keep_alive =
      request.keep_alive() && !head.close() && delimited && !last && !body_too_much(exchange);
  if (!framing.keep_alive) close_after_ = true;
  std::string measured;
  append_measurements(exchange, measured);
  const Assignment& assignment = exchange.assignment_;
  http::append_response_head(output_of(exchange), head, framing,
                             server_.date_.line(std::time(nullptr)),
                             {assignment.field, assignment.cookie_field(), measured});
}

// Server-Timing and traceparent, for the clients that ask for them.
void HttpConnection::append_measurements(const Exchange& exchange, std::string& fields) const {
  const http::RequestHead& request = exchange.head_;
  const std::string_view trace = request.get(measure::kTraceparentField);
  if (server_.options_.server_timing || request.get(measure::kTimingRequestField) == "1") {
    fields += "Server-Timing: ";
    fields += measure::format_server_timing(exchange.timeline_, now());
    fields += "\r\n";
  }
  if (trace.empty()) return;
  if (const auto context = measure::parse_traceparent(trace)) {
    const auto arrival = static_cast<std::uint64_t>(exchange.timeline_.arrival());
    fields += "traceparent: ";
    fields +=
        measure::format_traceparent(*context, measure::span_id_of(*context, arrival, exchange.id_));
    fields += "\r\n";
  }
}

// Whether what is still to come of the request's body is not worth reading.
bool HttpConnection::body_too_much(const Exchange& exchange) const {
  if (exchange.body_ended_) return false;
  if (!exchange.continued_ || exchange.head_.chunked()) return true;
  return exchange.head_.content_length().value_or(0) - exchange.bytes_in_ > kDiscardedBody;
}

void HttpConnection::send_whole(Exchange& exchange, const http::ResponseHead& head,
                                std::string_view body) {
  std::string& out = output_of(exchange);
  const std::size_t before = out.size();
  std::optional<std::uint64_t> length = body.size();
  if (head.chunked()) {
    length.reset();
  } else if (exchange.head_.method() == http::Method::kHead &&
             (head.content_length() || body.empty())) {
    // No body may be one that was left out: then only the handler knows what GET would get.
    length = head.content_length();
  }
  append_head(exchange, head, length);
  if (exchange.chunked_) {
    http::append_chunk(out, body);
    http::append_last_chunk(out);
    exchange.bytes_out_ = body.size();
  } else if (exchange.body_allowed_) {
    out.append(body);
    exchange.bytes_out_ = body.size();
  }
  account(exchange, out.size() - before);
  answer_complete(exchange);
}

void HttpConnection::send_head(Exchange& exchange, const http::ResponseHead& head) {
  const std::size_t before = output_of(exchange).size();
  append_head(exchange, head, head.content_length());
  account(exchange, output_of(exchange).size() - before);
  answer_grew(exchange);
}

WriteResult HttpConnection::send_piece(Exchange& exchange, std::string_view bytes) {
  if (closed_) return WriteResult::kGone;
  if (!exchange.body_allowed_) return WriteResult::kOk;
  std::string& out = output_of(exchange);
  const std::size_t before = out.size();
  if (exchange.chunked_) {
    http::append_chunk(out, bytes);
  } else {
    out.append(bytes);
  }
  exchange.bytes_out_ += bytes.size();
  account(exchange, out.size() - before);
  answer_grew(exchange);
  if (out.size() < kOutputHighWater) return WriteResult::kOk;
  exchange.full_ = true;
  return WriteResult::kFull;
}

void HttpConnection::send_end(Exchange& exchange, std::string_view trailers) {
  std::string& out = output_of(exchange);
  const std::size_t before = out.size();
  if (exchange.chunked_) http::append_last_chunk(out, trailers);
  account(exchange, out.size() - before);
  answer_complete(exchange);
}

void HttpConnection::send_reset(Exchange& exchange) {
  close_after_ = true;
  reset_after_ = true;
  if (exchange.status_ != 0 && !exchange.chunked_ && !exchange.declared_) {
    // Only the end of the connection delimits this answer: a normal close would look complete.
    stream_.reset_on_close();
  }
  answer_complete(exchange);
}

void HttpConnection::close_after(Exchange& /*exchange*/) {
  close_after_ = true;
  mark_dirty();
}

void HttpConnection::send_interim(Exchange& exchange, int status, std::string_view fields) {
  if (exchange.head_.minor_version() < 1 || closed_) return;
  std::string& out = output_of(exchange);
  const std::size_t before = out.size();
  http::append_interim(out, status, fields);
  account(exchange, out.size() - before);
  mark_dirty();
}

void HttpConnection::account(Exchange& exchange, std::size_t bytes) {
  if (&exchange == writing_) produced_ += bytes;
}

// --- phases and order --------------------------------------------------------------------------

void HttpConnection::answer_grew(Exchange& exchange) {
  measure::Timeline& timeline = exchange.timeline_;
  if (timeline.is(measure::Phase::kRun)) {
    timeline.note(measure::Phase::kWrite);
  } else {
    timeline.set(measure::Phase::kWrite, now());
  }
  mark_dirty();
}

void HttpConnection::answer_complete(Exchange& exchange) {
  measure::Timeline& timeline = exchange.timeline_;
  if (!timeline.is(measure::Phase::kRun)) timeline.set(measure::Phase::kWrite, now());
  timeline.answered();
  if (&exchange == newest_) upgrade_asked_ = false;  // answered otherwise: HTTP goes on
  while (writing_ != nullptr && writing_->complete()) {
    writing_->ends_at_ = produced_;
    writing_ = writing_->next_;
    if (writing_ != nullptr && !writing_->held_.empty()) {
      take_spare_output();
      output_.append(writing_->held_);
      produced_ += writing_->held_.size();
      writing_->held_.clear();
    }
  }
  mark_dirty();
}

void HttpConnection::mark_dirty() {
  if (dirty_ || closed_) return;
  dirty_ = true;
  server_.dirty_.push_back(this);
}

// --- flushing ----------------------------------------------------------------------------------

void HttpConnection::flush(Nanos at) {
  if (closed_) return;
  if (cut_) {
    // As if it had been written when it was said: without a wait, and whatever becomes of it.
    std::size_t taken = 0;
    if (!output_.empty()) (void)stream_.send(std::string_view(output_).substr(sent_), taken);
    return close_now();
  }
  if (!output_.empty()) {
    std::size_t taken = 0;
    const Nanos started = at;
    if (!stream_.send(std::string_view(output_).substr(sent_), taken)) return close_now(errno);
    accepted_ += taken;
    sent_ += taken;
    if (sent_ == output_.size()) {
      output_.clear();
      sent_ = 0;
    } else {
      stream_.wait_for_room();
      if (sent_ > output_.size() / 2) output_.erase(0, std::exchange(sent_, 0));
    }
    at = now();
    server_.ledger_.charge_host(payer(), started, at);
  }
  pop_finished(at);
  if (closed_) return;
  if (output_.empty()) {  // an idle connection holds no buffer
    if (output_.capacity() > std::string().capacity()) server_.take_output_back(output_);
    if (upgraded_ != nullptr) {
      if (std::exchange(ends_output_, false)) stream_.shutdown_writes();
      upgraded_->on_sent();
    } else if (peer_ended_) {
      return close_now();
    }
    if (close_after_ && oldest_ == nullptr && output_.empty()) return finish_closing();
  }
  update_reading();
  update_timeout(at);
  if (!pending_input_.empty() && in_flight_ < server_.options_.pipelined && !upgrade_asked_ &&
      !input_paused_) {
    mark_dirty();
  }
}

// Exchanges whose last byte the kernel has taken are over. One whose piece has left goes on.
void HttpConnection::pop_finished(Nanos at) {
  while (oldest_ != nullptr && oldest_->complete() && oldest_->ends_at_ <= accepted_ &&
         oldest_ != writing_) {
    end_exchange(*oldest_, at);
  }
  if (oldest_ == nullptr) {
    newest_ = nullptr;
    return;
  }
  if (writing_ == nullptr || !output_.empty()) return;
  Exchange& exchange = *writing_;
  exchange.timeline_.clear(measure::Phase::kWrite, at);
  if (exchange.full_) {
    exchange.full_ = false;
    if (exchange.listener_ != nullptr) exchange.listener_->on_writable(exchange);
  }
}

void HttpConnection::end_exchange(Exchange& exchange, Nanos at) {
  oldest_ = exchange.next_;
  if (writing_ == &exchange) writing_ = oldest_;
  if (receiving_ == &exchange) receiving_ = nullptr;
  if (newest_ == &exchange) newest_ = nullptr;
  --in_flight_;
  server_.ledger_.forget(&exchange.timeline_);
  // A head that never became complete (its client left) was no request: nobody has heard of it.
  const bool began = exchange.timeline_.arrival() != 0;
  exchange.timeline_.end(at);
  exchange.state_ = Exchange::State::kOver;
  if (began) server_.service_.over(exchange);
  if (exchange.listener_ != nullptr) exchange.listener_->on_end(exchange);
  server_.exchanges_.close(exchange);
}

void HttpConnection::on_room() { flush(); }

// --- addresses ---------------------------------------------------------------------------------

void HttpConnection::look_up_addresses() {
  if (peers_ != nullptr) return;
  peers_ = std::make_unique<Peers>();
  sockaddr_storage storage;
  const auto look_up = [&](auto function, std::string& host, std::uint16_t& port) {
    socklen_t length = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    if (function(stream_.fd(), address, &length) != 0) return;
    const net::Address found = net::Address::from(address, length);
    if (!found.is_unix()) {
      host = found.host();
      port = found.port();
    } else if (&host == &peers_->local) {
      host = found.to_string();
    }
  };
  look_up(getpeername, peers_->remote, peers_->remote_port);
  look_up(getsockname, peers_->local, peers_->local_port);
}

std::string_view HttpConnection::remote_address() {
  look_up_addresses();
  return peers_->remote;
}
std::uint16_t HttpConnection::remote_port() {
  look_up_addresses();
  return peers_->remote_port;
}
std::string_view HttpConnection::local_address() {
  look_up_addresses();
  return peers_->local;
}
std::uint16_t HttpConnection::local_port() {
  look_up_addresses();
  return peers_->local_port;
}

}  // namespace duet
