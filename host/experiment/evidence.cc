#include "host/experiment/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/base/check.h"

namespace duet::experiment {

namespace {

// Beyond this many the kinds of keys (stage and variant) run out; the later stages are one then.
constexpr std::size_t kMostStages = 1000;
// Of requests in flight that a state names: beyond, a crash counts for the oldest ones.
constexpr std::size_t kMostUnfinished = 4096;

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

Evidence::Evidence(const Spec& spec)
    : spec_(spec), is_tested_(spec.variants.size(), 0), uneventful_(spec.variants.size()) {
  stats::EventTest::Options options;
  const std::size_t tests = (spec.variants.size() - 1) * spec.guardrails.size();
  options.alpha = spec.alpha / static_cast<double>(std::max<std::size_t>(tests, 1));
  tests_.resize(spec.variants.size());
  for (const Guardrail& guardrail : spec.guardrails) {
    for (auto& of_variant : tests_) of_variant.push_back({stats::EventTest(options), {}});
    tails_.emplace_back(guardrail.p);
    using Kind = Guardrail::Kind;
    const auto lower = [&](Nanos& limit) { limit = std::min(limit, guardrail.limit); };
    if (guardrail.kind == Kind::kSlowerThan) {
      patience_ = std::max(patience_, guardrail.limit);
      lower(slow_);
    }
    if (guardrail.kind == Kind::kCpu) lower(cpu_);
    if (guardrail.kind == Kind::kLoopLag) lower(slice_);
    judges_tails_ |= guardrail.kind == Kind::kQuantile;
  }
}

void Evidence::begin_stage(const Split& split) {
  DUET_CHECK(split.variants() == spec_.variants.size());
  count_begun();
  const double control = split.share(spec_.control);
  std::vector<double> weights;
  tested_.clear();
  for (std::size_t v = 0; v < split.variants(); ++v) {
    const double share = split.share(v);
    weights.push_back(share);
    is_tested_[v] = v != spec_.control && share > 0 && control > 0 ? 1 : 0;
    if (is_tested_[v] == 0) continue;
    tested_.push_back(static_cast<std::uint16_t>(v));
    for (Test& test : tests_[v]) test.test.begin_stage(share / (share + control));
  }
  const bool same = !weights_.empty() && weights_.back() == weights;
  if (same || weights_.size() == kMostStages) return;
  weights_.push_back(std::move(weights));
  requests_.emplace_back(split.variants(), 0);
}

std::uint16_t Evidence::kind_of(std::size_t variant) const {
  return static_cast<std::uint16_t>((weights_.size() - 1) * spec_.variants.size() + variant);
}

// Many together, so that they wait for memory together: one by one that was most of what an
// experiment with keys cost a request.
void Evidence::count_begun() {
  while (counted_ < order_.next()) {
    const Ticket end = std::min(counted_ + kTogether, order_.next());
    if (!spec_.sticky) {
      for (; counted_ < end; ++counted_) ++requests_.back()[order_.arrival(counted_).variant];
      continue;
    }
    for (Ticket t = counted_; t < end; ++t) keys_.prefetch(*order_.arrival(t).key);
    for (; counted_ < end; ++counted_) {
      const Arrival& arrival = order_.arrival(counted_);
      const std::uint16_t kind = kind_of(arrival.variant);
      const auto seen = keys_.add(*arrival.key, kind);
      if (keeps_keys_ && seen == stats::DistinctKeys::Seen::kFirst) {
        new_keys_.push_back({0, kind, *arrival.key});
      }
    }
  }
}

inline void Evidence::add(std::size_t variant, std::size_t guardrail, stats::EventTest::Arm arm,
                          bool event, const Arrival& arrival) {
  const bool first = tests_[variant][guardrail].test.add(arm, event, arrival.key);
  if (!first || !keeps_keys_ || !arrival.key) return;
  const std::size_t set = 1 + variant * spec_.guardrails.size() + guardrail;
  new_keys_.push_back({static_cast<std::uint32_t>(set), 0, *arrival.key});
}

inline void Evidence::judge(const Arrival& arrival, std::size_t guardrail, bool event) {
  Counts& counts = tests_[arrival.variant][guardrail].counts;
  ++counts.requests;
  counts.events += event;
  using Arm = stats::EventTest::Arm;
  if (arrival.variant == spec_.control) {
    for (const std::uint16_t v : tested_) add(v, guardrail, Arm::kA, event, arrival);
  } else if (is_tested_[arrival.variant] != 0) {
    add(arrival.variant, guardrail, Arm::kB, event, arrival);
  }
}

bool Evidence::calm(const Arrival& arrival, std::size_t guardrail) const {
  using Arm = stats::EventTest::Arm;
  if (arrival.variant != spec_.control) {
    return is_tested_[arrival.variant] == 0 ||
           tests_[arrival.variant][guardrail].test.calm(Arm::kB);
  }
  return tested_.empty() || tests_[tested_.front()][guardrail].test.calm(Arm::kA);
}

bool Evidence::on_speed(std::size_t guardrail) const {
  return spec_.guardrails[guardrail].kind == Guardrail::Kind::kSlowerThan;
}

// Between two events the order of the others does not matter, so they are counted by number.
void Evidence::count_uneventful(std::uint64_t Uneventful::*which) {
  for (std::size_t v = 0; v < uneventful_.size(); ++v) {
    const std::uint64_t number = std::exchange(uneventful_[v].*which, 0);
    if (number == 0) continue;
    for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
      if (on_speed(g) != (which == &Uneventful::speed)) continue;
      tests_[v][g].counts.requests += number;
      using Arm = stats::EventTest::Arm;
      if (v == spec_.control) {
        for (const std::uint16_t b : tested_) tests_[b][g].test.add_uneventful(Arm::kA, number);
      } else if (is_tested_[v] != 0) {
        tests_[v][g].test.add_uneventful(Arm::kB, number);
      }
    }
  }
}

inline void Evidence::speed_known(const Arrival& arrival, Nanos elapsed) {
  if (elapsed <= slow_) {
    ++uneventful_[arrival.variant].speed;
    return;
  }
  count_uneventful(&Uneventful::speed);
  for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
    if (on_speed(g)) judge(arrival, g, elapsed > spec_.guardrails[g].limit);
  }
}

