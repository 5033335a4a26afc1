#include "host/experiment/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/check.h"

namespace duet::experiment {

namespace {

// Beyond this many the kinds of keys (stage and variant) run out; the later stages are one then.
constexpr std::size_t kMostStages = 1000;

}  // namespace

std::string Guardrail::name() const {
  switch (kind) {
    case Kind::kErrors:
      return "errors";
    case Kind::kSlowerThan:
      return fmt::format("slower than {:.6g} ms", static_cast<double>(limit) * 1e-6);
    case Kind::kCpu:
      return fmt::format("cpu above {:.6g} ms", static_cast<double>(limit) * 1e-6);
    case Kind::kLoopLag:
      return fmt::format("loop held for {:.6g} ms", static_cast<double>(limit) * 1e-6);
    case Kind::kQuantile:
      break;
  }
  if (ratio == 1) return fmt::format("p{:.6g}", p * 100);
  return fmt::format("p{:.6g} above {:.6g} times", p * 100, ratio);
}

Evidence::Evidence(const Spec& spec) : spec_(spec), tested_(spec.variants.size(), false) {
  stats::EventTest::Options options;
  const std::size_t tests = (spec.variants.size() - 1) * spec.guardrails.size();
  options.alpha = spec.alpha / static_cast<double>(std::max<std::size_t>(tests, 1));
  tests_.resize(spec.variants.size());
  for (const Guardrail& guardrail : spec.guardrails) {
    for (auto& of_variant : tests_) of_variant.push_back({stats::EventTest(options), {}});
    tails_.emplace_back(guardrail.p);
    if (guardrail.kind == Guardrail::Kind::kSlowerThan) {
      patience_ = std::max(patience_, guardrail.limit);
    }
  }
}

void Evidence::begin_stage(const Split& split) {
  DUET_CHECK(split.variants() == spec_.variants.size());
  const double control = split.share(spec_.control);
  std::vector<double> weights;
  for (std::size_t v = 0; v < split.variants(); ++v) {
    const double share = split.share(v);
    weights.push_back(share);
    tested_[v] = v != spec_.control && share > 0 && control > 0;
    if (!tested_[v]) continue;
    for (Test& test : tests_[v]) test.test.begin_stage(share / (share + control));
  }
  const bool same = !weights_.empty() && weights_.back() == weights;
  if (same || weights_.size() == kMostStages) return;
  weights_.push_back(std::move(weights));
  requests_.emplace_back(split.variants(), 0);
}

Evidence::Ticket Evidence::started(std::size_t variant, std::uint64_t key, Nanos at) {
  DUET_CHECK(!weights_.empty());
  const std::size_t stage = weights_.size() - 1;
  if (spec_.sticky) {
    const auto kind = static_cast<std::uint16_t>(stage * spec_.variants.size() + variant);
    keys_.add(key, kind);
    return order_.add(at, static_cast<std::uint16_t>(variant), key);
  }
  ++requests_[stage][variant];
  return order_.add(at, static_cast<std::uint16_t>(variant), std::nullopt);
}

void Evidence::judge(const Arrival& arrival, std::size_t guardrail, bool event) {
  Counts& counts = tests_[arrival.variant][guardrail].counts;
  ++counts.requests;
  counts.events += event;
  using Arm = stats::EventTest::Arm;
  if (arrival.variant != spec_.control) {
    if (!tested_[arrival.variant]) return;
    tests_[arrival.variant][guardrail].test.add(Arm::kB, event, arrival.key);
    return;
  }
  for (std::size_t v = 0; v < tests_.size(); ++v) {
    if (tested_[v]) tests_[v][guardrail].test.add(Arm::kA, event, arrival.key);
  }
}

void Evidence::speed_known(const Arrival& arrival, Nanos elapsed) {
  for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
    const Guardrail& guardrail = spec_.guardrails[g];
    if (guardrail.kind == Guardrail::Kind::kSlowerThan) {
      judge(arrival, g, elapsed > guardrail.limit);
    }
  }
}

void Evidence::end_known(const Arrival& arrival) {
  for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
    const Guardrail& guardrail = spec_.guardrails[g];
    using Kind = Guardrail::Kind;
    if (guardrail.kind == Kind::kErrors) judge(arrival, g, arrival.failed);
    if (guardrail.kind == Kind::kCpu) judge(arrival, g, arrival.cpu > guardrail.limit);
    if (guardrail.kind == Kind::kLoopLag)
      judge(arrival, g, arrival.longest_slice > guardrail.limit);
    if (guardrail.kind != Kind::kQuantile) continue;
    stats::TailThreshold& tail = tails_[g];
    auto total = static_cast<double>(std::max<Nanos>(arrival.total, 1));
    if (arrival.variant == spec_.control) total *= guardrail.ratio;
    // Ten times the threshold is a stall or the warm-up: the threshold does not learn from it.
    const bool learn = !tail.known() || total < 10 * tail.value();
    judge(arrival, g, tail.exceeded(total, learn));
  }
}

void Evidence::look(Nanos now) {
  order_.hand_out(
      now, patience_,
      [this](const Arrival& arrival, Nanos elapsed) { speed_known(arrival, elapsed); },
      [this](const Arrival& arrival) { end_known(arrival); });
  for (std::size_t v = 0; v < tests_.size(); ++v) {
    if (v == spec_.control) continue;
    for (Test& test : tests_[v]) test.test.look();
  }
  split_highest_ =
      std::max(split_highest_, stats::split_log_e(split_stages(), stats::kSplitConcentration));
}

std::vector<stats::SplitStage> Evidence::split_stages() const {
  std::vector<stats::SplitStage> stages;
  const std::size_t variants = spec_.variants.size();
  for (std::size_t stage = 0; stage < weights_.size(); ++stage) {
    stats::SplitStage& built = stages.emplace_back();
    for (std::size_t v = 0; v < variants; ++v) {
      if (weights_[stage][v] <= 0) continue;  // nobody can be there
      const auto kind = static_cast<std::uint16_t>(stage * variants + v);
      const std::uint64_t count = spec_.sticky ? keys_.count(kind) : requests_[stage][v];
      built.counts.push_back(static_cast<double>(count));
      built.weights.push_back(weights_[stage][v]);
    }
    if (built.counts.size() < 2) stages.pop_back();
  }
  return stages;
}

bool Evidence::split_is_wrong() const { return split_highest_ >= -std::log(stats::kSplitAlpha); }

bool Evidence::called_against(std::size_t variant, std::size_t guardrail) const {
  return variant != spec_.control && test(variant, guardrail).called_against_b();
}

}  // namespace duet::experiment
