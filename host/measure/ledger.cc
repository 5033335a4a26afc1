#include "host/measure/ledger.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace duet::measure {
namespace {

// Slices up to this long that follow each other within this gap are one entry of the ring: under
// load a handler's slices are a microsecond each with a few microseconds of reading and writing
// between them.
constexpr Nanos kShort = 100 * kMicrosecond;
constexpr Nanos kGap = 20 * kMicrosecond;

constexpr Nanos kSettlePeriod = kMillisecond;

Nanos part(Nanos whole, double share) {
  return static_cast<Nanos>(static_cast<double>(whole) * share);
}

}  // namespace

Ledger::Ledger(Nanos (*cpu_clock)()) : cpu_clock_(cpu_clock) {
  started_cpu_ = settled_cpu_ = cpu_clock_();
}

void Ledger::add_handler(HandlerIndex handler) {
  DUET_CHECK(handler < 1u << 16);
  const std::size_t before = totals_.size();
  if (handler < before) return;
  const std::size_t after = handler + 1;
  totals_.resize(after);
  touched_.reserve(after);
  std::vector<Nanos> blame(after * after, 0);
  std::vector<Nanos> history(after * kHistory, 0);
  for (std::size_t row = 0; row < before; ++row) {
    std::copy_n(&blame_[row * before], before, &blame[row * after]);
  }
  if (before > 0) {
    for (std::size_t row = 0; row < kHistory; ++row) {
      std::copy_n(&history_[row * before], before, &history[row * after]);
    }
  }
  blame_ = std::move(blame);
  history_ = std::move(history);
  history_at_.resize(kHistory);
}

Nanos Ledger::begin(HandlerIndex handler, Timeline* timeline, Nanos at) {
  if (timeline != nullptr) {
    handler = timeline->account_or(handler);
    charge_reading(*timeline, at);
  }
  DUET_CHECK(handler < totals_.size());
  last_ = at;
  if (current_handler() != kNoHandler) {
    if (open_timeline_ != nullptr && open_timeline_ != timeline) {
      open_timeline_->change(Phase::kRun, Phase::kAwait, at);
    }
    close(at);
  }
  wake(at);
  if (at >= settle_due_) [[unlikely]]
    settle_cpu(at);
  if (timeline != nullptr) {
    if (timeline->waiting()) blame_slices(handler, timeline->waits_since(), at);
    timeline->run(at);
  }
  open_timeline_ = timeline;
  open_unsettled_since_ = at;
  open_host_ = 0;
  open_since_.store(at, std::memory_order_relaxed);
  open_handler_.store(handler, std::memory_order_relaxed);
  if (watcher_ != nullptr && watcher_->asleep.load(std::memory_order_relaxed)) watcher_->wake();
  return at;
}

Nanos Ledger::end(Phase then, Nanos at) {
  if (current_handler() == kNoHandler) return at;
  if (open_timeline_ != nullptr && open_timeline_->is(Phase::kRun)) {
    open_timeline_->change(Phase::kRun, then, at);
  }
  close(at);
  last_ = at;
  open_timeline_ = nullptr;
  if (at >= settle_due_) [[unlikely]]
    settle_cpu(at);
  return at;
}

void Ledger::close(Nanos at) {
  const HandlerIndex handler = current_handler();
  const Nanos since = open_since();
  open_handler_.store(kNoHandler, std::memory_order_relaxed);
  if (at <= since) return;
  if (open_timeline_ != nullptr) open_timeline_->add_slice(at - since);
  Total& total = touch(handler);
  total.wall += at - since;
  total.run_window += at - open_unsettled_since_ - open_host_;
  record(handler, since, at);
}

Ledger::Total& Ledger::touch(HandlerIndex handler) {
  Total& total = totals_[handler];
  if (!total.touched) [[unlikely]] {
    total.touched = true;
    touched_.push_back(handler);
  }
  return total;
}

void Ledger::record(HandlerIndex handler, Nanos start, Nanos end) {
  const Nanos busy = end - start;
  if (next_ > 0) {
    Entry& newest = ring_[(next_ - 1) % kRing];
    if (newest.handler == handler) {
      if (busy <= kShort && !newest.long_slice && start - newest.end <= kGap) {
        newest.end = end;
        newest.busy += busy;
        return;
      }
    } else {
      others_end_ = newest.end;
    }
  }
  ring_[next_++ % kRing] = {start, end, busy, handler, busy > kShort};
}

void Ledger::charge_wait(Timeline& timeline, Nanos at) {
  if (!timeline.waiting() || timeline.handler() == kNoHandler) return;
  blame_slices(timeline.account(), timeline.waits_since(), at);
  timeline.wait_over();
}

void Ledger::blame_slices(HandlerIndex waiting, Nanos from, Nanos at) {
  Nanos* const row = blame_.data() + waiting * totals_.size();
  const HandlerIndex open = current_handler();
  if (open != kNoHandler && open != waiting) {
    row[open] += std::max<Nanos>(0, at - std::max(from, open_since()));
  }
  if (next_ == 0) return;
  const Entry& newest = ring_[(next_ - 1) % kRing];
  // Only slices of its own since then: the common case.
  if (from >= newest.end) return;
  if (newest.handler == waiting && from >= others_end_) return;
  if (next_ > kRing && ring_[next_ % kRing].start > from) {
    blame_history(waiting, from, at);
    return;
  }
  const std::uint64_t oldest = next_ > kRing ? next_ - kRing : 0;
  for (std::uint64_t i = next_; i > oldest;) {
    const Entry& entry = ring_[--i % kRing];
    if (entry.end <= from) return;
    if (entry.handler == waiting) continue;
    const Nanos overlap = std::min(entry.end, at) - std::max(entry.start, from);
    if (overlap <= 0) continue;
    const Nanos length = entry.end - entry.start;
    row[entry.handler] +=
        overlap == length
            ? entry.busy
            : part(entry.busy, static_cast<double>(overlap) / static_cast<double>(length));
  }
}