bool Evidence::is_event(const Arrival& arrival, std::size_t g) {
  const Guardrail& guardrail = spec_.guardrails[g];
  using Kind = Guardrail::Kind;
  switch (guardrail.kind) {
    case Kind::kErrors:
      return arrival.failed;
    case Kind::kCpu:
      return arrival.cpu > guardrail.limit;
    case Kind::kLoopLag:
      return arrival.longest_slice > guardrail.limit;
    case Kind::kSlowerThan:  // known earlier: speed_known()
    case Kind::kQuantile:
      break;
  }
  auto total = static_cast<double>(std::max<Nanos>(arrival.total, 1));
  if (arrival.variant == spec_.control) total *= guardrail.ratio;
  return tails_[g].exceeded(total, calm(arrival, g));
}

inline void Evidence::end_known(const Arrival& arrival) {
  if (!judges_tails_ && !arrival.failed && arrival.cpu <= cpu_ && arrival.longest_slice <= slice_) {
    ++uneventful_[arrival.variant].end;
    return;
  }
  count_uneventful(&Uneventful::end);
  for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
    if (!on_speed(g)) judge(arrival, g, is_event(arrival, g));
  }
}

// What is known by `now`, as far as it is known without a gap.
void Evidence::judge_known(Nanos now) {
  count_begun();
  order_.hand_out(
      now, patience_,
      [this](const Arrival& arrival, Nanos elapsed) { speed_known(arrival, elapsed); },
      [this](const Arrival& arrival) { end_known(arrival); });
  count_uneventful(&Uneventful::speed);
  count_uneventful(&Uneventful::end);
}

