#include "host/measure/ledger.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace duet::measure {
namespace {

Nanos test_cpu = 0;
Nanos read_test_cpu() { return test_cpu; }

constexpr HandlerIndex kA = 0, kB = 1, kC = 2;

class LedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test_cpu = 500;
    ledger_ = std::make_unique<Ledger>(read_test_cpu);
    for (const HandlerIndex handler : {kA, kB, kC}) ledger_->add_handler(handler);
  }

  // A slice of `handler` that belongs to no request.
  void slice(HandlerIndex handler, Nanos from, Nanos to) {
    ledger_->begin(handler, nullptr, from);
    ledger_->end(Phase::kAwait, to);
  }
  // A request of `handler` that arrived at `arrival` and runs from `from` to `to`.
  Timeline request(HandlerIndex handler, Nanos arrival, Nanos from, Nanos to) {
    Timeline t;
    t.begin(arrival, false);
    t.set_handler(handler);
    ledger_->begin(handler, &t, from);
    ledger_->end(Phase::kAwait, to);
    return t;
  }
  Nanos attributed() const {
    Nanos sum = ledger_->loop_cpu();
    for (const HandlerIndex h : {kA, kB, kC}) sum += ledger_->run_cpu(h) + ledger_->host_cpu(h);
    return sum;
  }

  std::unique_ptr<Ledger> ledger_;
};

using Blame = LedgerTest;
using Cpu = LedgerTest;

TEST_F(LedgerTest, SlicesPutTheirRequestIntoRunAndBack) {
  Timeline t;
  t.begin(100, false);
  ledger_->begin(kA, &t, 150);
  EXPECT_EQ(ledger_->current(), &t);
  EXPECT_EQ(ledger_->current_handler(), kA);
  ledger_->end(Phase::kAwait, 170);
  EXPECT_EQ(ledger_->current(), nullptr);
  EXPECT_EQ(ledger_->current_handler(), kNoHandler);
  ledger_->resume(kA, &t, 190, 200);
  ledger_->end(Phase::kAwait, 230);
  t.end(240);
  EXPECT_EQ(t.spent(Phase::kQueue), 50);
  EXPECT_EQ(t.spent(Phase::kRun), 20 + 30);
  EXPECT_EQ(t.spent(Phase::kAwait), 20 + 10);
  EXPECT_EQ(t.spent(Phase::kReady), 10);
  EXPECT_EQ(ledger_->slice_time(kA), 50);
}

TEST_F(LedgerTest, ASwitchClosesTheOpenSlice) {
  Timeline a, b;
  a.begin(0, false);
  b.begin(0, false);
  ledger_->begin(kA, &a, 10);
  ledger_->begin(kB, &b, 15);
  ledger_->end(Phase::kAwait, 22);
  a.end(30);
  b.end(30);
  EXPECT_EQ(a.spent(Phase::kRun), 5);
  EXPECT_EQ(a.spent(Phase::kAwait), 15);
  EXPECT_EQ(b.spent(Phase::kRun), 7);
  EXPECT_EQ(ledger_->slice_time(kA), 5);
  EXPECT_EQ(ledger_->slice_time(kB), 7);
}

TEST_F(LedgerTest, AForgottenRequestIsNotTouchedAgain) {
  Timeline t;
  t.begin(0, false);
  ledger_->begin(kA, &t, 10);
  t.end(12);
  ledger_->forget(&t);
  ledger_->end(Phase::kAwait, 50);
  EXPECT_EQ(t.total(), 12);
  EXPECT_EQ(ledger_->slice_time(kA), 40);
  EXPECT_EQ(ledger_->end(Phase::kAwait, 60), 60) << "no slice is open: no effect";
  EXPECT_EQ(ledger_->slice_time(kA), 40);
}

