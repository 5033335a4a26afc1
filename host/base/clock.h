// One monotonic clock for everything that is measured.
//
// A request is stamped four times at least, so reading the clock is part of the request path.
// Through the kernel's vDSO a reading costs 25 ns (measured, EPYC under KVM), from the processor's
// time stamp counter 11 ns, of which the rdtsc instruction is 10. So where the counter is invariant
// (it runs at one rate through frequency changes and sleep states) now() scales the counter and is
// tied to CLOCK_MONOTONIC again at least every 100 ms; elsewhere it asks the kernel.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace duet {

// Nanoseconds: a duration, or an instant of CLOCK_MONOTONIC. Signed, so differences are safe.
using Nanos = std::int64_t;

inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

namespace clock_detail {

inline Nanos read(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<Nanos>(t.tv_sec) * kSecond + t.tv_nsec;
}

// The counter; a constant where there is none (the clock then asks the kernel every time).
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

// The counter tied to the monotonic clock: instant = base + (ticks - since) * scale / 2^32, valid
// for `span` ticks after `since`.
struct Anchor {
  std::atomic<std::uint64_t> number{0};
  std::atomic<std::uint64_t> since{0};
  std::atomic<std::uint64_t> span{0};
  std::atomic<std::uint64_t> scale{0};
  std::atomic<Nanos> base{0};
};

// A reader that is interrupted between looking up the newest anchor and reading it notices by its
// number that it was overwritten, four anchors later; a writer never touches the newest one. So
// reading is safe in any thread and in a signal handler, without a lock.
inline constexpr std::size_t kAnchors = 4;  // power of two
struct alignas(64) Anchors {
  std::atomic<std::uint64_t> newest{0};
  Anchor slots[kAnchors];
};
extern Anchors anchors;

inline Nanos scaled(std::uint64_t ticks, std::uint64_t scale) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<Nanos>((static_cast<Wide>(ticks) * scale) >> 32);
}

// The instant by the newest anchor, or kUnanchored when it does not hold (it has run out, it is
// being replaced, or there is none yet).
inline constexpr Nanos kUnanchored = INT64_MIN;
inline Nanos anchored(const Anchors& anchors, std::uint64_t ticks) {
  const std::uint64_t newest = anchors.newest.load(std::memory_order_acquire);
  const Anchor& anchor = anchors.slots[newest % kAnchors];
  const std::uint64_t since = anchor.since.load(std::memory_order_acquire);
  const std::uint64_t span = anchor.span.load(std::memory_order_acquire);
  const std::uint64_t scale = anchor.scale.load(std::memory_order_acquire);
  const Nanos base = anchor.base.load(std::memory_order_acquire);
  const std::uint64_t number = anchor.number.load(std::memory_order_acquire);
  const std::uint64_t elapsed = ticks - since;  // wraps to a huge number when ticks < since
  if (elapsed >= span || number != newest) [[unlikely]]
    return kUnanchored;
  return base + scaled(elapsed, scale);
}

// Ties the clock anew, or asks the kernel where the counter is of no use.
Nanos now_slow();

}  // namespace clock_detail

// Now, on CLOCK_MONOTONIC, within 1 us of the kernel's. Never goes backwards, also across threads
// up to the skew of their cores' counters (the kernel vouches for it, or the counter is not used).
// Any thread; also in signal handlers.
inline Nanos now() {
  const Nanos at = clock_detail::anchored(clock_detail::anchors, clock_detail::ticks());
  return at != clock_detail::kUnanchored ? at : clock_detail::now_slow();
}

// Whether now() uses the processor's counter; for logs and `duet version`.
bool clock_uses_counter();

// Nanoseconds since the Unix epoch. Any thread.
inline Nanos wall_now() { return clock_detail::read(CLOCK_REALTIME); }

// The instant on now()'s clock of a CLOCK_REALTIME time that the kernel gave to something that has
// happened (a packet's arrival). Never later than now(). The distance of the two clocks is measured
// again every 10 ms, and at once when the result would lie in the future: a stepped wall clock
// misplaces arrivals for at most that long. `at` is now(), for callers that have it. Any thread.
Nanos from_wall(const timespec& wall, Nanos at);
inline Nanos from_wall(const timespec& wall) { return from_wall(wall, now()); }

// CPU time consumed by the calling thread, and by the whole process. A system call each (0.7 us).
inline Nanos thread_cpu_now() { return clock_detail::read(CLOCK_THREAD_CPUTIME_ID); }
inline Nanos process_cpu_now() { return clock_detail::read(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace duet
