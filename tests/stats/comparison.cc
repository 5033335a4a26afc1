#include "tests/stats/comparison.h"

#include <cmath>
#include <optional>

#include "host/stats/distinct_keys.h"
#include "host/stats/event_test.h"
#include "host/stats/stages.h"
#include "host/stats/tail_threshold.h"

namespace duet::stats {

namespace {

constexpr double kObjective = 0.050;  // seconds: one in thirty is slower at the start

}  // namespace

Calls run_comparison(const Scenario& scenario, std::uint64_t seed, const Judge& judge) {
  Traffic traffic(scenario, seed);
  EventTest::Options options;
  options.alpha = judge.alpha;
  options.gap = judge.gap;
  options.burst_limit = judge.burst_limit;
  EventTest errors(options), slower_than(options), quantile(options);
  TailThreshold tail(0.99);
  DistinctKeys keys;
  std::vector<SplitStage> split;
  Calls calls;
  std::size_t requests = 0;
  for (std::size_t stage = kNever; traffic.more();) {
    if (traffic.stage() != stage) {
      stage = traffic.stage();
      const double share = traffic.share();
      for (EventTest* test : {&errors, &slower_than, &quantile}) test->begin_stage(share);
      split.push_back({{0, 0}, {1 - share, share}});
    }
    const Request request = traffic.next();
    const auto arm = request.b ? EventTest::Arm::kB : EventTest::Arm::kA;
    std::optional<std::uint64_t> key;
    if (scenario.zipf) key = request.key;
    errors.add(arm, request.error, key);
    slower_than.add(arm, request.latency > kObjective, key);
    quantile.add(arm, tail.exceeded(request.latency, quantile.calm(arm)), key);
    if (!key || keys.add(*key, 0) == DistinctKeys::Seen::kFirst) ++split.back().counts[request.b];
    if (++requests % 100 != 0) continue;
    for (EventTest* test : {&errors, &slower_than, &quantile}) test->look();
    if (split_log_e(split, kSplitConcentration) >= -std::log(kSplitAlpha)) calls.split = true;
    if (calls.errors_against_b == kNever && errors.called_against_b()) {
      calls.errors_against_b = requests;
    }
    if (calls.quantile_against_b == kNever && quantile.called_against_b()) {
      calls.quantile_against_b = requests;
    }
  }
  calls.errors = errors.called();
  calls.slower_than = slower_than.called();
  calls.quantile = quantile.called();
  return calls;
}

}  // namespace duet::stats
