#include "host/base/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "host/base/clock_tie.h"

namespace duet {
namespace {

using clock_detail::anchored;
using clock_detail::Anchors;
using clock_detail::kUnanchored;
using clock_detail::read;
using clock_detail::Tie;
using clock_detail::WallDistance;

// A machine of our own: real time passes by `pass`, the counter runs at `ghz` off `ppm`.
struct Machine {
  double real = 1e9;      // nanoseconds
  double counter = 5e12;  // ticks
  double ghz = 2.6;
  double kernel = 7e9;  // the kernel's clock
  double steering = 0;  // parts per million that the kernel's clock is fast by
  void pass(double nanos) {
    real += nanos;
    counter += nanos * ghz;
    kernel += nanos * (1 + steering * 1e-6);
  }
};
Machine machine;
// What happens right after the counter has been read the next time: another thread, or a signal.
std::function<void()> interruption;

std::uint64_t machine_ticks() {
  machine.pass(10);
  const auto ticks = static_cast<std::uint64_t>(machine.counter);
  if (interruption) std::exchange(interruption, nullptr)();
  return ticks;
}
Nanos machine_kernel() {
  machine.pass(25);
  return static_cast<Nanos>(machine.kernel);
}

class ClockTie : public ::testing::Test {
 protected:
  void SetUp() override { machine = Machine(); }

  Nanos now() {
    const Nanos at = anchored(*anchors_, machine_ticks());
    return at != kUnanchored ? at : tie_.now_slow();
  }
  // Reads the clock every `step` for `duration`; gives the largest distance from the kernel's.
  Nanos worst_error(double duration, double step) {
    Nanos worst = 0, before = now();
    for (const double end = machine.real + duration; machine.real < end; machine.pass(step)) {
      const Nanos at = now();
      EXPECT_GE(at, before);
      before = at;
      worst = std::max<Nanos>(worst, std::abs(at - static_cast<Nanos>(machine.kernel)));
    }
    return worst;
  }

