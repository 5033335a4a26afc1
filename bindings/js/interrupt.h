// Stopping JavaScript that does not stop by itself: a loop without an end, a heap that is full.
//
// V8 offers to make the running code throw what cannot be caught. Thrown inside a microtask that
// also discards every microtask that waits, and so the continuations of other requests. The
// microtasks are therefore taken out of V8's queue before, and put back after. What Node loses in
// the same way (its stack of async ids, immediates behind the one that was stopped) is mended by
// frame.js.
#pragma once

#include <v8.h>

#include <atomic>
#include <functional>

#include "bindings/js/engine.h"
#include "bindings/js/pump.h"
#include "host/base/result.h"
#include "host/loop/loop.h"
#include "host/measure/ledger.h"

namespace duet::js {

class Interrupter {
 public:
  enum class Reason { kHolds, kHeapFull };
  struct Stop {
    Reason reason = Reason::kHolds;
    ExchangeId id = 0;                                    // the request; 0: none
    measure::HandlerIndex handler = measure::kNoHandler;  // whose code it was
    Error place;                                          // where and detail: what ran
    bool lost = false;                                    // what waited could not be kept
  };
  // Told at depth 0, on the loop's thread.
  using Stopped = std::function<void(const Stop&)>;

  Interrupter(Engine& engine, Loop& loop, measure::Ledger& ledger, Pump& pump, Stopped stopped);
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // Stops the slice that is open now, if it is still open when V8 looks. Any thread.
  void request() noexcept;

  // Some code has been stopped and recover() is due.
  bool stopped() const { return stopped_; }

  // Cleans up after an entry that returned nothing. On the loop's thread with no JavaScript on the
  // stack; called by itself from the loop when the entry was Node's own. No effect when nothing was
  // stopped.
  void recover();

 private:
  static void on_interrupt(v8::Isolate* isolate, void* self);
  static std::size_t on_heap_limit(void* self, std::size_t current, std::size_t initial);

  Engine& engine_;
  Loop& loop_;
  measure::Ledger& ledger_;
  Pump& pump_;
  Stopped on_stopped_;
  Microtasks::Saved saved_;
  std::size_t initial_heap_limit_ = 0;
  Stop stop_;  // when stopped_
  bool heap_full_ = false;
  bool stopped_ = false;
  std::atomic<Nanos> asked_since_{0};  // the slice that is to be stopped, by its start
};

}  // namespace duet::js
