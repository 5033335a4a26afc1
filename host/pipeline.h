// What a request passes through between the codec and an engine, as one list (Pipeline::serve):
//
//   1. route      - 404 and 405 cost no handler anything
//   2. experiment - which variant answers: all that follows is that handler's, its limits included
//   3. size       - a body declared too long is refused before anybody waits for it
//   4. readiness  - an engine that cannot take requests answers 503 instead of letting them hang
//   5. turn       - the request waits until all sockets that were readable have been read
//
// and, in its turn (Pipeline::run_ready):
//
//   6. body       - a plain Python `def` runs only when all of the body is there
//   7. dispatch   - the engine; whatever is not answered at once gets its deadline
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/base/recent_longest.h"
#include "host/base/result.h"
#include "host/exchange.h"
#include "host/http/router.h"
#include "host/loop/timeout_queue.h"
#include "host/measure/ledger.h"
#include "host/runtime.h"
#include "host/service.h"

namespace duet {

// Told of every routed request; for metrics, tracing and logs. The exchange is valid in the call.
class PipelineObserver {
 public:
  virtual void started(const Exchange&) noexcept {}  // routed, not yet dispatched
  virtual void over(const Exchange&) noexcept {}     // its timeline is final
  // Answered by the host alone: no route, wrong method, malformed.
  virtual void unrouted(const Exchange&) noexcept {}

 protected:
  ~PipelineObserver() = default;
};

class PipelineExperiments;

class Pipeline final : public Service, ExchangeListener {
 public:
  Pipeline(Loop& loop, measure::Ledger& ledger) : loop_(loop), ledger_(ledger) {}
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Registers a handler under spec.index (0, 1, 2 ... in this order); it answers 503 until ready().
  void add_handler(const HandlerSpec& spec, std::string language, bool dev);
  void ready(measure::HandlerIndex handler, Runtime& runtime, const LoadedHandler& loaded);
  // The engine of these handlers takes no requests any more (RuntimeContext::on_degraded).
  void degrade(Runtime& runtime, const std::string& why);
  // No request has a deadline any more, those in flight included (RuntimeContext::on_debugger).
  void suspend_deadlines();
  Result<void> add_route(const std::vector<std::string>& methods, std::string_view pattern,
                         measure::HandlerIndex handler);
  void add_observer(PipelineObserver& observer) { observers_.push_back(&observer); }
  // Asked for each routed request; none by default.
  void use_experiments(PipelineExperiments& experiments) { experiments_ = &experiments; }

  // Its handler cannot answer: 503 with that sentence.
  void unavailable(measure::HandlerIndex handler, std::string why) {
    handlers_[handler].unavailable = std::move(why);
  }

  const HandlerSpec& spec(measure::HandlerIndex handler) const { return handlers_[handler].spec; }
  Runtime* runtime(measure::HandlerIndex handler) const { return handlers_[handler].runtime; }
  std::size_t handlers() const { return handlers_.size(); }

  // Hands a copy of a request, which no client waits for and no observer hears of, to `handler`.
  // Its body is there, its deadline the caller's. False: the handler cannot answer, nothing
  // happened. Not inside serve() or run_ready().
  bool dispatch_copy(Exchange& exchange, measure::HandlerIndex handler, const HandlerInfo& info);

  void serve(Exchange& exchange) override;
  bool run_ready() override;
  void over(Exchange& exchange) override;

 private:
  // What is answered waits no longer than about this for others that run. Each time that answers
  // leave, clients that slept are woken: 20 us of a FastAPI request's 150, were it one by one.
  static constexpr Nanos kTurn = 1 * kMillisecond;

  struct Handler {
    HandlerSpec spec;
    std::string language;
    Runtime* runtime = nullptr;
    LoadedHandler loaded;
    TimeoutQueue* deadlines = nullptr;
    std::string unavailable;     // why 503; empty when it answers
    RecentLongest slice{kTurn};  // how long it has the loop for a request
    bool dev = false;
  };
  struct Route {
    measure::HandlerIndex handler;
    HandlerInfo info;
  };

  // ExchangeListener, while the body of a request is awaited for an engine that wants all of it.
  void on_body(Exchange& exchange) noexcept override;
  void on_writable(Exchange&) noexcept override {}
  void on_abort(Exchange&, AbortReason) noexcept override {}
  void on_end(Exchange& exchange) noexcept override;

  void run(Handler& handler, Exchange& exchange);
  void dispatch(Handler& handler, Exchange& exchange);
  void route_connect(http::RouteMatch& match) const;
  void answer_unrouted(Exchange& exchange);

  Loop& loop_;
  measure::Ledger& ledger_;
  http::Router router_;
  std::deque<Handler> handlers_;
  std::deque<Route> routes_;  // exchanges point into it
  std::map<Nanos, std::unique_ptr<TimeoutQueue>> deadlines_;
  std::vector<Runtime*> entered_;  // by what run_ready() runs
  std::vector<Exchange*> ready_;   // wait for their turn; null: ended before
  std::size_t next_ready_ = 0;
  std::vector<PipelineObserver*> observers_;
  PipelineExperiments* experiments_ = nullptr;
};

}  // namespace duet