  std::unique_ptr<Anchors> anchors_ = std::make_unique<Anchors>();
  Tie tie_{*anchors_, {machine_ticks, machine_kernel}, true};
};

TEST_F(ClockTie, FollowsTheKernelWithinAMicrosecondFromTheStart) {
  EXPECT_LE(worst_error(10e9, 31e3), 200);
  EXPECT_TRUE(tie_.uses_counter());
  EXPECT_NE(anchored(*anchors_, machine_ticks()), kUnanchored);
}

TEST_F(ClockTie, StaysRightAcrossLongSilences) {
  worst_error(3e9, 1e6);
  for (const double idle : {0.2e9, 7e9, 3600e9, 0.05e9}) {
    machine.pass(idle);
    EXPECT_LE(worst_error(1e6, 1e3), 1000) << idle;
  }
}

TEST_F(ClockTie, FollowsAKernelClockThatIsBeingSteered) {
  worst_error(3e9, 1e6);
  for (const double steering : {500.0, -500.0, 20.0, -20.0, 0.0}) {
    machine.steering = steering;
    EXPECT_LE(worst_error(4e9, 100e3), 110 * kMicrosecond) << steering;
    EXPECT_LE(worst_error(3e9, 100e3), kMicrosecond) << steering << ", when the rate is known";
  }
}

TEST_F(ClockTie, RecoversWhenTheCounterJumps) {
  worst_error(2e9, 1e6);
  machine.counter = 100;      // as after suspending
  worst_error(0.5e9, 100e3);  // ahead by up to an anchor's span at first: it runs at half speed
  EXPECT_LE(worst_error(2e9, 1e6), kMicrosecond);
  EXPECT_TRUE(tie_.uses_counter());
  machine.counter += 1e12;
  worst_error(0.5e9, 100e3);  // ahead by up to an anchor's span at first: it runs at half speed
  EXPECT_LE(worst_error(2e9, 1e6), kMicrosecond);
}

// Two threads find the anchor run out; one has renewed it while the other was interrupted. The end
// of the new anchor, a tenth of a second ahead, must not leak out.
TEST_F(ClockTie, IsNotDisturbedByAThreadThatRenewsTheAnchorMeanwhile) {
  worst_error(3e9, 1e6);
  for (int skipped = 0; skipped < 3; ++skipped) {
    machine.pass(0.2e9);
    Nanos others = 0;
    int readings = skipped;  // which reading of the counter is interrupted
    std::function<void()> interrupt = [&] {
      if (readings-- > 0) {
        interruption = interrupt;
      } else {
        others = now();
      }
    };
    interruption = interrupt;
    const Nanos at = now();
    EXPECT_NE(others, 0);
    EXPECT_NEAR(static_cast<double>(others), machine.kernel, 1000) << skipped;
    EXPECT_NEAR(static_cast<double>(at), machine.kernel, 1000) << skipped;
    EXPECT_LE(worst_error(0.3e9, 1e6), kMicrosecond) << skipped;
  }
}

TEST_F(ClockTie, WaitsForASampleThatWasNotInterrupted) {
  worst_error(3e9, 1e6);
  machine.pass(0.2e9);
  // Whoever reads both clocks now loses the processor in between, for a while.
  std::function<void()> interrupt = [&] {
    machine.pass(40e3);
    if (machine.real < 3.3e9 + 1e9) interruption = interrupt;
  };
  interruption = interrupt;
  for (int i = 0; i < 50; ++i) {
    const auto at = static_cast<double>(now());
    EXPECT_LE(at, machine.kernel + kMicrosecond);
    EXPECT_GE(at, machine.kernel - 10 * 40e3);
  }
  interruption = nullptr;
  EXPECT_LE(worst_error(1e9, 1e6), kMicrosecond);
}

TEST_F(ClockTie, GivesUpACounterThatIsNotInvariant) {
  for (int i = 0; i < 40; ++i) {
    machine.ghz = i % 2 == 0 ? 2.6 : 1.9;
    worst_error(1e9, 1e6);
  }
  EXPECT_FALSE(tie_.uses_counter());
  EXPECT_LE(worst_error(1e9, 1e6), kMicrosecond);
}

TEST_F(ClockTie, AsksTheKernelWhenThereIsNoUsableCounter) {
  Tie tie(*anchors_, {machine_ticks, machine_kernel}, false);
  for (int i = 0; i < 100; ++i) {
    machine.pass(1e6);
    EXPECT_EQ(anchored(*anchors_, machine_ticks()), kUnanchored);
    EXPECT_NEAR(static_cast<double>(tie.now_slow()), machine.kernel, 100);
  }
}

TEST(Clock, AgreesWithTheKernelWithinAMicrosecond) {
  // Other processes may take the processor between two readings: of many, the best counts, and the
  // kernel's reading in the middle bounds each from both sides.
  Nanos closest = INT64_MAX;
  const Nanos until = read(CLOCK_MONOTONIC) + 300 * kMillisecond;
  Nanos worst_outside = 0;
  while (read(CLOCK_MONOTONIC) < until) {
    const Nanos before = read(CLOCK_MONOTONIC);
    const Nanos at = now();
    const Nanos after = read(CLOCK_MONOTONIC);
    worst_outside = std::max({worst_outside, before - at, at - after});
    closest = std::min(closest, std::abs(at - before));
  }
  EXPECT_LE(worst_outside, kMicrosecond);
  EXPECT_LE(closest, kMicrosecond);
}

// Long enough for the anchor to be renewed several times under their eyes.
TEST(Clock, NeverGoesBackwardsInAnyOfFourThreads) {
  std::atomic<Nanos> backwards{0};
  std::vector<std::thread> threads;
  const Nanos until = read(CLOCK_MONOTONIC) + 600 * kMillisecond;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Nanos before = now();
      for (int i = 0; (i & 1023) != 0 || read(CLOCK_MONOTONIC) < until; ++i) {
        const Nanos at = now();
        if (at < before) backwards = before - at;
        before = at;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(backwards, 0);
}

TEST(Clock, WallTimesOfThePastBecomeInstantsOfThePast) {
  timespec wall;
  const Nanos before = now();
  clock_gettime(CLOCK_REALTIME, &wall);
  const Nanos after = now();
  const Nanos at = from_wall(wall);
  EXPECT_GE(at, before - kMicrosecond);
  EXPECT_LE(at, after + kMicrosecond);
}

TEST(Clock, WallTimesOfTheFutureBecomeNow) {
  timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  wall.tv_sec += 60;
  const Nanos at = now();
  EXPECT_EQ(from_wall(wall, at), at);
}

Nanos test_wall = 0, test_monotonic = 0;

TEST(WallDistance, FollowsASteppedWallClockWithinTenMilliseconds) {
  WallDistance distance([] { return test_wall; }, [] { return test_monotonic; });
  const Nanos epoch = 1'700'000'000 * kSecond;
  test_monotonic = 5 * kSecond;
  test_wall = epoch;
  EXPECT_EQ(distance.convert(epoch - 300, test_monotonic), test_monotonic - 300);
  test_monotonic += kMillisecond;
  test_wall += kMillisecond + 3600 * kSecond;  // set an hour ahead: seen at once, by the future
  EXPECT_EQ(distance.convert(test_wall - 700, test_monotonic), test_monotonic - 700);
  test_monotonic += 10 * kMillisecond;
  test_wall += 10 * kMillisecond - 3600 * kSecond;  // and back: seen at the next measurement
  EXPECT_EQ(distance.convert(test_wall - 900, test_monotonic), test_monotonic - 900);
}

}  // namespace
}  // namespace duet
