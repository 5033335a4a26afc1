#include "host/exchange_copy.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "host/base/check.h"
#include "host/http/request_parser.h"
#include "host/http/response_text.h"

namespace duet {

namespace {

constexpr std::uint32_t kAnyHead = 1024 * 1024;  // the head has passed the server's limits

// What frames the body or belongs to the connection: the copy's body is there as a whole.
bool is_framing(std::string_view name) {
  constexpr std::string_view kNames[] = {"Content-Length", "Transfer-Encoding", "Expect",
                                         "Connection",     "Upgrade",           "Duet-Shadow",
                                         "Trailer"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](std::string_view one) { return http::equals_ignoring_case(one, name); });
}

// Where the parsed request goes.
class CopySink final : public http::RequestParser::Sink {
 public:
  CopySink(http::RequestHead& head, std::string& body) : head_(head), body_(body) {}
  http::RequestHead* begin_request() override { return &head_; }
  http::RequestParser::Next on_head() override { return http::RequestParser::Next::kContinue; }
  http::RequestParser::Next on_body(std::string_view piece) override {
    body_ += piece;
    return http::RequestParser::Next::kContinue;
  }
  http::RequestParser::Next on_complete() override { return http::RequestParser::Next::kPause; }

 private:
  http::RequestHead& head_;
  std::string& body_;
};

}  // namespace

// --- the request and its answer, as they pass --------------------------------------------------

ExchangeRecord::ExchangeRecord(Exchange& exchange, std::size_t most)
    : most_(most), has_body_(exchange.head().has_body()) {
  const http::RequestHead& head = exchange.head();
  target_.append(head.method_text()).append(" ").append(head.path());
  head_.append(head.method_text()).append(" ").append(head.target());
  head_ += head.minor_version() == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n";
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    if (is_framing(field.name)) continue;
    head_.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  ExchangeTransport& from = exchange.transport();
  addresses_ = {std::string(from.remote_address()), std::string(from.local_address()),
                from.remote_port(), from.local_port(), from.secure()};
}

void ExchangeRecord::keep(std::string& into, std::string_view piece) {
  too_large_ = too_large_ || piece.size() > most_ - into.size();
  if (!too_large_) into += piece;
}

void ExchangeRecord::on_answer_head(const http::ResponseHead& head) {
  answer_.status = head.status();
  answer_.fields = head.fields();
}

bool ExchangeRecord::complete(const Exchange& exchange) {
  answer_.broken_off = exchange.broken_off();
  // A body that came after the answer went by unheard.
  const bool body =
      exchange.body_ended() && !exchange.body_failed() && body_.size() == exchange.bytes_in();
  return answer_.status != 0 && body && !too_large_ && !exchange.aborted();
}

// --- the copy ----------------------------------------------------------------------------------

ExchangeCopy::ExchangeCopy(ExchangeTable& table, const ExchangeRecord& record,
                           std::string_view told, std::size_t most)
    : table_(table), record_(record), exchange_(&table.open(*this)), most_(most) {
  std::string text = record.head_;
  text.append("Duet-Shadow: ").append(told).append("\r\n");
  if (record.has_body_) {
    text.append("Content-Length: ").append(std::to_string(record.body_.size())).append("\r\n");
  }
  text.append("\r\n").append(record.body_);
  CopySink sink(exchange_->head_, exchange_->body_);
  http::RequestParser parser(sink, {kAnyHead, kAnyHead});
  parser.feed(text);
  DUET_CHECK(!parser.refused());  // it was a request before
  exchange_->timeline_.begin(now(), false);
  exchange_->bytes_in_ = record.body_.size();
  exchange_->body_ended_ = exchange_->continued_ = true;
}

ExchangeCopy::~ExchangeCopy() { DUET_CHECK(exchange_ == nullptr); }

void ExchangeCopy::abort(AbortReason reason) {
  if (done_) return;
  exchange_->abort(exchange_->answered() && reason == AbortReason::kDeadline
                       ? AbortReason::kClientGone
                       : reason);
  answer_.broken_off = answer_.broken_off || !exchange_->complete();
  done_ = true;
}

void ExchangeCopy::end(measure::Ledger& ledger) {
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  if (!exchange.complete()) exchange.abort(AbortReason::kClientGone);
  ledger.forget(&exchange.timeline_);
  exchange.timeline_.end(now());
  exchange.state_ = Exchange::State::kOver;
  if (exchange.listener_ != nullptr) exchange.listener_->on_end(exchange);
  table_.close(exchange);
}

void ExchangeCopy::send_whole(Exchange& exchange, const http::ResponseHead& head,
                              std::string_view body) {
  send_head(exchange, head);
  send_piece(exchange, body);
  done_ = true;
}

void ExchangeCopy::send_head(Exchange& exchange, const http::ResponseHead& head) {
  const bool is_head = exchange.head().method() == http::Method::kHead;
  exchange.body_allowed_ = http::body_follows(head.status(), is_head);
  exchange.declared_ = head.content_length().has_value();
  exchange.declared_left_ = head.content_length().value_or(0);
  answer_.status = head.status();
  answer_.fields = head.fields();
}

WriteResult ExchangeCopy::send_piece(Exchange&, std::string_view bytes) {
  if (bytes.size() > most_ - answer_.body.size()) {
    answer_.too_large = done_ = true;
    return WriteResult::kGone;
  }
  answer_.body += bytes;
  return WriteResult::kOk;
}

void ExchangeCopy::send_reset(Exchange&) { answer_.broken_off = done_ = true; }

}  // namespace duet
