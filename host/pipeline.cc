#include "host/pipeline.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "host/base/check.h"
#include "host/base/log.h"
#include "host/pipeline_experiments.h"

namespace duet {

namespace {

void answer_plain(Exchange& exchange, int status, std::string_view sentence,
                  std::string_view allow = {}) {
  http::ResponseHead head;
  head.reset(status);
  DUET_CHECK(head.add("Content-Type", "text/plain; charset=utf-8") == nullptr);
  if (!allow.empty()) DUET_CHECK(head.add("Allow", allow) == nullptr);
  if (status == 503) DUET_CHECK(head.add("Retry-After", "1") == nullptr);
  std::string body = std::to_string(status);
  body += ' ';
  body += http::reason_phrase(status);
  body += '\n';
  body += sentence;
  body += '\n';
  exchange.respond(head, body);
}

bool wants_whole_body(const LoadedHandler& loaded, const http::RequestHead& head) {
  if (loaded.wants_whole_body) return true;
  return loaded.whole_body_up_to > 0 && head.content_length().value_or(0) > 0 &&
         *head.content_length() <= loaded.whole_body_up_to;
}

}  // namespace

void Pipeline::add_handler(const HandlerSpec& spec, std::string language, bool dev) {
  DUET_CHECK(spec.index == handlers_.size());
  auto& queue = deadlines_[spec.deadline];
  if (queue == nullptr) queue = std::make_unique<TimeoutQueue>(loop_, spec.deadline);
  Handler& handler = handlers_.emplace_back();
  handler.spec = spec;
  handler.language = std::move(language);
  handler.deadlines = queue.get();
  handler.unavailable = "The handler is still being loaded.";
  handler.dev = dev;
  ledger_.add_handler(spec.index);
}

void Pipeline::ready(measure::HandlerIndex index, Runtime& runtime, const LoadedHandler& loaded) {
  Handler& handler = handlers_[index];
  handler.runtime = &runtime;
  handler.loaded = loaded;
  if (loaded.takes_any_body && handler.spec.default_body_limit) {
    handler.spec.body_limit = std::numeric_limits<std::size_t>::max();
  }
  handler.unavailable.clear();
}

void Pipeline::degrade(Runtime& runtime, const std::string& why) {
  for (Handler& handler : handlers_) {
    if (handler.runtime == &runtime) handler.unavailable = why;
  }
}

void Pipeline::suspend_deadlines() {
  for (auto& [deadline, queue] : deadlines_) queue->suspend();
}

Result<void> Pipeline::add_route(const std::vector<std::string>& methods, std::string_view pattern,
                                 measure::HandlerIndex handler) {
  DUET_CHECK(handler < handlers_.size());
  auto added = router_.add(methods, pattern, static_cast<std::uint32_t>(routes_.size()));
  if (!added) return added;
  const Handler& entry = handlers_[handler];
  routes_.push_back({handler, {entry.spec.name, std::string(pattern), entry.language, entry.dev}});
  return {};
}

void Pipeline::serve(Exchange& exchange) {
  const http::RequestHead& head = exchange.head();
  http::RouteMatch& match = exchange.match();
  router_.match(head.method_text(), head.path(), match);
  if (head.method() == http::Method::kConnect) route_connect(match);
  if (match.kind != http::RouteMatch::Kind::kFound) return answer_unrouted(exchange);

  const Route& route = routes_[match.target];
  measure::HandlerIndex index = route.handler;
  const HandlerInfo* info = &route.info;
  if (experiments_ != nullptr) {
    if (const auto* target = experiments_->choose(exchange, match.target, route.handler)) {
      index = target->handler;
      info = target->info;
    }
  }
  Handler& handler = handlers_[index];
  measure::Timeline& timeline = exchange.timeline();
  timeline.set_handler(index);
  exchange.hand_to(*this, info);
  for (PipelineObserver* observer : observers_) observer->started(exchange);

  if (!exchange.limit_body(handler.spec.body_limit)) return;
  if (!handler.unavailable.empty()) return answer_plain(exchange, 503, handler.unavailable);
  if (handler.deadlines->duration() > 0)
    exchange.set_deadline(timeline.arrival() + handler.spec.deadline);
  ready_.push_back(&exchange);
}

void Pipeline::on_body(Exchange& exchange) noexcept {
  if (exchange.body_failed() || exchange.answered()) return;
  exchange.timeline().change(measure::Phase::kAwait, measure::Phase::kQueue, now());
  ready_.push_back(&exchange);
}

// An exchange that ends before its turn takes itself out.
void Pipeline::on_end(Exchange& exchange) noexcept {
  std::replace(ready_.begin(), ready_.end(), &exchange, static_cast<Exchange*>(nullptr));
}

bool Pipeline::run_ready() {
  if (ready_.empty()) return false;
  const Nanos began = now();
  for (bool first = true; next_ready_ < ready_.size(); ++next_ready_) {
    Exchange* exchange = ready_[next_ready_];
    if (exchange == nullptr || exchange->answered() || exchange->aborted()) continue;
    Handler& handler = handlers_[exchange->handler()];
    if (!std::exchange(first, false) && ledger_.last() - began + handler.slice.length() > kTurn)
      break;
    const Nanos before = std::max(began, ledger_.last());
    run(handler, *exchange);
    handler.slice.note(ledger_.last() - before);
  }
  for (Runtime* runtime : entered_) runtime->leave();
  entered_.clear();
  if (next_ready_ == ready_.size()) {
    ready_.clear();
    next_ready_ = 0;
  }
  return true;
}

void Pipeline::run(Handler& handler, Exchange& exchange) {
  if (!handler.unavailable.empty()) return answer_plain(exchange, 503, handler.unavailable);
  if (wants_whole_body(handler.loaded, exchange.head()) &&
      !exchange.want_body(BodyDemand::kWhole)) {
    // Not in the queue any more: what it waits for is the client.
    measure::Timeline& timeline = exchange.timeline();
    const Nanos at = now();
    ledger_.charge_wait(timeline, at);
    timeline.change(measure::Phase::kQueue, measure::Phase::kAwait, at);
    exchange.arm_deadline(*handler.deadlines);
    return;
  }
  dispatch(handler, exchange);
}

void Pipeline::dispatch(Handler& handler, Exchange& exchange) {
  Runtime& runtime = *handler.runtime;
  auto entered = std::find(entered_.begin(), entered_.end(), &runtime);
  if (entered == entered_.end()) {
    runtime.enter();
    entered = entered_.insert(entered, &runtime);
  }
  exchange.hand_to(runtime, exchange.info());
  runtime.dispatch(handler.loaded.slot, exchange);
  if (exchange.answered()) return;
  exchange.arm_deadline(*handler.deadlines);
  // What it queued (microtasks, callbacks) is the rest of its run: others come after it.
  runtime.leave();
  entered_.erase(entered);
}

bool Pipeline::dispatch_copy(Exchange& exchange, measure::HandlerIndex index,
                             const HandlerInfo& info) {
  Handler& handler = handlers_[index];
  if (!handler.unavailable.empty()) return false;
  const http::RequestHead& head = exchange.head();
  router_.match(head.method_text(), head.path(), exchange.match());
  exchange.hand_to(*this, &info);
  if (!exchange.limit_body(handler.spec.body_limit)) return true;
  handler.runtime->enter();
  exchange.hand_to(*handler.runtime, &info);
  handler.runtime->dispatch(handler.loaded.slot, exchange);
  handler.runtime->leave();
  return true;
}

void Pipeline::over(Exchange& exchange) {
  const bool routed = exchange.handler() != measure::kNoHandler;
  for (PipelineObserver* observer : observers_) {
    if (routed) {
      observer->over(exchange);
    } else {
      observer->unrouted(exchange);
    }
  }
}

// RFC 9110, 9.3.6: its target is no path, so that no route can name it.
void Pipeline::route_connect(http::RouteMatch& match) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(), [this](const Route& route) {
    return handlers_[route.handler].loaded.takes_connect;
  });
  if (found == routes_.end()) return;
  match.kind = http::RouteMatch::Kind::kFound;
  match.target = static_cast<std::uint32_t>(found - routes_.begin());
}

void Pipeline::answer_unrouted(Exchange& exchange) {
  const http::RouteMatch& match = exchange.match();
  const http::RequestHead& head = exchange.head();
  if (head.method() == http::Method::kConnect) {  // RFC 9110, 15.6.2: for no resource
    answer_plain(exchange, 501, "This server is no proxy.");
  } else if (head.path() == "*") {  // RFC 9110, 9.3.7: of the server as a whole, "a ping"
    http::ResponseHead none;
    none.reset(204);
    exchange.respond(none, {});
  } else if (match.kind == http::RouteMatch::Kind::kMethodNotAllowed) {
    answer_plain(exchange, 405, "This path answers " + match.allow + ".", match.allow);
  } else {
    answer_plain(exchange, 404, "No route of this server matches the path.");
  }
}

}  // namespace duet
