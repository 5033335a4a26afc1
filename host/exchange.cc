#include "host/exchange.h"

#include <utility>

#include "host/base/check.h"
#include "host/base/log.h"
#include "host/failure.h"
#include "host/http/response_text.h"

namespace duet {

namespace {

constexpr int kSlotBits = 24;
constexpr ExchangeId kSlotMask = (ExchangeId{1} << kSlotBits) - 1;
constexpr ExchangeId kGenerationMask = (ExchangeId{1} << (53 - kSlotBits)) - 1;

// Buffers beyond this are given back when an exchange is over, so that one large request does not
// hold memory for ever.
constexpr std::size_t kKeptBuffer = 16 * 1024;

void recycle(std::string& buffer) {
  if (buffer.capacity() > kKeptBuffer) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

}  // namespace

Exchange::Exchange()
    : deadline_timeout_([](void* self) { static_cast<Exchange*>(self)->deadline_passed(); }, this) {
  timeline_.begin(0, false);
}

std::string Exchange::url() const {
  std::string url = transport_->secure() ? "https://" : "http://";
  const std::string_view target = head_.target();
  if (!target.starts_with('/') && target.find("://") != std::string_view::npos) {
    return std::string(target);  // absolute-form
  }
  const std::string_view host = head_.host();
  if (host.empty()) {
    const std::string_view local = transport_->local_address();
    url += local.starts_with("unix:")
               ? std::string("localhost")
               : std::string(local) + ":" + std::to_string(transport_->local_port());
  } else {
    url += host;
  }
  if (target.starts_with('/')) {
    url += target;
  } else {
    url += '/';
  }
  return url;
}

bool Exchange::want_body(BodyDemand demand) {
  const bool met = demand == BodyDemand::kNothing || body_ended_ ||
                   (demand == BodyDemand::kSome && !body_.empty());
  demand_ = met ? BodyDemand::kNothing : demand;
  if (!met) transport_->body_wanted(*this);
  return met;
}

std::string Exchange::take_body() {
  std::string taken = std::move(body_);
  body_.clear();
  if (!body_ended_ && !over()) transport_->body_wanted(*this);
  return taken;
}

void Exchange::add_body(std::string_view piece) {
  if (tap_ != nullptr) tap_->on_body(piece);
  body_.append(piece);
  if (demand_ == BodyDemand::kSome) body_changed();
}

void Exchange::end_body(bool failed) {
  if (body_ended_) return;
  body_ended_ = true;
  body_failed_ = failed;
  if (demand_ != BodyDemand::kNothing) body_changed();
}

void Exchange::body_changed() {
  demand_ = BodyDemand::kNothing;
  if (listener_ != nullptr) listener_->on_body(*this);
}

bool Exchange::limit_body(std::uint64_t bytes) {
  body_limit_ = bytes;
  if (head_.content_length().value_or(0) <= bytes) return true;
  http::ResponseHead head;
  head.reset(413);
  DUET_CHECK(head.add("Content-Type", "text/plain; charset=utf-8") == nullptr);
  respond(head, "413 Content Too Large\nThe body may have at most " + std::to_string(bytes) +
                    " bytes here.\n");
  return false;
}

bool Exchange::respond(const http::ResponseHead& head, std::string_view body) {
  if (state_ != State::kOpen) return false;
  status_ = head.status();
  state_ = State::kComplete;
  deadline_timeout_.disarm();
  if (tap_ != nullptr) {
    tap_->on_answer_head(head);
    tap_->on_answer(body);
  }
  transport_->send_whole(*this, head, body);
  return true;
}

bool Exchange::start(const http::ResponseHead& head) {
  if (state_ != State::kOpen) return false;
  status_ = head.status();
  state_ = State::kStreaming;
  deadline_timeout_.disarm();
  if (tap_ != nullptr) tap_->on_answer_head(head);
  transport_->send_head(*this, head);
  return true;
}

bool Exchange::start_raw(int status) {
  if (state_ != State::kOpen) return false;
  status_ = status;
  state_ = State::kStreaming;
  deadline_timeout_.disarm();
  raw_ = body_allowed_ = true;
  declared_ = chunked_ = false;
  if (tap_ != nullptr) {
    http::ResponseHead head;
    head.reset(status);
    tap_->on_answer_head(head);
  }
  return true;
}

WriteResult Exchange::write(std::string_view bytes) {
  if (state_ != State::kStreaming) return WriteResult::kGone;
  if (bytes.empty()) return full_ ? WriteResult::kFull : WriteResult::kOk;
  if (declared_) {
    if (bytes.size() > declared_left_) {
      fail(Error{"the answer is longer than its Content-Length", "",
                 "send exactly as many bytes as declared, or leave Content-Length out", ""});
      return WriteResult::kGone;
    }
    declared_left_ -= bytes.size();
  }
  if (tap_ != nullptr) tap_->on_answer(bytes);
  return transport_->send_piece(*this, bytes);
}

void Exchange::end(std::string_view trailers) {
  if (state_ != State::kStreaming) return;
  if (declared_ && declared_left_ > 0 && body_allowed_) {
    fail(Error{"the answer is " + std::to_string(declared_left_) +
                   " bytes shorter than its Content-Length",
               "", "send exactly as many bytes as declared, or leave Content-Length out", ""});
    return;
  }
  state_ = State::kComplete;
  if (raw_) transport_->close_after(*this);
  transport_->send_end(*this, trailers);
}

UpgradeTransport* Exchange::upgrade(Upgraded& upgraded, std::string_view head) {
  if (!can_upgrade()) return nullptr;
  UpgradeTransport* transport = transport_->send_upgrade(*this, head, upgraded);
  if (transport != nullptr) deadline_timeout_.disarm();
  return transport;
}

void Exchange::fail(const Error& error) {
  if (over()) return;
  const std::string id = new_error_id();
  log_failure(*this, error, id);
  if (state_ == State::kOpen) {
    http::ResponseHead head;
    const std::string body = failure_page(*this, error, id, head);
    respond(head, body);
  } else if (state_ == State::kStreaming) {
    broken_off_ = true;
    state_ = State::kComplete;
    transport_->send_reset(*this);
  }
}

void Exchange::cut() {
  if (complete()) return;
  deadline_timeout_.disarm();
  broken_off_ = true;
  state_ = State::kComplete;
  transport_->send_reset(*this);
}

void Exchange::cut_by_reset() {
  if (complete()) return;
  transport_->reset_on_close();
  cut();
}

void Exchange::close_after() {
  if (!over()) transport_->close_after(*this);
}

void Exchange::drop() {
  fail(Error{"the handler finished without an answer", "", "return a response", ""});
}

void Exchange::send_interim(int status, std::string_view fields) {
  if (state_ != State::kOpen || head_.minor_version() < 1) return;
  if (status == 100) continued_ = true;
  transport_->send_interim(*this, status, fields);
}

void Exchange::arm_deadline(TimeoutQueue& queue) {
  if (deadline_ == 0 || state_ != State::kOpen || deadline_timeout_.armed()) return;
  deadline_timeout_.arm(queue, deadline_ - queue.duration());
}

void Exchange::deadline_passed() { abort(AbortReason::kDeadline); }

void Exchange::abort(AbortReason reason) {
  if (over() || aborted()) return;
  abort_reason_ = reason;
  if (state_ == State::kOpen && reason != AbortReason::kClientGone) {
    const bool late = reason == AbortReason::kDeadline;
    if (late) log_deadline(*this);
    http::ResponseHead head;
    const std::string body = abort_page(reason, head);
    respond(head, body);
  } else if (state_ == State::kStreaming && reason == AbortReason::kShutdown) {
    state_ = State::kComplete;
    transport_->send_reset(*this);
  }
  if (listener_ != nullptr) listener_->on_abort(*this, reason);
}

ExchangeTable::ExchangeTable() = default;
ExchangeTable::~ExchangeTable() = default;

Exchange& ExchangeTable::open(ExchangeTransport& transport) {
  if (free_.empty()) {
    DUET_CHECK(slots_.size() < kSlotMask);
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back(new Exchange);
    slots_.back()->id_ = (ExchangeId{1} << kSlotBits) | free_.back();
  }
  Exchange& exchange = *slots_[free_.back()];
  free_.pop_back();
  ++open_;
  exchange.state_ = Exchange::State::kOpen;
  exchange.transport_ = &transport;
  return exchange;
}

void ExchangeTable::close(Exchange& exchange) {
  DUET_CHECK(exchange.state_ != Exchange::State::kFree);
  exchange.state_ = Exchange::State::kFree;
  const ExchangeId slot = exchange.id_ & kSlotMask;
  ExchangeId generation = ((exchange.id_ >> kSlotBits) + 1) & kGenerationMask;
  if (generation == 0) generation = 1;
  exchange.id_ = (generation << kSlotBits) | slot;
  exchange.deadline_timeout_.disarm();
  exchange.head_.clear();
  exchange.match_.params.clear();
  exchange.assignment_.clear();
  recycle(exchange.body_);
  recycle(exchange.held_);
  recycle(exchange.trailers_);
  exchange.timeline_.begin(0, false);
  exchange.transport_ = nullptr;
  exchange.listener_ = nullptr;
  exchange.tap_ = nullptr;
  exchange.info_ = nullptr;
  exchange.next_ = nullptr;
  exchange.deadline_ = 0;
  exchange.waits_for_ = {};
  exchange.bytes_in_ = exchange.bytes_out_ = exchange.ends_at_ = 0;
  exchange.body_limit_ = exchange.declared_left_ = 0;
  exchange.status_ = 0;
  exchange.inner_route_ = 0;
  exchange.demand_ = BodyDemand::kNothing;
  exchange.body_ended_ = exchange.body_failed_ = false;
  exchange.abort_reason_ = AbortReason::kNone;
  exchange.declared_ = exchange.chunked_ = exchange.body_allowed_ = exchange.full_ = false;
  exchange.continued_ = exchange.broken_off_ = exchange.raw_ = false;
  exchange.engine_data = 0;
  free_.push_back(static_cast<std::uint32_t>(slot));
  --open_;
}

Exchange* ExchangeTable::find(ExchangeId id) {
  const ExchangeId slot = id & kSlotMask;
  if (slot >= slots_.size()) return nullptr;
  Exchange* exchange = slots_[slot].get();
  return exchange->id_ == id && !exchange->over() ? exchange : nullptr;
}

}  // namespace duet