TEST_F(LedgerTest, CollectorPausesGoToTheOpenRequestAndHandler) {
  Timeline t;
  t.begin(0, false);
  ledger_->begin(kB, &t, 10);
  ledger_->add_gc(12, 19);
  ledger_->end(Phase::kAwait, 30);
  ledger_->add_gc(40, 50);
  EXPECT_EQ(t.gc(), 7);
  EXPECT_EQ(ledger_->gc_time(kB), 7);
  EXPECT_EQ(ledger_->gc_time(kA), 0);
}

TEST_F(LedgerTest, AWatcherThatSleepsIsWokenByTheNextSlice) {
  struct Counting final : Ledger::Watcher {
    int woken = 0;
    void wake() noexcept override {
      ++woken;
      asleep = false;
    }
  } watcher;
  ledger_->set_watcher(&watcher);
  slice(kA, 10, 20);
  EXPECT_EQ(watcher.woken, 0);
  watcher.asleep = true;
  ledger_->begin(kA, nullptr, 30);
  EXPECT_EQ(watcher.woken, 1);
  EXPECT_EQ(ledger_->holder().handler, kA);
  EXPECT_EQ(ledger_->holder().since, 30);
  ledger_->set_watcher(nullptr);
}

TEST_F(Blame, GoesToTheHandlersWhoseSlicesLieInTheWait) {
  slice(kB, 1000, 3000);
  slice(kC, 3000, 3500);
  request(kA, 2000, 4000, 4100);  // arrived in the middle of B's slice
  EXPECT_EQ(ledger_->blame(kA, kB), 1000);
  EXPECT_EQ(ledger_->blame(kA, kC), 500);
  EXPECT_EQ(ledger_->blame(kA, kA), 0);
  EXPECT_EQ(ledger_->blame(kB, kA), 0);
}

TEST_F(Blame, IsNotForOwnSlicesNorForWhatWasBefore) {
  slice(kB, 100, 900);
  slice(kA, 1000, 2000);
  request(kA, 950, 2100, 2200);
  EXPECT_EQ(ledger_->blame(kA, kA), 0);
  EXPECT_EQ(ledger_->blame(kA, kB), 0);
}

TEST_F(Blame, CountsForEachRequestThatWaits) {
  slice(kB, 0, 20 * kMillisecond);
  for (int i = 1; i <= 10; ++i) {
    const Nanos start = 20 * kMillisecond + i * 1000;
    request(kA, i * kMillisecond, start, start + 900);
  }
  EXPECT_EQ(ledger_->blame(kA, kB),
            (19 + 18 + 17 + 16 + 15 + 14 + 13 + 12 + 11 + 10) * kMillisecond);
}

TEST_F(Blame, FollowsARequestThatWasParsedWhileItWaited) {
  Timeline t;
  t.begin(1000, false);
  slice(kB, 900, 5000);
  t.set(Phase::kParse, 5100);
  t.clear(Phase::kParse, 5300);
  t.set_handler(kA);
  slice(kC, 5300, 5700);
  ledger_->begin(kA, &t, 6000);
  EXPECT_EQ(ledger_->blame(kA, kB), 4000);
  EXPECT_EQ(ledger_->blame(kA, kC), 400);
}

TEST_F(Blame, OfAContinuationCountsFromItsReadiness) {
  Timeline t = request(kA, 0, 10, 20);
  slice(kB, 100, 200);
  slice(kC, 210, 300);
  ledger_->resume(kA, &t, 150, 310);
  EXPECT_EQ(ledger_->blame(kA, kB), 50);
  EXPECT_EQ(ledger_->blame(kA, kC), 90);
}

