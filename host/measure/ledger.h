// Who had the loop, and when: the slices of the loop's thread, in order.
//
// Everything that runs a handler's code on the loop's thread does so inside a slice. From the
// slices follow the `run` phase of a request, the blame matrix ("milliseconds that requests of A
// waited because of B") and the apportioning of the thread's CPU time to handlers.
//
// Where CPU time belongs. Each handler has three parts:
//   run   its slices: its own language, on the loop's thread
//   host  what the host does for one of its requests: reading and parsing it, writing its answer,
//         system calls included, as told by charge_host()
//   pool  its work in threads of a pool, as told by add_pool_cpu()
// What the loop's thread does beside that (waiting for events, timers, requests that no route
// takes, work of an engine outside any slice) is loop_cpu(). So, for the thread that the ledger is
// used on, run + host of all handlers + loop_cpu() = its CPU time since the start ended,
// exactly; measure/cpu_account.h completes it to the process.
//
// Cost: begin() and end() without their clock reading about 5 ns each, charge_host() 2 ns, a
// settling 1 us at most once a millisecond (tests/bench/measure_bench).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "host/base/clock.h"
#include "host/measure/timeline.h"

namespace duet::measure {

// Loop's thread only, all of it.
class Ledger {
 public:
  // `cpu_clock` gives the CPU time of the calling thread; a test gives its own.
  explicit Ledger(Nanos (*cpu_clock)() = thread_cpu_now);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Makes room for `handler`; called once for each handler, before its first slice. Indices are
  // small numbers: memory is in proportion to the largest one (8 KB each) and to its square.
  void add_handler(HandlerIndex handler);

  // --- slices ---

  // Opens a slice of `handler` (or of the account that the timeline names) for the request
  // `timeline` (null: work of the handler that belongs to no open request, such as waitUntil). An
  // open slice is closed first, its request awaiting: slices do not nest, a switch is a `begin`.
  // Ends the phases the timeline waited in, blaming those who had the loop meanwhile. Returns the
  // instant.
  Nanos begin(HandlerIndex handler, Timeline* timeline) { return begin(handler, timeline, now()); }
  Nanos begin(HandlerIndex handler, Timeline* timeline, Nanos at);

  // As begin(), for a continuation that could have started at `ready_since`.
  Nanos resume(HandlerIndex handler, Timeline* timeline, Nanos ready_since, Nanos at) {
    if (timeline != nullptr) timeline->was_ready(ready_since, at);
    return begin(handler, timeline, at);
  }

  // Closes the open slice. The timeline, if still open, goes on in `then` (kAwait for a suspended
  // handler). No effect when no slice is open. Returns the instant.
  Nanos end(Phase then) { return end(then, now()); }
  Nanos end(Phase then, Nanos at);

  // The request of the open slice has ended, or its exchange goes away: the slice stays open for
  // the handler, without a timeline.
  void forget(const Timeline* timeline) {
    if (open_timeline_ == timeline) open_timeline_ = nullptr;
  }

  // The open slice. current() is null and current_handler() kNoHandler when none is open.
  Timeline* current() const { return open_timeline_; }
  HandlerIndex current_handler() const { return open_handler_.load(std::memory_order_relaxed); }

  // The open slice as another thread sees it (the watchdog): approximate, never torn. Any thread.
  struct Holder {
    HandlerIndex handler = kNoHandler;
    Nanos since = 0;
  };
  Holder holder() const {
    return {open_handler_.load(std::memory_order_relaxed),
            open_since_.load(std::memory_order_relaxed)};
  }

  // A watcher on another thread that sleeps while no slice is open: begin() calls `wake` when it
  // finds `asleep` true (a relaxed load a slice). Both outlive the ledger or are reset to null.
  struct Watcher {
    std::atomic<bool> asleep{false};
    virtual void wake() noexcept = 0;

   protected:
    ~Watcher() = default;
  };
  void set_watcher(Watcher* watcher) { watcher_ = watcher; }

  // --- waiting ---

  // Ends the wait that `timeline` is in: blames the handlers whose slices lie in it. Its own
  // handler is not blamed, and a request that is not routed waits for nobody. begin() does it;
  // whoever else ends a wait calls this before: a request turns to awaiting its body, or ends
  // without running.
  void charge_wait(Timeline& timeline, Nanos at);

  // --- host work and CPU ---

  // The loop's thread worked in [from, to] for requests of `handler`, outside the language: a read
  // with its parsing, a write. kNoHandler when no route takes it. A read or write that serves
  // several handlers is split by the caller, or charged to the first. Host work inside a slice is
  // taken out of that slice's CPU (not out of the `run` phase).
  void charge_host(HandlerIndex handler, Nanos from, Nanos to);

  // The same for the time that the host has been reading `timeline`'s request
  // (Timeline::reading()), which is over: nothing happens when it was already. begin() calls it.
  void charge_reading(Timeline& timeline, Nanos at) {
    if (!timeline.being_read()) return;
    charge_host(timeline.handler(), timeline.take_host_since(), at);
    timeline.clear(Phase::kParse, at);
  }

  // The latest instant that it was told of by begin(), end(), charge_host() or wake_up(). Work that
  // follows at once begins there: no clock needs to be read.
  Nanos last() const { return last_; }

  // `cpu` spent for `handler` by a thread other than the loop's.
  void add_pool_cpu(HandlerIndex handler, Nanos cpu) { totals_[handler].pool_cpu += cpu; }

