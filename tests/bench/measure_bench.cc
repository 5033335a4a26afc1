// What measuring costs: nanoseconds an operation. The budgets: 10 ns a histogram record, 5%
// of a hello-world request of 6 us, which is 300 ns, in all.
#include <fmt/core.h>
#include <hdr/hdr_histogram.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <vector>

#include "host/base/clock.h"
#include "host/measure/histogram.h"
#include "host/measure/ledger.h"
#include "host/measure/loop_meter.h"
#include "host/measure/metrics.h"
#include "host/measure/timeline.h"

namespace duet::measure {
namespace {

template <class T>
void keep(T const& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

// The least of many short rounds: one that nobody interrupted.
template <class Operation>
double nanos(int operations, Operation operation) {
  constexpr int kRounds = 400;
  const int each = std::max(1, operations / kRounds);
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const Nanos start = clock_detail::read(CLOCK_MONOTONIC);
    for (int i = 0; i < each; ++i) operation(round * each + i);
    const Nanos took = clock_detail::read(CLOCK_MONOTONIC) - start;
    best = std::min(best, static_cast<double>(took) / each);
  }
  return best;
}

void show(const char* what, double each) { fmt::print("{:<58}{:>9.2f} ns\n", what, each); }

constexpr int kMany = 1'000'000;

void clocks() {
  show("clock_gettime(CLOCK_MONOTONIC)",
       nanos(kMany, [](int) { keep(clock_detail::read(CLOCK_MONOTONIC)); }));
  show("now()", nanos(kMany, [](int) { keep(now()); }));
  timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  const Nanos at = now();
  show("from_wall(), now() known", nanos(kMany, [&](int) { keep(from_wall(wall, at)); }));
  show("thread CPU clock", nanos(kMany / 10, [](int) { keep(thread_cpu_now()); }));
}

void histograms() {
  std::vector<Nanos> values(4096);
  std::uint32_t random = 1;
  for (Nanos& value : values) {
    random = random * 1664525 + 1013904223;
    value = 500 + (random >> 8) % 20'000;  // the phases of small requests
  }
  Histogram own;
  show("Histogram::record", nanos(kMany, [&](int i) { own.record(values[i % 4096]); }));
  hdr_histogram* hdr = nullptr;
  hdr_init(1, Histogram::kHighest, 2, &hdr);
  show("hdr_record_value, for comparison",
       nanos(kMany, [&](int i) { hdr_record_value(hdr, values[i % 4096]); }));
  hdr_close(hdr);
  show("Histogram::quantile", nanos(1000, [&](int) { keep(own.quantile(0.99)); }));
}

// One request as the host does it, on a clock that costs nothing.
void requests() {
  Ledger ledger;
  ledger.add_handler(0);
  ledger.add_handler(1);
  Timeline timeline;
  Nanos at = kSecond;
  const auto request = [&](HandlerIndex handler) {
    timeline.begin(at, false);
    timeline.reading(at += 300);
    timeline.set_handler(handler);
    ledger.begin(handler, &timeline, at += 300);
    timeline.answered();
    ledger.end(Phase::kAwait, at += 800);
    timeline.clear(Phase::kWrite, at += 3000);
    ledger.charge_host(handler, at - 3000, at);
    timeline.end(at);
  };
  show("a request's stamps and slice, clock readings excepted",
       nanos(kMany, [&](int) { request(0); }));
  show("the same, handlers alternating",
       nanos(kMany, [&](int i) { request(static_cast<HandlerIndex>(i & 1)); }));
  Metrics metrics(ledger);
  metrics.add_handler(0, {"a", "native", "", ""});
  metrics.add_route(0, "/");
  Outcome outcome;
  outcome.status = 200;
  outcome.bytes_out = 150;
  request(0);
  show("recording a request that is over", nanos(kMany, [&](int) {
         metrics.started(0);
         metrics.ended(timeline, outcome);
       }));
  // Before reading; as the handler begins, and ends; after writing.
  const double clocks = 4 * nanos(kMany, [](int) { keep(now()); });
  show("in all, with the 4 clock readings of an unpipelined request",
       clocks + nanos(kMany, [&](int) {
         metrics.started(0);
         request(0);
         metrics.ended(timeline, outcome);
       }));
  LoopMeter meter(ledger);
  show("an iteration of the loop, with its clock reading", nanos(kMany, [&](int) {
         meter.before_poll();
         ledger.wake_up(ledger.last());  // by the first read
         meter.after_poll();
       }));
  show("begin() and end(), two clock readings included", nanos(kMany, [&](int) {
         ledger.begin(0, nullptr);
         ledger.end(Phase::kAwait);
       }));

  // 64 connections of two handlers answered in one iteration: each waits for those before it.
  std::vector<Timeline> waiting(64);
  show("begin() and end() behind up to 63 slices of another handler",
       nanos(kMany / 64, [&](int) {
         for (Timeline& t : waiting) t.begin(at, false);
         for (std::size_t i = 0; i < waiting.size(); ++i) {
           ledger.begin(i & 1, &waiting[i], at += 100);
           ledger.end(Phase::kAwait, at += 800);
         }
       }) / 64);
  Timeline late;
  const Nanos long_ago = at - 40 * kMillisecond;
  show("charge_wait() behind tens of thousands of slices", nanos(kMany / 10, [&](int) {
         late.begin(long_ago, false);
         late.set_handler(0);
         ledger.charge_wait(late, at);
       }));
  show("settle_cpu()", nanos(kMany / 100, [&](int) { ledger.settle_cpu(at += 1000); }));
}

}  // namespace
}  // namespace duet::measure

int main() {
  duet::measure::clocks();
  duet::measure::histograms();
  duet::measure::requests();
}
