// Finds a handler that does not let go of the loop, from a thread of its own: the loop cannot watch
// itself while a handler spins. While no slice is open the thread sleeps without a timer, so an
// idle host makes no wake-ups.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "host/base/clock.h"
#include "host/measure/ledger.h"

namespace duet {

class Watchdog final : measure::Ledger::Watcher {
 public:
  // `limit(handler)`: how long one slice of that handler may last; 0: for ever. Called on the
  // watchdog's thread, as is `overdue`: when a slice lasts longer, and each second while it goes
  // on.
  Watchdog(measure::Ledger& ledger, std::function<Nanos(measure::HandlerIndex)> limit,
           std::function<void(measure::HandlerIndex, Nanos lasted)> overdue);
  ~Watchdog();  // on the loop's thread; joins
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void wake() noexcept override;
  void watch();

  measure::Ledger& ledger_;
  std::function<Nanos(measure::HandlerIndex)> limit_;
  std::function<void(measure::HandlerIndex, Nanos)> overdue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace duet
