// What counting a request for an experiment costs: three guardrails and the split, with and without
// keys; and an evaluation of all evidence. In nanoseconds, best of several rounds.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "host/base/clock.h"
#include "host/stats/distinct_keys.h"
#include "host/stats/event_test.h"
#include "host/stats/stages.h"
#include "host/stats/tail_threshold.h"

namespace {

using duet::Nanos;
using duet::stats::DistinctKeys;
using duet::stats::EventTest;
using duet::stats::TailThreshold;

struct Sample {
  EventTest::Arm arm;
  bool error;
  double latency;
  std::uint64_t key;
};

std::vector<Sample> samples() {
  std::vector<Sample> all;
  std::uint64_t state = 1;
  for (int i = 0; i < 1 << 16; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    const auto bits = static_cast<std::uint32_t>(state >> 32);
    all.push_back({bits & 1 ? EventTest::Arm::kB : EventTest::Arm::kA, bits % 100 == 0,
                   1 + (bits >> 8) % 1000 * 0.01, bits % 5000});
  }
  return all;
}

double count(const std::vector<Sample>& all, bool keyed) {
  double best = 1e9;
  for (int round = 0; round < 9; ++round) {
    EventTest errors({}), slow({}), tail_test({});
    for (EventTest* test : {&errors, &slow, &tail_test}) test->begin_stage(0.5);
    TailThreshold tail(0.99);
    DistinctKeys keys;
    std::uint64_t counts[2] = {};
    const Nanos begin = duet::now();
    for (const Sample& sample : all) {
      std::optional<std::uint64_t> key;
      if (keyed) key = sample.key;
      errors.add(sample.arm, sample.error, key);
      slow.add(sample.arm, sample.latency > 10.5, key);
      tail_test.add(sample.arm, tail.exceeded(sample.latency, true), key);
      if (keyed) {
        keys.add(sample.key, static_cast<std::uint16_t>(sample.arm));
      } else {
        ++counts[static_cast<int>(sample.arm)];
      }
    }
    const Nanos end = duet::now();
    if (errors.stages().back().all + static_cast<double>(counts[0]) < 1) return -1;
    best = std::min(best, static_cast<double>(end - begin) / static_cast<double>(all.size()));
  }
  return best;
}

double evaluate() {
  EventTest test({});
  test.restore({{0.01, 3, 200}, {0.05, 40, 700}, {0.25, 300, 1300}, {0.5, 5000, 10100}}, 0,
               test.arms());
  double sum = 0;
  constexpr int kTimes = 1000;
  const Nanos begin = duet::now();
  for (int i = 0; i < kTimes; ++i) sum += test.look();
  const Nanos end = duet::now();
  return sum == 1 ? -1 : static_cast<double>(end - begin) / kTimes;
}

}  // namespace

int main() {
  const std::vector<Sample> all = samples();
  fmt::print("counting a request, fresh keys   {:6.1f} ns\n", count(all, false));
  fmt::print("counting a request, sticky keys  {:6.1f} ns\n", count(all, true));
  fmt::print("evidence over four stages        {:6.1f} ns\n", evaluate());
}
