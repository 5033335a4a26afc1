#include "host/measure/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "host/measure/loop_meter.h"
#include "host/measure/snapshot.h"
#include "tests/unit/measure/sample_snapshot.h"

namespace duet::measure {
namespace {

TEST(Metrics, CountsRequestsByHandlerAndStatus) {
  Sample sample;
  sample.metrics.started(0);
  sample.request(0, 1000, 2000, 200);
  sample.request(0, 1000, 2000, 404);
  sample.request(0, 1000, 2000, 500);
  sample.request(0, 1000, 2000, 0);
  const HandlerStats& stats = sample.metrics.handlers()[0].stats;
  EXPECT_EQ(stats.requests(), 4u);
  EXPECT_EQ(stats.in_flight(), 1);
  EXPECT_EQ(stats.with_class(2), 1u);
  EXPECT_EQ(stats.with_class(4), 1u);
  EXPECT_EQ(stats.with_class(5), 1u);
  EXPECT_EQ(stats.with_class(0), 1u);
  EXPECT_EQ(sample.metrics.handlers()[1].stats.requests(), 0u);
  EXPECT_EQ(sample.metrics.routes()[0].stats.series().size(), 4u);
}

TEST(Metrics, RoutesInsideAnApplicationAreBounded) {
  Sample sample;
  Metrics& metrics = sample.metrics;
  // An application that says so itself takes none of the others' places.
  const std::uint32_t others = metrics.inner_route(0, 1, Metrics::kOtherRoutes);
  std::set<std::uint32_t> numbers{others};
  for (std::size_t i = 1; i < Metrics::kMostInnerRoutes - 1; ++i) {
    numbers.insert(metrics.inner_route(0, 1, "/" + std::to_string(i)));
  }
  EXPECT_EQ(numbers.size(), Metrics::kMostInnerRoutes - 1);
  EXPECT_EQ(metrics.inner_route(0, 1, "/one too many"), others);
  EXPECT_EQ(metrics.inner_route(0, 1, "/two too many"), others);
  EXPECT_TRUE(numbers.contains(metrics.inner_route(0, 1, "/7")));
  EXPECT_FALSE(numbers.contains(metrics.inner_route(1, 1, "/7")));
}

TEST(Metrics, QuantilesOfAPhaseAreOverAllRequests) {
  Sample sample;
  for (int i = 0; i < 90; ++i) sample.request(0, 0, 2000);  // 90 that did not queue
  for (int i = 0; i < 10; ++i) sample.request(0, 50'000, 2000);
  const Snapshot shot = take_snapshot(sample.metrics, {});
  const Spread& queue = shot.handlers[0].phase(Phase::kQueue);
  EXPECT_EQ(queue.nonzero, 10u);
  EXPECT_EQ(queue.p50, 0);
  EXPECT_NEAR(static_cast<double>(queue.p99), 50'000, 500);
  EXPECT_DOUBLE_EQ(queue.mean, 5'000);
}

TEST(Metrics, PhasesSumToTheTotalAndNothingIsUnaccounted) {
  Sample sample;
  sample.run();
  const Snapshot shot = take_snapshot(sample.metrics, {});
  for (const HandlerSnapshot& one : shot.handlers) {
    Nanos sum = one.unaccounted.sum;
    for (const Spread& phase : one.phases) sum += phase.sum;
    EXPECT_EQ(sum, one.total.sum) << one.labels.name;
    EXPECT_EQ(one.unaccounted.max, 0);
  }
}

TEST(Metrics, ASnapshotHoldsTheBlameAndTheRoutes) {
  Sample sample;
  sample.run();
  const Snapshot shot = take_snapshot(sample.metrics, {});
  EXPECT_NEAR(static_cast<double>(shot.handlers[0].waited_for[1]), 10 * 10e6, 0.01 * 100e6);
  EXPECT_EQ(shot.handlers[0].waited_for[0], 0);
  EXPECT_EQ(shot.handlers[0].routes, std::vector<std::string>{"/js/{code}"});
  EXPECT_EQ(shot.handlers[1].routes, (std::vector<std::string>{"/py/{code}", "/py"}));
}

TEST(Metrics, UnroutedRequestsAreCountedApart) {
  Sample sample;
  Timeline timeline;
  timeline.begin(0, false);
  timeline.end(2000);
  Outcome outcome;
  outcome.status = 404;
  sample.metrics.ended_unrouted(timeline, outcome);
  const Snapshot shot = take_snapshot(sample.metrics, {});
  EXPECT_EQ(shot.unrouted.requests, 1u);
  EXPECT_EQ(shot.unrouted.by_class[4], 1u);
  EXPECT_EQ(shot.handlers[0].requests, 0u);
}

TEST(Metrics, StatusesThatAHandlerInventsDoNotGrowWithoutBound) {
  RouteStats stats;
  for (std::uint16_t status = 200; status < 600; ++status) {
    Outcome outcome;
    outcome.status = status;
    outcome.method = static_cast<std::uint8_t>(status % 10);
    stats.record(outcome, 1000);
    stats.record(outcome, 1000);
  }
  ASSERT_EQ(stats.series().size(), RouteStats::kMost);
  std::uint64_t counted = 0;
  for (const Series& series : stats.series()) {
    for (std::size_t i = 0; i <= kRequestBounds.size(); ++i) counted += series.duration.in(i);
  }
  EXPECT_EQ(counted, 800u);
  EXPECT_TRUE(stats.series().back().overflow);
}

TEST(Buckets, HoldEachValueUpToItsBoundInclusive) {
  for (std::size_t i = 0; i < kRequestBounds.size(); ++i) {
    Buckets<kRequestBounds> buckets;
    buckets.record(kRequestBounds[i]);
    buckets.record(kRequestBounds[i] + 1);
    EXPECT_EQ(buckets.in(i), 1u) << kRequestBounds[i];
    EXPECT_EQ(buckets.in(i + 1), 1u) << kRequestBounds[i];
  }
  Buckets<kSizeBounds> sizes;
  for (const std::int64_t size : {0, 1, 100, 101, 20'000'000}) sizes.record(size);
  EXPECT_EQ(sizes.in(0), 1u);
  EXPECT_EQ(sizes.in(1), 2u);
  EXPECT_EQ(sizes.in(2), 1u);
  EXPECT_EQ(sizes.in(kSizeBounds.size()), 1u);
  EXPECT_EQ(sizes.sum(), 20'000'202);
}

TEST(Snapshot, CpuPartsAddUpToTheProcess) {
  sample_cpu = 0;
  Ledger ledger;  // the real clock
  ledger.add_handler(0);
  ledger.add_handler(1);
  Metrics metrics(ledger);
  metrics.add_handler(0, {"a", "native", "", ""});
  metrics.add_handler(1, {"b", "native", "", ""});
  const auto spin = [](Nanos cpu) {
    for (const Nanos until = thread_cpu_now() + cpu; thread_cpu_now() < until;) {
    }
  };
  for (int i = 0; i < 5; ++i) {
    ledger.begin(0, nullptr);
    spin(5 * kMillisecond);
    ledger.end(Phase::kAwait);
    const Nanos from = now();
    spin(2 * kMillisecond);
    ledger.charge_host(1, from, now());
    spin(kMillisecond);
  }
  EngineSnapshot engine;
  engine.name = "javascript";
  engine.background_cpu = 0;
  const Snapshot shot = take_snapshot(metrics, {engine});
  const CpuSnapshot& cpu = shot.cpu;
  EXPECT_EQ(cpu.handlers + cpu.engines + cpu.unattributed(), cpu.process());
  EXPECT_NEAR(static_cast<double>(shot.handlers[0].run_cpu), 25e6, 2e6);
  EXPECT_NEAR(static_cast<double>(shot.handlers[1].host_cpu), 10e6, 1e6);
  EXPECT_NEAR(static_cast<double>(cpu.loop), 5e6, 3e6);
  // The kernel's account of the process and of this, its only thread, agree: nothing is left over.
  EXPECT_NEAR(static_cast<double>(cpu.other), 0, 0.02 * static_cast<double>(cpu.process()) + 1e6);
}

TEST(LoopMeter, MeasuresWorkBetweenWaitsAndNotTheWaits) {
  Ledger ledger([] { return sample_cpu; });
  ledger.add_handler(0);
  LoopMeter meter(ledger);
  meter.before_poll(1 * kMillisecond);
  meter.before_poll(500 * kMillisecond);  // woke for nothing of ours
  EXPECT_EQ(meter.iterations().count(), 0u);
  ledger.begin(0, nullptr, 700 * kMillisecond);
  ledger.end(Phase::kAwait, 703 * kMillisecond);
  meter.before_poll(704 * kMillisecond);
  EXPECT_EQ(meter.iterations().count(), 1u);
  EXPECT_EQ(meter.iterations().max(), 4 * kMillisecond);
  EXPECT_EQ(meter.busy(), 4 * kMillisecond);
}

TEST(LoopMeter, CountsIterationsOfARealLoopAndNeedsNoWakeUps) {
  auto loop = Loop::create();
  ASSERT_TRUE(loop.ok());
  Ledger ledger;
  LoopMeter meter(ledger);
  (*loop)->add_observer(&meter);
  (*loop)->post([&] {
    for (const Nanos until = now() + 3 * kMillisecond; now() < until;) {
    }
    (*loop)->after(5 * kMillisecond, [&] { (*loop)->stop(); });
  });
  (*loop)->run();
  (*loop)->remove_observer(&meter);
  EXPECT_LE(meter.iterations().count(), 4u);
}

}  // namespace
}  // namespace duet::measure
