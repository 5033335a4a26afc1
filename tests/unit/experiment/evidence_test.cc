#include "host/experiment/evidence.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace duet::experiment {
namespace {

// Each request by itself, in the order of their arrival, given to tests of their own: what Evidence
// counts together must come to the same.
TEST(Evidence, CountsEachRequestInTheOrderOfArrival) {
  Spec spec;
  spec.variants = {"js", "py", "cpp"};
  spec.guardrails = {{Guardrail::Kind::kErrors},
                     {Guardrail::Kind::kSlowerThan, 100 * kMillisecond},
                     {Guardrail::Kind::kCpu, 5 * kMillisecond},
                     {Guardrail::Kind::kLoopLag, 3 * kMillisecond}};
  const std::size_t guardrails = spec.guardrails.size();
  const auto split = Split::create(std::vector<double>{2, 1, 1}, 0);
  ASSERT_TRUE(split.ok());
  Evidence evidence(spec);
  evidence.begin_stage(*split);

  stats::EventTest::Options options;
  options.alpha = spec.alpha / (2 * static_cast<double>(guardrails));
  std::vector<std::vector<stats::EventTest>> tests(
      3, std::vector<stats::EventTest>(guardrails, stats::EventTest(options)));
  for (const std::size_t v : {1, 2}) {
    for (auto& test : tests[v]) test.begin_stage(1.0 / 3);
  }
  std::vector<std::vector<Evidence::Counts>> counts(3, std::vector<Evidence::Counts>(guardrails));

  std::mt19937_64 random(11);
  const auto chance = [&](double p) { return std::bernoulli_distribution(p)(random); };
  Nanos now = 0;
  for (int i = 0; i < 30'000; ++i) {
    now += kMillisecond;
    const std::size_t variant = split->variant(random());
    const bool is_bad[] = {chance(0.01), chance(0.02), chance(variant == 1 ? 0.05 : 0.01),
                           chance(0.002)};
    const auto ticket = evidence.started(variant, 0, now);
    evidence.ended(ticket, {.total = is_bad[1] ? 200 * kMillisecond : 10 * kMillisecond,
                            .failed = is_bad[0],
                            .cpu = (is_bad[2] ? 6 : 5) * kMillisecond,
                            .longest_slice = (is_bad[3] ? 4 : 3) * kMillisecond});
    for (std::size_t g = 0; g < guardrails; ++g) {
      ++counts[variant][g].requests;
      counts[variant][g].events += is_bad[g];
      using Arm = stats::EventTest::Arm;
      for (const std::size_t v : {1, 2}) {
        if (variant == 0) tests[v][g].add(Arm::kA, is_bad[g]);
        if (variant == v) tests[v][g].add(Arm::kB, is_bad[g]);
      }
    }
    if (!chance(0.02)) continue;
    evidence.look(now);
    for (std::size_t v = 0; v < 3; ++v) {
      for (std::size_t g = 0; g < guardrails; ++g) {
        EXPECT_EQ(evidence.counts(v, g).requests, counts[v][g].requests) << v << ' ' << g;
        EXPECT_EQ(evidence.counts(v, g).events, counts[v][g].events) << v << ' ' << g;
        if (v == 0) continue;
        tests[v][g].look();
        EXPECT_EQ(evidence.test(v, g).p_value(), tests[v][g].p_value()) << v << ' ' << g;
      }
    }
  }
  EXPECT_TRUE(evidence.called_against(1, 2));
  EXPECT_FALSE(evidence.called_against(2, 2));
}

// Requests are divided before the weights change, and after: each stage has its own.
TEST(Evidence, ARequestBelongsToTheStageInWhichItBegan) {
  for (const bool sticky : {false, true}) {
    Spec spec;
    spec.variants = {"js", "py"};
    spec.sticky = sticky;
    Evidence evidence(spec);
    std::uint64_t key = 0;
    for (const double share : {0.1, 0.9}) {
      evidence.begin_stage(*Split::create(std::vector<double>{1 - share, share}, 0));
      for (int i = 0; i < 1000; ++i) {
        evidence.ended(evidence.started(i < 1000 * share, ++key, 0), {});
      }
    }
    evidence.look(0);
    EXPECT_EQ(evidence.split_log_e(), 0) << (sticky ? "keys" : "requests");
    EXPECT_EQ(evidence.waiting(), 0U);
  }
}

}  // namespace
}  // namespace duet::experiment
