#include "host/experiment/shadow_counts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace duet::experiment {

namespace {

std::vector<std::string> sorted(std::vector<std::string> rules) {
  std::sort(rules.begin(), rules.end());
  return rules;
}

}  // namespace

ShadowCounts::ShadowCounts(const LiveSpec& spec, double rate, std::vector<std::string> ignore)
    : spec_(spec),
      rate_(rate),
      ignore_(sorted(std::move(ignore))),
      variants_(spec.variants.size()) {}

void ShadowCounts::sampled(double at) {
  ++revision_;
  if (sampled_++ == 0) since_ = at;
}

void ShadowCounts::lost(ShadowLoss why) {
  ++revision_;
  ++lost_[static_cast<int>(why)];
}

void ShadowCounts::unanswered(std::size_t variant) {
  ++revision_;
  ++variants_[variant].unanswered;
}

void ShadowCounts::overdue(std::size_t variant) {
  ++revision_;
  ++variants_[variant].overdue;
}

void ShadowCounts::compared(std::size_t variant, const std::vector<Difference>& raw,
                            const std::vector<Difference>& noise, const std::string& request,
                            double at) {
  ++revision_;
  variants_[variant].record.add(raw, noise, request, at);
}

void ShadowCounts::begin_anew() {
  ++revision_;
  since_ = 0;
  sampled_ = 0;
  lost_ = {};
  variants_.assign(spec_.variants.size(), {});
}

ShadowSnapshot ShadowCounts::snapshot() const {
  ShadowSnapshot shot;
  shot.rate = rate_;
  shot.since = since_;
  shot.sampled = sampled_;
  shot.lost = lost_;
  shot.control_overdue = variants_[spec_.spec.control].overdue;
  for (std::size_t v = 0; v < variants_.size(); ++v) {
    if (v == spec_.spec.control || spec_.variants[v].aa) continue;
    ShadowVariant& variant = shot.variants.emplace_back(variants_[v].record.snapshot());
    variant.name = spec_.spec.variants[v];
    variant.unanswered = variants_[v].unanswered;
    variant.overdue = variants_[v].overdue;
  }
  return shot;
}

ShadowState ShadowCounts::state() const {
  ShadowState state{rate_, since_, ignore_, sampled_, lost_, {}};
  for (const OfVariant& of : variants_) {
    state.variants.push_back({of.unanswered, of.overdue, of.record.state()});
  }
  return state;
}

ShadowCounts::Restored ShadowCounts::restore(ShadowState state) {
  if (state.variants.size() != variants_.size() || !(state.since >= 0) ||
      !std::isfinite(state.since)) {
    return Restored::kNoState;
  }
  if (sorted(std::move(state.ignore)) != ignore_) return Restored::kOtherRules;
  std::vector<OfVariant> variants(variants_.size());
  for (std::size_t v = 0; v < variants.size(); ++v) {
    ShadowState::OfVariant& kept = state.variants[v];
    variants[v].unanswered = kept.unanswered;
    variants[v].overdue = kept.overdue;
    if (!variants[v].record.restore(std::move(kept.record))) return Restored::kNoState;
  }
  ++revision_;
  since_ = state.since;
  sampled_ = state.sampled;
  lost_ = state.lost;
  variants_ = std::move(variants);
  return Restored::kYes;
}

}  // namespace duet::experiment
