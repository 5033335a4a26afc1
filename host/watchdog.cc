#include "host/watchdog.h"

#include <chrono>
#include <utility>

namespace duet {

namespace {

// How often a busy loop is looked at: a slice is found overdue at most this much late.
constexpr auto kPeriod = std::chrono::milliseconds(50);

// A slice that goes on is reported again: an interrupt may come at a moment when the language
// cannot take it (inside a native call, or just as another slice ends).
constexpr Nanos kRepeat = kSecond;

}  // namespace

Watchdog::Watchdog(measure::Ledger& ledger, std::function<Nanos(measure::HandlerIndex)> limit,
                   std::function<void(measure::HandlerIndex, Nanos)> overdue)
    : ledger_(ledger), limit_(std::move(limit)), overdue_(std::move(overdue)) {
  ledger_.set_watcher(this);
  thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  ledger_.set_watcher(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
    asleep.store(false, std::memory_order_relaxed);
  }
  changed_.notify_one();
}

void Watchdog::watch() {
  Nanos reported = 0;     // the slice that was reported last, by its start
  Nanos reported_at = 0;  // and when
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, kPeriod, [this] { return stopping_; });
    if (stopping_) break;
    const measure::Ledger::Holder holder = ledger_.holder();
    if (holder.handler == measure::kNoHandler) {
      // Announce the sleep, then look once more a period later: a slice that began without seeing
      // the announcement is visible by then.
      asleep.store(true, std::memory_order_relaxed);
      changed_.wait_for(lock, kPeriod, [this] { return stopping_ || !asleep.load(); });
      if (ledger_.holder().handler == measure::kNoHandler) {
        changed_.wait(lock, [this] { return stopping_ || !asleep.load(); });
      }
      asleep.store(false, std::memory_order_relaxed);
      continue;
    }
    const Nanos limit = limit_(holder.handler);
    const Nanos at = now();
    const Nanos lasted = at - holder.since;
    if (limit <= 0 || lasted < limit) continue;
    if (holder.since == reported && at - reported_at < kRepeat) continue;
    reported = holder.since;
    reported_at = at;
    overdue_(holder.handler, lasted);
  }
}

}  // namespace duet