void Evidence::look(Nanos now) {
  judge_known(now);
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

Evidence::State Evidence::state() const {
  State state;
  for (const auto& of_variant : tests_) {
    auto& kept = state.tests.emplace_back();
    for (const Test& test : of_variant) {
      kept.push_back({test.test.stages(), test.test.highest(), test.test.arms(), test.counts});
    }
  }
  for (const stats::TailThreshold& tail : tails_) {
    state.tail_logs.push_back(tail.log_value());
    state.tails_seen.push_back(tail.seen());
  }
  state.weights = weights_;
  state.requests = requests_;
  for (Ticket t = counted_; t < order_.next() && !spec_.sticky; ++t) {
    ++state.requests.back()[order_.arrival(t).variant];
  }
  order_.for_each_unfinished([&](const Arrival& arrival) {
    if (state.unfinished.size() < kMostUnfinished) {
      state.unfinished.push_back({arrival.variant, arrival.key});
    }
  });
  state.first = order_.first();
  state.judged = order_.judged();
  state.split_highest = split_highest_;
  return state;
}

bool Evidence::fits(const State& state) const {
  const std::size_t variants = spec_.variants.size();
  const std::size_t guardrails = spec_.guardrails.size();
  if (state.tests.size() != variants || state.tail_logs.size() != guardrails ||
      state.tails_seen.size() != guardrails || state.weights.empty() ||
      state.weights.size() != state.requests.size() || state.weights.size() > kMostStages ||
      !std::isfinite(state.split_highest)) {
    return false;
  }
  for (const auto& of_variant : state.tests) {
    if (of_variant.size() != guardrails) return false;
    for (const State::OfTest& test : of_variant) {
      if (!std::isfinite(test.highest)) return false;
      for (const stats::Stage& stage : test.stages) {
        if (!(stage.share_b > 0 && stage.share_b < 1 && stage.b >= 0 && stage.b <= stage.all)) {
          return false;
        }
      }
    }
  }
  for (std::size_t stage = 0; stage < state.weights.size(); ++stage) {
    const auto& weights = state.weights[stage];
    if (weights.size() != variants || state.requests[stage].size() != variants) return false;
    for (const double weight : weights) {
      if (!(weight >= 0 && weight <= 1)) return false;
    }
  }
  for (const State::Unfinished& request : state.unfinished) {
    if (request.variant >= variants) return false;
  }
  return std::all_of(state.ended.begin(), state.ended.end(), [&](const auto& one) {
    return one.ticket >= state.first && one.arrival.variant < variants;
  });
}

bool Evidence::restore(const State& state) {
  if (!fits(state)) return false;
  for (std::size_t v = 0; v < tests_.size(); ++v) {
    for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
      const State::OfTest& kept = state.tests[v][g];
      if (v != spec_.control) tests_[v][g].test.restore(kept.stages, kept.highest, kept.arms);
      tests_[v][g].counts = kept.counts;
    }
  }
  for (std::size_t g = 0; g < tails_.size(); ++g) {
    tails_[g].restore(state.tail_logs[g], state.tails_seen[g]);
  }
  weights_ = state.weights;
  requests_ = state.requests;
  split_highest_ = state.split_highest;
  // Behind all that the other process gave out: what is kept of those is then known to be old.
  Ticket next = std::max(state.first, state.judged);
  for (const auto& one : state.ended) next = std::max(next, one.ticket + 1);
  order_.begin_at(next);
  counted_ = next;
  return true;
}

// One that is older and has not ended keeps them waiting no more: it is lost, or was cut off.
void Evidence::restore_ended(const State& state) {
  for (const auto& [ticket, arrival] : state.ended) {
    if (ticket >= state.judged) speed_known(arrival, arrival.total);
    end_known(arrival);
  }
  count_uneventful(&Uneventful::speed);
  count_uneventful(&Uneventful::end);
}

void Evidence::lost(const State::Unfinished& request) {
  Arrival arrival;
  arrival.variant = request.variant;
  arrival.key = request.key;
  for (std::size_t g = 0; g < spec_.guardrails.size(); ++g) {
    if (spec_.guardrails[g].kind == Guardrail::Kind::kErrors) judge(arrival, g, true);
  }
}

void Evidence::keep(bool on) {
  count_begun();
  keeps_keys_ = on;
  new_keys_.clear();
}

std::vector<Evidence::Key> Evidence::take_keys() {
  count_begun();
  return std::exchange(new_keys_, {});
}

void Evidence::restore_key(const Key& key) {
  if (key.set == 0) {
    keys_.add(key.hash, key.kind);
    return;
  }
  const std::size_t test = key.set - 1;
  const std::size_t guardrails = spec_.guardrails.size();
  if (guardrails == 0 || test / guardrails >= tests_.size()) return;
  tests_[test / guardrails][test % guardrails].test.restore_key(key.hash);
}

}  // namespace duet::experiment
