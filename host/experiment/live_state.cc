// Live as plain values: what is shown of it, and what another process goes on from.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "host/experiment/live.h"

namespace duet::experiment {

namespace {

measure::Histogram sum_of(const measure::Histogram& one, const measure::Histogram& other) {
  measure::Histogram sum;
  sum.merge(one);
  sum.merge(other);
  return sum;
}

// Half of the interval of a mean, as a part of it, at confidence 1 - alpha and at all times.
double within(const stats::Moments& moments, double alpha) {
  const auto n = static_cast<double>(moments.count());
  if (moments.count() < 2 || moments.mean() <= 0) return std::numeric_limits<double>::infinity();
  const double se = std::sqrt(moments.variance() / n);
  return stats::mean_halfwidth(n, se, alpha, stats::kMeanTunedAt) / moments.mean();
}

}  // namespace

std::string LiveSpec::key_text() const {
  constexpr const char* kNames[] = {"cookie", "header", "query", "address", "random"};
  const std::string kind = kNames[static_cast<int>(key)];
  return key_name.empty() ? kind : kind + ":" + key_name;
}

std::string Live::state_name() const {
  if (experiment_.promoted()) return "promoted";
  if (!experiment_.running()) return "stopped";
  if (schedule_ == Schedule::kBefore) return "scheduled";
  return schedule_ == Schedule::kAfter ? "ended" : "running";
}

VariantSnapshot Live::variant_snapshot(std::size_t v) const {
  const Spec& spec = spec_.spec;
  const OfVariant& of = variants_[v];
  VariantSnapshot shot;
  shot.name = spec.variants[v];
  shot.handler = spec_.variants[v].handler;
  shot.control = v == spec.control;
  shot.aa = spec_.variants[v].aa;
  double sum = 0;
  for (const double weight : spec.weights) sum += weight;
  shot.weight = spec.weights[v] / sum;
  shot.share = experiment_.split().share(v);
  shot.rolled_back = experiment_.rolled_back(v);
  shot.unavailable = of.unavailable;
  shot.errors = of.errors;
  shot.in_flight = of.in_flight;
  shot.lost = of.lost;
  shot.total = sum_of(of.before, of.stage_total);
  shot.requests = shot.total.count() + of.lost;
  shot.cpu = of.cpu_before + of.runs.sum();
  shot.cpu_within = within(of.all_runs(), spec.alpha);
  shot.stage.merge(of.stage_total);
  if (shot.control) return shot;
  for (std::size_t g = 0; g < spec.guardrails.size(); ++g) {
    const stats::EventTest& test = experiment_.evidence().test(v, g);
    const auto mine = experiment_.evidence().counts(v, g);
    const auto control = experiment_.evidence().counts(spec.control, g);
    shot.guardrails.push_back({spec.guardrails[g].name(), mine.requests, mine.events,
                               control.requests, control.events, test.ratio(), test.p_value(),
                               test.alpha(), experiment_.evidence().called_against(v, g)});
  }
  const double alpha = spec.alpha / static_cast<double>(variants_.size() - 1);
  shot.quantiles = of.quantiles.show(variants_[spec.control].stage_total, of.stage_total, alpha);
  return shot;
}

LiveSnapshot Live::snapshot() {
  count_ended();
  const Spec& spec = spec_.spec;
  LiveSnapshot shot;
  shot.name = spec.name;
  shot.salt = spec.salt;
  shot.key = spec_.key_text();
  shot.routes = spec_.routes;
  shot.state = state_name();
  shot.start = spec_.start;
  shot.end = spec_.end;
  shot.first_request = first_request_;
  for (std::size_t v = 0; v < variants_.size(); ++v) shot.variants.push_back(variant_snapshot(v));
  shot.control = spec.control;
  shot.alpha = spec.alpha;
  shot.unkeyed = unkeyed_;
  shot.excluded = excluded_;
  shot.overridden = overridden_;
  shot.split_p_value = std::min(1.0, std::exp(-experiment_.evidence().split_log_e()));
  shot.split_wrong = experiment_.evidence().split_is_wrong();
  shot.ramp_steps = spec.ramp.steps;
  shot.ramp_step = experiment_.step();
  shot.ramping = experiment_.ramping();
  shot.hold = experiment_.hold();
  if (shot.split_wrong) {
    shot.verdict = "the requests are not divided as configured: nothing can be said";
  } else {
    shot.verdict = verdict_of(shot.variants, spec.control, spec.alpha);
  }
  shot.audit.assign(audit_.begin(), audit_.end());
  return shot;
}

measure::ExperimentFigures Live::figures() {
  count_ended();
  measure::ExperimentFigures all;
  all.experiment = spec_.spec.name;
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    const OfVariant& of = variants_[v];
    measure::VariantFigures& one = all.variants.emplace_back();
    one.variant = spec_.spec.variants[v];
    one.handler = spec_.variants[v].handler;
    one.share = experiment_.split().share(v);
    one.rolled_back = experiment_.rolled_back(v);
    one.errors = of.errors - of.lost;  // of those that are in the histogram
    one.in_flight = of.in_flight;
    const measure::Histogram total = sum_of(of.before, of.stage_total);
    total.cumulate(measure::kPhaseBounds, one.cumulative);
    one.count = total.count();
    one.sum = total.sum();
    one.native = measure::native_of(total);
  }
  all.unkeyed = unkeyed_;
  all.excluded = excluded_;
  all.overridden = overridden_;
  all.split_wrong = experiment_.evidence().split_is_wrong();
  return all;
}