  // The loop is about to wait: time until the next begin() or charge_host() is idle. LoopMeter
  // calls it, and settles now and then, so that what is shown of a quiet host is up to date.
  void sleep(Nanos at);
  // What woke the loop was neither a slice nor host work (a timer, an engine's own handle).
  void wake_up(Nanos at) { wake(at); }
  bool asleep() const { return asleep_; }

  // The host serves from here on: what loop_cpu() holds so far was the start (engines, handlers
  // being loaded) and counts as started_cpu().
  void end_start(Nanos at);
  // Divides the thread's CPU time since the last call among slices and host work since then, by
  // their wall time. begin(), end() and charge_host() call it once a millisecond has gone by
  // (reading the thread's CPU clock is a system call of 0.7 us); whoever shows figures calls it
  // before.
  void settle_cpu(Nanos at);

  // A collector's pause inside the open slice (or outside any), charged to the open timeline.
  void add_gc(Nanos start, Nanos end);

  // --- results, in nanoseconds ---

  // blame(a, b): time that requests of `a` waited because `b` had the loop.
  Nanos blame(HandlerIndex waiting, HandlerIndex holding) const;
  // Wall time of all slices of `handler`, and the collector's pauses in them.
  Nanos slice_time(HandlerIndex handler) const { return totals_[handler].wall; }
  Nanos gc_time(HandlerIndex handler) const { return totals_[handler].gc; }
  // CPU time, as explained above; up to the last settle_cpu().
  Nanos cpu_time(HandlerIndex handler) const {
    return run_cpu(handler) + host_cpu(handler) + pool_cpu(handler);
  }
  Nanos run_cpu(HandlerIndex handler) const { return totals_[handler].run_cpu; }
  Nanos host_cpu(HandlerIndex handler) const { return totals_[handler].host_cpu; }
  Nanos pool_cpu(HandlerIndex handler) const { return totals_[handler].pool_cpu; }
  Nanos loop_cpu() const { return loop_cpu_; }
  // All CPU time of the loop's thread since the start ended: when the ledger was made, or
  // end_start().
  Nanos thread_cpu() const { return settled_cpu_ - started_cpu_; }
  // The thread's CPU time until then: what no request has caused.
  Nanos started_cpu() const { return started_cpu_; }
  // When the loop last woke: the first event after sleep(), or sleep()'s instant when none came.
  Nanos woke_at() const { return woke_at_; }

  std::size_t handlers() const { return totals_.size(); }

 private:
  // Short neighbouring slices of one handler are one entry; `busy` is their wall time.
  struct Entry {
    Nanos start, end, busy;
    HandlerIndex handler;
    bool long_slice;  // nothing is added to it
  };
  struct Total {
    Nanos wall = 0, gc = 0;
    Nanos run_cpu = 0, host_cpu = 0, pool_cpu = 0;
    Nanos run_window = 0, host_window = 0;  // wall since the last settling
    bool touched = false;                   // the windows are not both zero
  };

  // Recent slices, exactly. A wait that began before them takes all from the history instead: the
  // cumulative slice times of all handlers at each settling, interpolated. So a wait costs about
  // the same behind ten slices as behind ten thousand.
  static constexpr std::size_t kRing = 64;       // a power of two; 2 KB
  static constexpr std::size_t kHistory = 1024;  // settlings: a second at least

  Nanos open_since() const { return open_since_.load(std::memory_order_relaxed); }
  void close(Nanos at);
  void record(HandlerIndex handler, Nanos start, Nanos end);
  void blame_slices(HandlerIndex waiting, Nanos from, Nanos at);
  void blame_history(HandlerIndex waiting, Nanos from, Nanos at);
  void wake(Nanos at) {
    if (asleep_) [[unlikely]] {
      asleep_ = false;
      woke_at_ = last_ = at;
      window_idle_ += at - slept_at_;
    }
  }
  Total& touch(HandlerIndex handler);
  void remember(Nanos at);

  Nanos (*const cpu_clock_)();
  std::vector<Total> totals_;
  std::vector<HandlerIndex> touched_;
  std::vector<Nanos> blame_;  // handlers x handlers, row = who waited

  std::array<Entry, kRing> ring_;
  std::uint64_t next_ = 0;        // entries written so far
  Nanos others_end_ = INT64_MIN;  // end of the last slice not of the newest entry's handler

  std::vector<Nanos> history_at_;
  std::vector<Nanos> history_;  // kHistory rows of slice times
  std::uint64_t history_next_ = 0;

  Timeline* open_timeline_ = nullptr;
  std::atomic<HandlerIndex> open_handler_{kNoHandler};  // written by the loop's thread alone
  std::atomic<Nanos> open_since_{0};
  Watcher* watcher_ = nullptr;
  Nanos open_unsettled_since_ = 0;
  Nanos open_host_ = 0;  // host work inside the open slice

  bool asleep_ = false;
  Nanos slept_at_ = 0;
  Nanos woke_at_ = 0;
  Nanos last_ = 0;
  Nanos window_idle_ = 0;

  Nanos settled_at_ = 0;
  Nanos settle_due_ = 0;
  Nanos started_cpu_ = 0;
  Nanos settled_cpu_ = 0;
  Nanos loop_cpu_ = 0;
};

}  // namespace duet::measure