void Ledger::blame_history(HandlerIndex waiting, Nanos from, Nanos at) {
  const std::size_t handlers = totals_.size();
  Nanos* const row = blame_.data() + waiting * handlers;
  // The last settling at or before `from`, by halves; the oldest when all are later.
  std::uint64_t low = history_next_ > kHistory ? history_next_ - kHistory : 0;
  if (low == history_next_) return;
  for (std::uint64_t high = history_next_; high - low > 1;) {
    const std::uint64_t middle = low + (high - low) / 2;
    (history_at_[middle % kHistory] <= from ? low : high) = middle;
  }
  const Nanos* const before = history_.data() + (low % kHistory) * handlers;
  const Nanos* const after =
      low + 1 < history_next_ ? history_.data() + ((low + 1) % kHistory) * handlers : nullptr;
  const Nanos before_at = history_at_[low % kHistory];
  const Nanos after_at = after != nullptr ? history_at_[(low + 1) % kHistory] : at;
  const double share =
      from <= before_at || after_at <= before_at
          ? 0
          : static_cast<double>(from - before_at) / static_cast<double>(after_at - before_at);
  for (HandlerIndex h = 0; h < handlers; ++h) {
    if (h == waiting) continue;
    const Nanos now_total = totals_[h].wall;
    const Nanos then =
        before[h] + part((after != nullptr ? after[h] : now_total) - before[h], share);
    row[h] += std::max<Nanos>(0, now_total - then);
  }
}

void Ledger::charge_host(HandlerIndex handler, Nanos from, Nanos to) {
  wake(from);
  if (current_handler() != kNoHandler) {
    open_host_ += std::max<Nanos>(0, to - std::max(from, open_unsettled_since_));
  }
  last_ = to;
  if (handler != kNoHandler) touch(handler).host_window += to - from;
  if (to >= settle_due_) [[unlikely]]
    settle_cpu(to);
}

void Ledger::sleep(Nanos at) {
  if (at >= settle_due_) settle_cpu(at);
  asleep_ = true;
  slept_at_ = woke_at_ = at;
}

void Ledger::end_start(Nanos at) {
  settle_cpu(at);
  started_cpu_ += std::exchange(loop_cpu_, 0);
}

void Ledger::settle_cpu(Nanos at) {
  if (current_handler() != kNoHandler) {
    touch(current_handler()).run_window += at - open_unsettled_since_ - open_host_;
    open_unsettled_since_ = at;
    open_host_ = 0;
  }
  if (asleep_) {  // asked from outside an iteration: all of it was idle
    window_idle_ += at - slept_at_;
    slept_at_ = at;
  }
  const Nanos cpu = cpu_clock_();
  const Nanos spent = cpu - settled_cpu_;
  settled_cpu_ = cpu;

  Nanos known = 0;
  for (const HandlerIndex handler : touched_) {
    known += totals_[handler].run_window + totals_[handler].host_window;
  }
  // While it was not preempted, the thread's CPU time is its wall time outside waiting. When it
  // was, nobody knows in which slice: all bear it alike.
  const Nanos window = settled_at_ == 0 ? 0 : at - settled_at_ - window_idle_;
  const Nanos busy = std::max(window, known);
  const double share = spent >= busy ? 1.0 : static_cast<double>(spent) / static_cast<double>(busy);
  Nanos rest = spent;
  for (const HandlerIndex handler : touched_) {
    Total& total = totals_[handler];
    const Nanos run = part(total.run_window, share);
    const Nanos host = part(total.host_window, share);
    total.run_cpu += run;
    total.host_cpu += host;
    rest -= run + host;
    total.run_window = total.host_window = 0;
    total.touched = false;
  }
  touched_.clear();
  loop_cpu_ += rest;
  window_idle_ = 0;
  settled_at_ = at;
  settle_due_ = at + kSettlePeriod;
  remember(at);
}

void Ledger::remember(Nanos at) {
  if (totals_.empty()) return;
  const std::size_t handlers = totals_.size();
  Nanos* const row = history_.data() + (history_next_ % kHistory) * handlers;
  for (std::size_t h = 0; h < handlers; ++h) row[h] = totals_[h].wall;
  if (current_handler() != kNoHandler) row[current_handler()] += at - open_since();
  history_at_[history_next_ % kHistory] = at;
  ++history_next_;
}

void Ledger::add_gc(Nanos start, Nanos end) {
  const Nanos pause = std::max<Nanos>(0, end - start);
  if (current_handler() != kNoHandler) totals_[current_handler()].gc += pause;
  if (open_timeline_ != nullptr) open_timeline_->add_gc(pause);
}

Nanos Ledger::blame(HandlerIndex waiting, HandlerIndex holding) const {
  return blame_[waiting * totals_.size() + holding];
}

}  // namespace duet::measure