Live::State Live::state(const std::vector<Nanos>& cpu) {
  count_ended();
  State state;
  state.experiment = experiment_.state();
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    const OfVariant& of = variants_[v];
    State::OfVariant& kept = state.variants.emplace_back();
    kept.before.merge(of.before);
    kept.stage.merge(of.stage_total);
    kept.errors = of.errors;
    kept.lost = of.lost;
    kept.cpu = cpu[v];
    kept.runs = of.all_runs();
    const auto highest = of.quantiles.highest();
    kept.quantiles.assign(highest.begin(), highest.end());
  }
  state.unkeyed = unkeyed_;
  state.excluded = excluded_;
  state.overridden = overridden_;
  state.keyed = keyed_;
  state.first_request = first_request_;
  for (const auto& [key, variant] : pins_) state.pins[key] = spec_.spec.variants[variant];
  return state;
}

bool Live::restore(State state, const std::vector<Evidence::Key>& keys, bool crashed) {
  if (state.variants.size() != variants_.size() || !experiment_.restore(state.experiment)) {
    return false;
  }
  ++revision_;
  for (const Evidence::Key& key : keys) experiment_.evidence().restore_key(key);
  experiment_.evidence().restore_ended(state.experiment.evidence);
  if (!state.experiment.evidence.ended.empty()) active_ = true;
  stage_began();
  const bool same_stage = stage_shares_ == state.experiment.evidence.weights.back();
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    OfVariant& of = variants_[v];
    State::OfVariant& kept = state.variants[v];
    of.before = std::move(kept.before);
    of.errors = kept.errors;
    of.lost = kept.lost;
    of.cpu_before = kept.cpu;
    of.runs_before = kept.runs;
    if (same_stage) {
      of.stage_total = std::move(kept.stage);
      of.quantiles.restore(kept.quantiles);
    } else {
      of.before.merge(kept.stage);
    }
  }
  unkeyed_ = state.unkeyed;
  excluded_ = state.excluded;
  overridden_ = state.overridden;
  keyed_ = state.keyed;
  first_request_ = state.first_request;
  for (const auto& [key, name] : state.pins) {
    if (const auto variant = variant_called(name)) pins_[key] = *variant;
  }
  find_conditions();
  if (!crashed) return true;
  for (const Evidence::State::Unfinished& request : state.experiment.evidence.unfinished) {
    experiment_.evidence().lost(request);
    ++variants_[request.variant].errors;
    ++variants_[request.variant].lost;
    active_ = true;
  }
  return true;
}

std::vector<AuditEntry> Live::take_audit() {
  std::vector<AuditEntry> fresh(audit_.begin() + static_cast<std::ptrdiff_t>(audit_taken_),
                                audit_.end());
  audit_taken_ = audit_.size();
  return fresh;
}

void Live::restore_audit(std::vector<AuditEntry> entries) {
  audit_.insert(audit_.begin(), entries.begin(), entries.end());
  audit_taken_ = entries.size();
}

}  // namespace duet::experiment
