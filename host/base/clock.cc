#include "host/base/clock.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "host/base/clock_tie.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace duet {
namespace clock_detail {
namespace {

constexpr Nanos kFirstBaseline = 2 * kMillisecond;
// The kernel's clock changes its rate by up to 500 ppm when it is steered; this long an anchor is
// off by at most 50 us then, and by nothing when the rate is steady.
constexpr Nanos kLongestSpan = 100 * kMillisecond;
constexpr Nanos kBaseline = kSecond;
// Two measurements of the rate that differ by more than this are not of one invariant counter (the
// machine was suspended or moved): measure anew, and give up when it happens again and again.
constexpr double kRateTolerance = 1e-3;
constexpr int kRestarts = 8;
// A sample of both clocks takes 50 ns; one that took longer was interrupted.
constexpr Nanos kLongestSample = 5 * kMicrosecond;
constexpr Nanos kWallDistanceAge = 10 * kMillisecond;

// What /proc/cpuinfo calls constant_tsc and nonstop_tsc comes from this one bit, and asking the
// processor takes a microsecond where reading that file takes milliseconds on large machines.
bool counter_is_invariant() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0x80000007, &a, &b, &c, &d) == 0 || (d & (1u << 8)) == 0) return false;
  // A kernel that found the cores' counters out of step uses another clock.
  if (std::FILE* file =
          std::fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re")) {
    char name[64] = "";
    const bool read = std::fgets(name, sizeof name, file) != nullptr;
    std::fclose(file);
    if (read) {
      for (const char* other : {"hpet", "acpi_pm", "jiffies", "refined-jiffies"}) {
        if (std::strncmp(name, other, std::strlen(other)) == 0) return false;
      }
    }
  }
  return true;
#else
  return false;
#endif
}

Nanos kernel_now() { return read(CLOCK_MONOTONIC); }

Tie& tie() {
  static Tie instance(anchors, {ticks, kernel_now}, counter_is_invariant());
  return instance;
}

WallDistance wall_distance(wall_now, now);

// The first sample is taken before main(), so that the rate is known soon.
const Nanos started_at = tie().now_slow();

}  // namespace

constinit Anchors anchors;

// A counter value and the kernel's time just after it. Taking the counter first leaves the clock
// some 10 ns ahead of the kernel's, never behind, so that nobody sees time go back when it changes
// from the kernel's to ours. The quickest of a few tries was not interrupted.
Tie::Pair Tie::sample() const {
  Pair best;
  std::uint64_t quickest = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t before = sources_.ticks();
    const Nanos at = sources_.kernel();
    const std::uint64_t took = sources_.ticks() - before;
    if (took < quickest) {
      quickest = took;
      best = {before, at, took};
    }
  }
  return best;
}

// The latest instant that the newest anchor can have given to anybody: no reading after its span.
Nanos Tie::floor() const {
  const Anchor& anchor = anchors_.slots[anchors_.newest.load() % kAnchors];
  return anchor.base.load() + scaled(anchor.span.load(), anchor.scale.load());
}

void Tie::restart(const Pair& pair) {
  old_ = older_ = pair;
  scale_ = 0;
  started_ = true;
}

Nanos Tie::now_slow() {
  for (;;) {
    // Read before the anchors are: the latest instant that anybody can have been given so far. Were
    // it read after, it might be that of a new anchor, a tenth of a second ahead.
    const std::uint64_t newest = anchors_.newest.load(std::memory_order_acquire);
    const Nanos least = floor();
    const Nanos anchored_now = anchored(anchors_, sources_.ticks());
    if (anchored_now != kUnanchored) return anchored_now;  // another thread has just tied it
    if (!uses_counter() || busy_.exchange(true, std::memory_order_acquire)) {
      // Either the counter is of no use, or somebody is at it (perhaps the code that this signal
      // handler interrupted): the kernel's time is right, and not behind the anchor being made.
      const Nanos kernel = sources_.kernel();
      if (anchors_.newest.load(std::memory_order_acquire) == newest) return std::max(kernel, least);
      continue;
    }
    if (anchors_.newest.load(std::memory_order_acquire) != newest) {
      busy_.store(false, std::memory_order_release);
      continue;
    }
    const Nanos result = tie_anew(least);
    busy_.store(false, std::memory_order_release);
    return result;
  }
}

