// How long the loop works between two waits: the lag of an event that comes at the worst moment.
// It needs no timer, so an idle host makes no wake-ups.
#pragma once

#include "host/base/clock.h"
#include "host/loop/loop.h"
#include "host/measure/histogram.h"
#include "host/measure/ledger.h"

namespace duet::measure {

class LoopMeter final : public LoopObserver {
 public:
  explicit LoopMeter(Ledger& ledger) : ledger_(ledger) {}
  LoopMeter(const LoopMeter&) = delete;
  LoopMeter& operator=(const LoopMeter&) = delete;

  // Registered last, so that the others' work before the wait counts as work.
  void before_poll() noexcept override { before_poll(now()); }
  void after_poll() noexcept override {
    if (ledger_.asleep()) ledger_.wake_up(now());
  }
  void before_poll(Nanos at);

  // Lengths of iterations that had something to do.
  const Histogram& iterations() const { return iterations_; }
  Nanos busy() const { return iterations_.sum(); }

 private:
  Ledger& ledger_;
  Histogram iterations_;
};

}  // namespace duet::measure
