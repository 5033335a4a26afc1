// How now() is tied to the kernel's clocks. Only clock.cc and its test need this.
#pragma once

#include <atomic>
#include <cstdint>

#include "host/base/clock.h"

namespace duet::clock_detail {

// Where readings come from; a test gives its own.
struct Sources {
  std::uint64_t (*ticks)();
  Nanos (*kernel)();
};

// Keeps `anchors` in step with the kernel's clock. The counter's rate is not waited for at start
// (start-up is measured too): the kernel is asked until 2 ms have gone by, and the span of an
// anchor grows with the time over which the rate was measured, so that the error stays in tens of
// nanoseconds. Corrections never step back: a clock that is ahead runs slower until it is not.
class Tie {
 public:
  // `usable`: the counter is invariant.
  constexpr Tie(Anchors& anchors, Sources sources, bool usable)
      : anchors_(anchors), sources_(sources), usable_(usable) {}

  // Called when `anchors` do not hold. Any thread, also in a signal handler that interrupted it.
  Nanos now_slow();
  bool uses_counter() const { return usable_.load(std::memory_order_relaxed); }

 private:
  struct Pair {
    std::uint64_t ticks = 0;
    Nanos at = 0;
    std::uint64_t took = 0;  // ticks between which both were read
  };

  Pair sample() const;
  Nanos floor() const;
  // With busy_ held; `least` is the latest instant that anybody can have been given.
  Nanos tie_anew(Nanos least);
  void restart(const Pair& pair);
  void give_up_or_restart(const Pair& pair);
  void publish(const Pair& pair, std::uint64_t scale, Nanos span);

  Anchors& anchors_;
  const Sources sources_;
  std::atomic<bool> usable_;
  std::atomic<bool> busy_{false};  // guards what follows
  bool started_ = false;
  int restarts_ = 0;
  std::uint64_t scale_ = 0;  // nanoseconds a tick, times 2^32; 0: not known yet
  Pair old_, older_;         // the rate is measured from older_: one to two seconds ago
};

// The distance of the wall clock from the monotonic one.
class WallDistance {
 public:
  constexpr WallDistance(Nanos (*wall)(), Nanos (*monotonic)())
      : wall_(wall), monotonic_(monotonic) {}

  // The instant of wall time `wall` (nanoseconds since the epoch), at most `at` (now).
  Nanos convert(Nanos wall, Nanos at);

 private:
  Nanos measure(Nanos at);

  Nanos (*const wall_)();
  Nanos (*const monotonic_)();
  std::atomic<Nanos> distance_{0};
  std::atomic<Nanos> measured_at_{INT64_MIN / 2};
};

}  // namespace duet::clock_detail