Nanos Tie::tie_anew(Nanos least) {
  const Pair pair = sample();
  if (!started_) {
    restart(pair);
    return std::max(pair.at, least);
  }
  if (pair.ticks <= older_.ticks || pair.at < older_.at) {
    give_up_or_restart(pair);
    return std::max(pair.at, least);
  }
  // Interrupted in every try: a better pair will come. Or too early to know the rate.
  const Nanos baseline = pair.at - older_.at;
  if ((scale_ != 0 && scaled(pair.took, scale_) > kLongestSample) || baseline < kFirstBaseline) {
    return std::max(pair.at, least);
  }
  const double rate =
      static_cast<double>(baseline) / static_cast<double>(pair.ticks - older_.ticks) * 4294967296.0;
  const double change = scale_ == 0 ? 0 : rate / static_cast<double>(scale_) - 1;
  if (change > kRateTolerance || change < -kRateTolerance) {
    give_up_or_restart(pair);
    return std::max(pair.at, least);
  }
  scale_ = static_cast<std::uint64_t>(rate);
  const Nanos span = std::min(baseline, kLongestSpan);
  const Nanos ahead = std::max<Nanos>(0, least - pair.at);
  const double slower = 1 - std::min(0.5, static_cast<double>(ahead) / static_cast<double>(span));
  publish({pair.ticks, pair.at + ahead}, static_cast<std::uint64_t>(rate * slower), span);
  if (pair.at - old_.at >= kBaseline) {
    older_ = old_;
    old_ = pair;
    restarts_ = 0;
  }
  const Nanos anew = anchored(anchors_, sources_.ticks());
  return anew != kUnanchored ? anew : pair.at + ahead;
}

void Tie::give_up_or_restart(const Pair& pair) {
  if (++restarts_ > kRestarts) usable_ = false;
  restart(pair);
}

void Tie::publish(const Pair& pair, std::uint64_t scale, Nanos span) {
  const std::uint64_t number = anchors_.newest.load() + 1;
  Anchor& anchor = anchors_.slots[number % kAnchors];
  anchor.number = 0;  // a reader that still looks at this slot sees that it has changed
  anchor.since = pair.ticks;
  anchor.span = static_cast<std::uint64_t>(static_cast<double>(span) * 4294967296.0 /
                                           static_cast<double>(scale));
  anchor.scale = scale;
  anchor.base = pair.at;
  anchor.number = number;
  anchors_.newest.store(number, std::memory_order_release);
}

Nanos now_slow() { return tie().now_slow(); }

Nanos WallDistance::measure(Nanos at) {
  Nanos distance = 0;
  Nanos quickest = INT64_MAX;
  for (int i = 0; i < 3; ++i) {
    const Nanos before = monotonic_();
    const Nanos wall = wall_();
    const Nanos took = monotonic_() - before;
    if (took < quickest) {
      quickest = took;
      distance = wall - (before + took / 2);
    }
  }
  distance_.store(distance, std::memory_order_relaxed);
  measured_at_.store(at, std::memory_order_relaxed);
  return distance;
}

Nanos WallDistance::convert(Nanos wall, Nanos at) {
  const bool fresh = at - measured_at_.load(std::memory_order_relaxed) < kWallDistanceAge;
  Nanos instant = wall - (fresh ? distance_.load(std::memory_order_relaxed) : measure(at));
  if (instant > at && fresh) instant = wall - measure(at);
  return std::min(instant, at);
}

}  // namespace clock_detail

bool clock_uses_counter() { return clock_detail::tie().uses_counter(); }

Nanos from_wall(const timespec& wall, Nanos at) {
  return clock_detail::wall_distance.convert(
      static_cast<Nanos>(wall.tv_sec) * kSecond + wall.tv_nsec, at);
}

}  // namespace duet
