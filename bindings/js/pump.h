// The time that JavaScript spends on requests, and what resumes them.
//
// Node enters JavaScript by itself (timers, sockets, promises), so the host's calls do not show all
// that runs. frame.js notices whose code runs next and says so here; the pump keeps the ledger's
// slices. A slice that dispatch() or resume() opened is closed when the microtasks that followed
// are done, or when another one begins.
#pragma once

#include <uv.h>
#include <v8.h>

#include <cstdint>

#include "host/exchange.h"
#include "host/measure/ledger.h"

namespace duet::js {

// Loop's thread only.
class Pump {
 public:
  Pump(measure::Ledger& ledger, ExchangeTable& exchanges, uv_loop_t* loop)
      : ledger_(ledger), exchanges_(exchanges), loop_(loop) {}
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // From now on the isolate's collector and its microtasks are watched.
  void attach(v8::Isolate* isolate);
  void detach(v8::Isolate* isolate);

  // The request of the slice that is open, or was last; 0: none.
  ExchangeId current() const { return current_; }

  // What JavaScript reads and C++ writes without a call, as `shared` and `sharedId` of the scripts'
  // host. Outlives the isolate.
  struct Shared {
    std::int32_t open = 0;   // 1: a slice is open
    std::uint32_t head = 0;  // counts the changes of the head that respondAlike() sends
    std::int32_t slot = 0;   // of dispatch(): the handler
    std::int32_t unused = 0;
    double id = 0;  // of dispatch(): the exchange; a whole number below 2^53
  };
  Shared& shared() { return shared_; }

  // A slice that C++ opens: a dispatch, an event.
  void begin(Exchange& exchange) {
    ledger_.begin(exchange.handler(), &exchange.timeline());
    current_ = exchange.id();
    shared_.open = 1;
  }
  // One for work of the handler outside any request: loading it.
  void begin(measure::HandlerIndex handler) {
    ledger_.begin(handler, nullptr);
    current_ = 0;
    shared_.open = 1;
  }
  // A continuation of request `id` (0 or over: work of the handler alone). A timer's was set at
  // `timer_start`, for `timer_delay`, both in whole milliseconds, the first of Node's clock; a
  // delay of 0: not a timer.
  void resume(ExchangeId id, measure::HandlerIndex handler, double timer_start, double timer_delay);
  // Nobody's code runs now. No effect when no slice is open.
  void pause() {
    if (shared_.open == 0) return;
    ledger_.end(measure::Phase::kAwait);
    shared_.open = 0;
  }

  // Node's clock for timers counts from its start: `node_now` is what it says at this moment.
  void set_timer_base(double node_now) {
    timer_base_ = static_cast<Nanos>(uv_now(loop_)) * kMillisecond -
                  static_cast<Nanos>(node_now) * kMillisecond;
  }

  std::int64_t gc_count() const { return gc_count_; }
  Nanos gc_time() const { return gc_time_; }

 private:
  static void gc_started(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  static void gc_ended(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  static void microtasks_done(v8::Isolate*, void* self);

  measure::Ledger& ledger_;
  ExchangeTable& exchanges_;
  uv_loop_t* loop_;
  Shared shared_;
  ExchangeId current_ = 0;
  Nanos timer_base_ = 0;
  Nanos gc_since_ = 0;
  Nanos gc_time_ = 0;
  std::int64_t gc_count_ = 0;
};

}  // namespace duet::js