TEST_F(Blame, EndsWhenARequestTurnsToAwaitingItsBody) {
  Timeline t;
  t.begin(100'000, false);
  t.set_handler(kA);
  slice(kB, 100'000, 150'000);
  ledger_->charge_wait(t, 160'000);
  t.change(Phase::kQueue, Phase::kAwait, 160'000);
  slice(kB, 200'000, 300'000);  // meanwhile the client sends
  t.change(Phase::kAwait, Phase::kQueue, 400'000);
  slice(kB, 400'000, 430'000);
  ledger_->begin(kA, &t, 450'000);
  EXPECT_EQ(ledger_->blame(kA, kB), 50'000 + 30'000);
}

TEST_F(Blame, IncludesASliceThatIsStillOpen) {
  Timeline t;
  t.begin(100, false);
  t.set_handler(kA);
  ledger_->begin(kB, nullptr, 50);
  ledger_->charge_wait(t, 180);
  EXPECT_EQ(ledger_->blame(kA, kB), 80);
}

TEST_F(Blame, OfUnroutedRequestsIsNobodys) {
  Timeline t;
  t.begin(100, false);
  slice(kB, 100, 150);
  ledger_->charge_wait(t, 180);
  for (const HandlerIndex h : {kA, kB, kC}) EXPECT_EQ(ledger_->blame(h, kB), 0);
}

// The plain definition: overlap of each wait with each slice of another handler.
TEST_F(Blame, EqualsTheOverlapOfWaitsAndSlicesUnderRandomLoad) {
  std::mt19937 random(7);
  struct Slice {
    Nanos from, to;
    HandlerIndex handler;
  };
  std::vector<Slice> slices;
  std::vector<Nanos> expected(9, 0);
  Nanos at = kSecond;
  const auto pick = [&](int low, int high) {
    return static_cast<Nanos>(std::uniform_int_distribution<int>(low, high)(random));
  };
  for (int i = 0; i < 20'000; ++i) {
    at += pick(0, 4000);
    const auto handler = static_cast<HandlerIndex>(pick(0, 2));
    const Nanos arrival = at - pick(0, 60) * pick(0, 1000);
    const Nanos end = at + pick(200, i % 50 == 0 ? 400'000 : 3000);
    for (auto s = slices.rbegin(); s != slices.rend() && s->to > arrival; ++s) {
      if (s->handler == handler) continue;
      expected[handler * 3 + s->handler] += s->to - std::max(s->from, arrival);
    }
    request(handler, arrival, at, end);
    slices.push_back({at, end, handler});
    at = end;
  }
  for (const HandlerIndex waiting : {kA, kB, kC}) {
    for (const HandlerIndex holding : {kA, kB, kC}) {
      const auto exact = static_cast<double>(expected[waiting * 3 + holding]);
      EXPECT_NEAR(static_cast<double>(ledger_->blame(waiting, holding)), exact, 0.01 * exact)
          << waiting << " because of " << holding;
    }
  }
}

// Longer waits than the recent slices reach back: the history answers.
TEST_F(Blame, IsRightBehindThousandsOfSlices) {
  std::mt19937 random(11);
  const auto pick = [&](int low, int high) {
    return static_cast<Nanos>(std::uniform_int_distribution<int>(low, high)(random));
  };
  Nanos at = kSecond, because_of_b = 0, because_of_c = 0;
  const Nanos arrival = at + 5 * kMillisecond;
  for (int i = 0; i < 20'000; ++i) {
    const HandlerIndex handler = i % 2 == 0 ? kB : kC;
    const Nanos end = at + pick(500, 2500);
    slice(handler, at, end);
    (handler == kB ? because_of_b : because_of_c) +=
        std::max<Nanos>(0, end - std::max(at, arrival));
    at = end + 500;
  }
  request(kA, arrival, at, at + 1000);
  EXPECT_NEAR(static_cast<double>(ledger_->blame(kA, kB)), static_cast<double>(because_of_b),
              0.02 * static_cast<double>(because_of_b));
  EXPECT_NEAR(static_cast<double>(ledger_->blame(kA, kC)), static_cast<double>(because_of_c),
              0.02 * static_cast<double>(because_of_c));
}

TEST_F(Blame, SurvivesHandlersThatAreAddedLater) {
  slice(kB, 100, 200);
  request(kA, 100, 250, 260);
  ledger_->add_handler(3);
  slice(3, 300, 400);
  request(kA, 300, 410, 420);
  EXPECT_EQ(ledger_->blame(kA, kB), 100);
  EXPECT_EQ(ledger_->blame(kA, 3), 100);
  EXPECT_EQ(ledger_->blame(3, kA), 0);
}

TEST_F(Cpu, IsDividedByWallTimeAndTheRestIsTheLoops) {
  slice(kA, 1000, 1000);  // starts the account
  slice(kA, 1000, 401'000);
  ledger_->charge_host(kA, 401'000, 501'000);
  slice(kB, 501'000, 701'000);
  test_cpu += 1'000'000;
  ledger_->settle_cpu(1'001'000);
  EXPECT_EQ(ledger_->run_cpu(kA), 400'000);
  EXPECT_EQ(ledger_->host_cpu(kA), 100'000);
  EXPECT_EQ(ledger_->run_cpu(kB), 200'000);
  EXPECT_EQ(ledger_->loop_cpu(), 300'000);
  EXPECT_EQ(attributed(), ledger_->thread_cpu());
  EXPECT_EQ(ledger_->started_cpu(), 500);
}

TEST_F(Cpu, OfReadingIsTheHandlersThatRunsOrIsWaitedFor) {
  slice(kA, 1000, 1000);
  Timeline runs, waits;
  runs.begin(90'000, false);
  runs.reading(101'000);
  runs.set_handler(kA);
  ledger_->begin(kA, &runs, 201'000);
  ledger_->end(Phase::kAwait, 301'000);
  EXPECT_EQ(ledger_->last(), 301'000);
  waits.begin(295'000, false);
  waits.reading(301'000);
  waits.set_handler(kB);
  waits.change(Phase::kQueue, Phase::kAwait, waits.last());  // for its body
  ledger_->charge_reading(waits, 501'000);
  ledger_->charge_reading(waits, 901'000);  // was over
  test_cpu += 1'000'000;
  ledger_->settle_cpu(1'001'000);
  EXPECT_EQ(ledger_->host_cpu(kA), 100'000);
  EXPECT_EQ(ledger_->run_cpu(kA), 100'000);
  EXPECT_EQ(ledger_->host_cpu(kB), 200'000);
  EXPECT_EQ(runs.spent(Phase::kQueue), 11'000);
  EXPECT_EQ(runs.spent(Phase::kParse), 100'000);
  EXPECT_EQ(waits.spent(Phase::kParse), 200'000);
  EXPECT_FALSE(waits.is(Phase::kParse));
}

TEST_F(Cpu, OfTheStartIsNotTheLoops) {
  slice(kA, 1000, 101'000);  // a handler's module is loaded
  test_cpu += 900'000;
  ledger_->end_start(901'000);
  EXPECT_EQ(ledger_->loop_cpu(), 0);
  const Nanos loading = ledger_->run_cpu(kA);
  EXPECT_EQ(ledger_->started_cpu(), 500 + 900'000 - loading);

  test_cpu += 50'000;
  ledger_->settle_cpu(951'000);
  EXPECT_EQ(ledger_->loop_cpu(), 50'000);
  EXPECT_EQ(attributed(), ledger_->thread_cpu());
}

TEST_F(Cpu, OfAPreemptedThreadIsScaledDown) {
  slice(kA, 1000, 1000);
  slice(kA, 1000, 601'000);
  slice(kB, 601'000, 801'000);
  test_cpu += 400'000;  // of 800'000 on the wall
  ledger_->settle_cpu(801'000);
  EXPECT_EQ(ledger_->run_cpu(kA), 300'000);
  EXPECT_EQ(ledger_->run_cpu(kB), 100'000);
  EXPECT_EQ(ledger_->loop_cpu(), 0);
}

TEST_F(Cpu, WhileTheLoopSleptDoesNotDiluteTheSlices) {
  slice(kA, 1000, 1000);
  ledger_->sleep(2000);
  slice(kA, 702'000, 802'000);  // slept 700 us, then worked 100 and was preempted for none
  test_cpu += 103'000;
  ledger_->settle_cpu(803'000);
  EXPECT_EQ(ledger_->run_cpu(kA), 100'000);
  EXPECT_EQ(ledger_->loop_cpu(), 3'000);
}

TEST_F(Cpu, ASliceThatBlocksTakesNothingFromItsNeighbours) {
  slice(kA, 1000, 1000);
  test_cpu += 2'000'000;
  slice(kA, 1000, 2'001'000);        // settles at its end
  slice(kB, 2'001'000, 22'001'000);  // time.sleep(0.02)
  EXPECT_EQ(ledger_->run_cpu(kA), 2'000'000);
  EXPECT_EQ(ledger_->run_cpu(kB), 0);
}

TEST_F(Cpu, HostWorkInsideASliceIsCountedOnce) {
  slice(kA, 1000, 1000);
  ledger_->begin(kA, nullptr, 1000);
  ledger_->charge_host(kA, 11'000, 41'000);  // an answer written at once
  ledger_->end(Phase::kAwait, 101'000);
  test_cpu += 100'000;
  ledger_->settle_cpu(101'000);
  EXPECT_EQ(ledger_->run_cpu(kA), 70'000);
  EXPECT_EQ(ledger_->host_cpu(kA), 30'000);
}

TEST_F(Cpu, AddsUpToTheThreadsWhateverHappens) {
  std::mt19937 random(3);
  const auto pick = [&](int low, int high) {
    return static_cast<Nanos>(std::uniform_int_distribution<int>(low, high)(random));
  };
  Nanos at = kSecond;
  for (int i = 0; i < 5'000; ++i) {
    const auto handler = static_cast<HandlerIndex>(pick(0, 2));
    Nanos from = at;
    switch (pick(0, 4)) {
      case 0:
        ledger_->sleep(at);
        at += pick(0, 900'000);
        break;
      case 1:
        ledger_->charge_host(handler, from, at += pick(0, 9000));
        break;
      case 2:
        ledger_->charge_host(kNoHandler, from, at += pick(0, 9000));
        break;
      default:
        ledger_->begin(handler, nullptr, at);
        at += pick(0, 30'000);
        if (pick(0, 9) == 0) ledger_->settle_cpu(at);
        at += pick(0, 30'000);
        ledger_->end(Phase::kAwait, at);
    }
    test_cpu += (at - from) * pick(0, 100) / 100;
  }
  ledger_->settle_cpu(at);
  EXPECT_EQ(attributed(), ledger_->thread_cpu());
  EXPECT_EQ(ledger_->thread_cpu(), test_cpu - 500);
  EXPECT_GE(ledger_->loop_cpu(), 0);
}

TEST_F(Cpu, OfPoolThreadsIsKeptBesides) {
  ledger_->add_pool_cpu(kB, 700);
  ledger_->add_pool_cpu(kB, 300);
  EXPECT_EQ(ledger_->pool_cpu(kB), 1000);
  EXPECT_EQ(ledger_->cpu_time(kB), 1000);
  EXPECT_EQ(ledger_->thread_cpu(), 0);
}

// The real clock: this thread works for two handlers and sleeps in between.
TEST(LedgerClock, DividesRealCpuTimeByHandler) {
  Ledger ledger;
  ledger.add_handler(kA);
  ledger.add_handler(kB);
  const auto spin_cpu = [](Nanos cpu) {
    for (const Nanos until = thread_cpu_now() + cpu; thread_cpu_now() < until;) {
    }
  };
  for (int i = 0; i < 10; ++i) {
    ledger.begin(kA, nullptr);
    spin_cpu(3 * kMillisecond);
    ledger.begin(kB, nullptr);
    spin_cpu(kMillisecond);
    ledger.end(Phase::kAwait);
    ledger.sleep(now());
  }
  ledger.settle_cpu(now());
  EXPECT_NEAR(static_cast<double>(ledger.run_cpu(kA)), 30e6, 1e6);
  EXPECT_NEAR(static_cast<double>(ledger.run_cpu(kB)), 10e6, 1e6);
  EXPECT_EQ(ledger.run_cpu(kA) + ledger.run_cpu(kB) + ledger.loop_cpu(), ledger.thread_cpu());
}

}  // namespace
}  // namespace duet::measure
