// The guardrails as an experiment judges them, by whole requests: how often is one called though
// the variant is none the worse by it? Looked at after every 100 requests; alpha 0.05 each.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "host/experiment/evidence.h"
#include "tests/stats/comparison.h"
#include "tests/stats/compatible.h"
#include "tests/stats/traffic.h"

namespace duet::stats {
namespace {

using experiment::Evidence;
using experiment::Guardrail;
using experiment::Split;

constexpr double kRatio = 1.2;
constexpr std::size_t kB = 1;  // the variant; the control is 0

Nanos nanos(double seconds) { return static_cast<Nanos>(seconds * 1e9); }

experiment::Spec spec_of(const Scenario& scenario) {
  experiment::Spec spec;
  spec.variants = {"a", "b"};
  spec.sticky = scenario.zipf;
  spec.guardrails = {
      {.kind = Guardrail::Kind::kQuantile, .p = 0.99, .ratio = kRatio},
      {.kind = Guardrail::Kind::kQuantile, .p = 0.9, .ratio = kRatio},
      {.kind = Guardrail::Kind::kCpu, .limit = 5 * kMillisecond},       // one in thirty is above
      {.kind = Guardrail::Kind::kLoopLag, .limit = 4 * kMillisecond}};  // likewise
  spec.alpha = 0.05 * static_cast<double>(spec.guardrails.size());
  return spec;
}

// When each was first called against b, in requests of both arms; and whether on either side.
struct Called {
  std::array<std::size_t, 4> against_b;
  std::array<bool, 4> at_all;
};

Called run_experiment(const Scenario& scenario, std::uint64_t seed) {
  const experiment::Spec spec = spec_of(scenario);
  Evidence evidence(spec);
  Traffic traffic(scenario, seed);
  Called called;
  called.against_b.fill(kNever);
  std::size_t requests = 0;
  for (std::size_t stage = kNever; traffic.more();) {
    if (traffic.stage() != stage) {
      stage = traffic.stage();
      const std::vector<double> weights = {1 - traffic.share(), traffic.share()};
      evidence.begin_stage(Split::create(weights, 0).value());
    }
    const Request request = traffic.next();
    const Nanos at = static_cast<Nanos>(++requests) * kMillisecond;
    const auto ticket = evidence.started(request.b ? kB : 0, request.key, at);
    evidence.ended(
        ticket, {nanos(request.latency), request.error, nanos(request.cpu), nanos(request.slice)});
    if (requests % 100 != 0) continue;
    evidence.look(at);
    for (std::size_t g = 0; g < called.against_b.size(); ++g) {
      const bool against = evidence.called_against(kB, g);
      if (against) called.against_b[g] = std::min(called.against_b[g], requests);
    }
  }
  for (std::size_t g = 0; g < called.at_all.size(); ++g) {
    called.at_all[g] = evidence.test(kB, g).called();
  }
  return called;
}

// b is exactly as slow as the ratio allows, the hardest of what is harmless, and as busy as a.
void expect_quiet(Scenario scenario) {
  scenario.b_slower = kRatio;
  const std::vector<Guardrail> guardrails = spec_of(scenario).guardrails;
  std::array<int, 4> alarms{};
  for (int run = 0; run < kRuns; ++run) {
    const Called called = run_experiment(scenario, static_cast<std::uint64_t>(run));
    for (std::size_t g = 0; g < alarms.size(); ++g) alarms[g] += called.at_all[g];
  }
  for (std::size_t g = 0; g < alarms.size(); ++g) {
    std::printf("of %d: %s %d\n", kRuns, guardrails[g].name().c_str(), alarms[g]);
    EXPECT_TRUE(compatible(alarms[g], kRuns, 0.05)) << guardrails[g].name() << ": " << alarms[g];
  }
}

TEST(Guardrails, IndependentRequests) { expect_quiet({}); }

TEST(Guardrails, ARampWithDriftingLatency) { expect_quiet({.ramp = kRamp, .drift = 0.3}); }

TEST(Guardrails, StallsOfOneArm) { expect_quiet({.stalls = true}); }

TEST(Guardrails, FewKeysWithMostOfTheRequests) { expect_quiet({.zipf = true}); }

TEST(Guardrails, AllOfThatAtOnce) {
  expect_quiet({.ramp = kRamp, .drift = 0.3, .stalls = true, .zipf = true});
}

// A test that never calls anything would pass all of the above.
TEST(Guardrails, AVariantThatIsWorseIsCalled) {
  Scenario scenario;
  scenario.b_slower = 1.5;
  scenario.b_cpu = 1.5;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Called called = run_experiment(scenario, seed);
    for (std::size_t g = 0; g < called.against_b.size(); ++g) {
      EXPECT_LT(called.against_b[g], 20000u) << spec_of(scenario).guardrails[g].name();
    }
  }
}

}  // namespace
}  // namespace duet::stats
