#include "host/upstream/call.h"

#include <utility>

#include "host/base/check.h"
#include "host/failure.h"
#include "host/http/response_text.h"
#include "host/upstream/connection.h"
#include "host/upstream/forward.h"
#include "host/upstream/origin.h"

namespace duet::upstream {

namespace {

// Request bytes that may wait for the service before the client is not read any more.
constexpr std::size_t kHighWater = 64 * 1024;
// A request of at most this size is kept until it is answered, to be sent again.
constexpr std::size_t kRepeatable = 64 * 1024;

}  // namespace

Call::Slice::Slice(Call& call, Nanos since) : ledger_(*call.origin_.shared().ledger) {
  ledger_.resume(call.origin_.handler(), &call.exchange_.timeline(), since, now());
}

Call::Call(Origin& origin, Exchange& exchange) : origin_(origin), exchange_(exchange) {}

Call::~Call() {
  if (!done_) on_abort();
}

// --- the request -------------------------------------------------------------------------------

void Call::start() {
  const Slice slice(*this, now());
  append_request_head(out_, exchange_, origin_.url());
  body_taken_ = !exchange_.head().has_body();
  exchange_.set_waits_for(origin_.waits_for_connection());
  pump();
  origin_.acquire(*this, false);
}

void Call::on_connection(Connection& connection, bool reused) {
  const Slice slice(*this, now());
  connection_ = &connection;
  connected_ = true;
  reused_ = reused;
  send_failed_ = false;
  sent_ = 0;
  exchange_.set_waits_for(origin_.waits_for_answer());
  pump();
}

void Call::on_body() {
  const Slice slice(*this, now());
  pump();
}

void Call::on_room() {
  const Slice slice(*this, now());
  pump();
}

// Moves the request on until one of the two sides has to be waited for.
void Call::pump() {
  send();
  while (!done_ && !body_taken_ && out_.size() - sent_ < kHighWater) {
    if (!take_body()) return send();
    send();
  }
}

// Takes what the client has sent, as far as there is room for it. False: there is no more for now,
// and on_body() or on_abort() follows.
bool Call::take_body() {
  const bool chunked = exchange_.head().chunked();
  while (!done_ && !body_taken_ && out_.size() - sent_ < kHighWater) {
    if (!exchange_.want_body(BodyDemand::kSome) || exchange_.body_failed()) return false;
    const std::string piece = exchange_.take_body();
    if (send_failed_) {  // nobody wants it any more
    } else if (chunked) {
      http::append_chunk(out_, piece);
    } else {
      out_ += piece;
    }
    if (!exchange_.body_ended()) continue;
    body_taken_ = true;
    if (chunked) http::append_last_chunk(out_);
  }
  return true;
}

void Call::send() {
  if (done_ || !connected_ || send_failed_ || sent_ == out_.size()) return;
  std::size_t accepted = 0;
  // The service has closed, perhaps after an answer: reading tells.
  send_failed_ = !connection_->send(std::string_view(out_).substr(sent_), accepted);
  sent_ += accepted;
  const bool all = sent_ == out_.size();
  if (out_.size() > kRepeatable && sent_ > 0) {
    repeatable_ = false;
    out_.erase(0, std::exchange(sent_, 0));
  }
  if (!all && !send_failed_) connection_->wait_for_room();
}

// --- the answer --------------------------------------------------------------------------------

http::ResponseParser::Body Call::on_head(int status, const http::ResponseParser& answer) {
  using Body = http::ResponseParser::Body;
  http::ResponseHead head;
  if (const char* problem = to_response_head(status, answer, head)) {
    Connection* const connection = std::exchange(connection_, nullptr);
    fail({502,
          "the service behind this route gave an answer that is no HTTP",
          std::string("its answer cannot be passed on: ") + problem,
          {}});
    connection->close();
    return Body::kRefuse;
  }
  answering_ = true;
  if (!exchange_.start(head)) {
    on_abort();
    return Body::kRefuse;
  }
  return exchange_.head().method() == http::Method::kHead ? Body::kNone : Body::kAsDeclared;
}

void Call::on_piece(std::string_view piece) {
  if (done_) return;
  got_ += piece.size();
  switch (exchange_.write(piece)) {
    case WriteResult::kOk:
      return;
    case WriteResult::kFull:
      return connection_->pause();
    case WriteResult::kGone:
      return on_abort();
  }
}

void Call::on_writable() {
  if (!done_ && connection_ != nullptr) connection_->resume();
}

void Call::on_answered() {
  done_ = true;
  connection_ = nullptr;
  exchange_.end();
}

// --- the end -----------------------------------------------------------------------------------

void Call::on_abort() {
  done_ = true;
  origin_.forget(*this);
  if (Connection* const connection = std::exchange(connection_, nullptr)) connection->close();
}

void Call::on_lost(const Loss& loss) {
  connection_ = nullptr;
  connected_ = false;
  if (done_) return;
  // A service may close an idle connection while a request is on its way there. Then nothing has
  // been done of it, in all likelihood; and if so, doing it again does no harm.
  if (loss.opened && reused_ && !retried_ && !answering_ && repeatable_ &&
      is_idempotent(exchange_.head().method())) {
    retried_ = true;
    return origin_.acquire(*this, true);
  }
  if (answering_) {
    return fail({loss.status, "",
                 loss.why + " after " + std::to_string(got_) + " bytes of its answer's body",
                 loss.hint});
  }
  if (!loss.opened) {
    return fail(
        {loss.status, "the service behind this route cannot be reached", loss.why, loss.hint});
  }
  fail({loss.status, "the service behind this route gave no valid answer",
        loss.why + (send_failed_                         ? " before it had taken all of the request"
                    : loss.why.starts_with("its answer") ? ""
                                                         : " before it answered"),
        loss.hint});
}

void Call::fail(const Failure& failure) {
  if (std::exchange(done_, true)) return;
  const Slice slice(*this, now());
  const Error error{origin_.name() + ": " + failure.why, {}, failure.hint, {}};
  if (exchange_.answered()) return exchange_.fail(error);  // the client must see the cut
  const std::string id = new_error_id();
  log_failure(exchange_, error, id);
  http::ResponseHead head;
  head.reset(failure.status);
  DUET_CHECK(head.add("Content-Type", "text/plain; charset=utf-8") == nullptr);
  DUET_CHECK(head.add("Cache-Control", "no-store") == nullptr);
  if (failure.status == 503) DUET_CHECK(head.add("Retry-After", "1") == nullptr);
  std::string body = std::to_string(failure.status) + " ";
  body.append(http::reason_phrase(failure.status)).append("\n");
  body.append(failure.sentence).append("\nerror id: ").append(id).append("\n");
  if (exchange_.info() != nullptr && exchange_.info()->dev) body += error.to_string() + "\n";
  exchange_.respond(head, body);
}

}  // namespace duet::upstream
