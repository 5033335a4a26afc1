#include "host/experiment/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "host/base/check.h"
#include "host/experiment/two_digits.h"

namespace duet::experiment {

namespace {

// Never sooner: one lucky request is no step's evidence.
constexpr double kFewestRequests = 100;
constexpr double kMostRequests = 1e9;  // that anybody is told to wait for

// What a variant's rate of events may be, by its own requests.
double highest_rate(double events, double requests, double alpha) {
  return stats::proportion_interval(events, requests, kFewestRequests, alpha).high;
}

// The least number, to 2%, of which `enough` is true; false below it and true from it on.
template <typename Enough>
double least_of(const Enough& enough) {
  double upper = 1;
  while (!enough(upper) && upper < kMostRequests) upper *= 2;
  double lower = upper / 2;
  while (upper - lower > std::max(1.0, 0.02 * upper)) {
    const double middle = std::floor((upper + lower) / 2);
    (enough(middle) ? upper : lower) = middle;
  }
  return upper;
}

std::optional<Error> problem_of(const Spec& spec) {
  if (spec.variants.size() < 2) return Error{"an experiment has at least two variants", {}, {}, {}};
  if (!(spec.alpha > 0 && spec.alpha < 1)) {
    return Error{"alpha must lie between 0 and 1", {}, "0.05 is usual", {}};
  }
  double before = 0;
  for (const double step : spec.ramp.steps) {
    const double all = step * static_cast<double>(spec.variants.size() - 1);
    if (!(step > before) || !(all <= 1)) {
      return Error{"the steps of the ramp must ascend, and leave at least nothing for the control",
                   {},
                   "for example 0.01, 0.05, 0.25, 0.5",
                   {}};
    }
    before = step;
  }
  return std::nullopt;
}

}  // namespace

Result<Experiment> Experiment::create(Spec spec) {
  if (auto problem = problem_of(spec)) return *problem;
  auto split = Split::create(spec.weights, spec.control);
  if (!split) return split.error();
  if (spec.weights.size() != spec.variants.size()) {
    return Error{"there are as many weights as variants", {}, {}, {}};
  }
  return Experiment(std::make_unique<Spec>(std::move(spec)), std::move(split).value());
}

Experiment::Experiment(std::unique_ptr<Spec> spec, Split split)
    : spec_(std::move(spec)),
      split_(std::move(split)),
      evidence_(std::make_unique<Evidence>(*spec_)),
      out_(spec_->variants.size(), false),
      kept_(spec_->variants.size(), 0),
      withdrawn_(spec_->variants.size(), false),
      salted_(hash_salt(spec_->salt)),
      ramping_(!spec_->ramp.steps.empty()) {
  apply(ramping_ ? ramp_weights(0) : spec_->weights);
}

std::vector<double> Experiment::ramp_weights(std::size_t step) const {
  std::vector<double> weights(spec_->variants.size(), spec_->ramp.steps[step]);
  weights[spec_->control] = 1 - spec_->ramp.steps[step] * static_cast<double>(weights.size() - 1);
  return weights;
}

// What a variant that is out would have had goes to the control.
void Experiment::apply(const std::vector<double>& weights) {
  given_ = weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> shares;
  for (const double weight : weights) shares.push_back(weight / sum);
  for (std::size_t v = 0; v < shares.size(); ++v) {
    if (!out_[v] && !withdrawn_[v]) continue;
    const double left = withdrawn_[v] ? 0 : std::min(shares[v], kept_[v]);
    shares[spec_->control] += shares[v] - left;
    shares[v] = left;
  }
  auto split = Split::create(shares, spec_->control);
  DUET_CHECK(split.ok());
  split_ = std::move(split).value();
  evidence_->begin_stage(split_);
}

void Experiment::give_everybody(std::size_t variant) {
  std::vector<double> weights(spec_->variants.size(), 0.0);
  weights[withdrawn_[variant] ? spec_->control : variant] = 1;
  auto split = Split::create(weights, spec_->control);
  DUET_CHECK(split.ok());
  split_ = std::move(split).value();
  evidence_->begin_stage(split_);
  running_ = false;
}

Experiment::Assigned Experiment::assign(std::string_view key) const {
  const std::uint64_t hash = hash_key(salted_, key);
  if (!running_) return {split_.variant(hash), false, hash};
  if (!everybody_takes_part() && !takes_part(spec_->participation, spec_->salt, key)) {
    return {spec_->control, false, hash};
  }
  return {split_.variant(hash), true, hash};
}

std::vector<Decision> Experiment::look(Nanos now) {
  std::vector<Decision> decisions;
  evidence_->look(now);
  if (!running_) return decisions;
  if (!split_reported_ && evidence_->split_is_wrong()) {
    split_reported_ = true;
    decisions.push_back(
        {Decision::Kind::kWrongSplit, "", "",
         fmt::format("experiment '{}': the requests are not divided as configured (p < {}): its "
                     "results are not valid; look for redirects, caches or retries of one variant",
                     spec_->name, stats::kSplitAlpha)});
  }
  roll_back(decisions);
  if (ramping_) climb(now, decisions);
  return decisions;
}

void Experiment::roll_back(std::vector<Decision>& decisions) {
  const std::size_t before = decisions.size();
  for (std::size_t v = 0; v < out_.size(); ++v) {
    for (std::size_t g = 0; g < spec_->guardrails.size() && !out_[v]; ++g) {
      if (split_.share(v) <= 0 || !evidence_->called_against(v, g)) continue;
      out_[v] = true;
      kept_[v] = spec_->guardrails[g].weight;
      const auto mine = evidence_->counts(v, g);
      const auto control = evidence_->counts(spec_->control, g);
      const stats::EventTest& test = evidence_->test(v, g);
      const stats::Interval ratio = test.ratio();
      decisions.push_back(
          {Decision::Kind::kRolledBack, spec_->variants[v], spec_->guardrails[g].name(),
           fmt::format(
               "experiment '{}': '{}' is rolled back by the guardrail '{}': {} of {} of its "
               "requests, {} of {} of '{}'; at least {:.3g} times the rate (p = {:.2g}, "
               "alpha = {:.2g})",
               spec_->name, spec_->variants[v], spec_->guardrails[g].name(), mine.events,
               mine.requests, control.events, control.requests, spec_->variants[spec_->control],
               ratio.low, test.p_value(), test.alpha())});
    }
  }
  if (decisions.size() > before) apply(std::vector<double>(given_));
}

bool Experiment::harmless(std::size_t variant, std::size_t guardrail) const {
  const Evidence::Counts counts = evidence_->counts(variant, guardrail);
  if (static_cast<double>(counts.requests) < kFewestRequests) return false;
  const stats::EventTest& test = evidence_->test(variant, guardrail);
  if (test.ratio().high <= 1 + spec_->ramp.ratio_margin) return true;
  return highest_rate(static_cast<double>(counts.events), static_cast<double>(counts.requests),
                      test.alpha()) <= spec_->ramp.rate_margin;
}

// Of the variant and the control, by whichever margin is known to be kept first.
std::optional<double> Experiment::requests_to_climb(std::size_t variant,
                                                    std::size_t guardrail) const {
  const Evidence::Counts counts = evidence_->counts(variant, guardrail);
  const stats::EventTest& test = evidence_->test(variant, guardrail);
  const double requests =
      static_cast<double>(counts.requests + evidence_->counts(spec_->control, guardrail).requests);
  auto more = requests_needed(test, requests, 1 + spec_->ramp.ratio_margin);
  const auto by_rate = requests_needed(counts, spec_->ramp.rate_margin, test.alpha());
  if (by_rate) {
    const double share = split_.share(variant);
    const double both = *by_rate * (share + split_.share(spec_->control)) / share;
    more = std::min(more.value_or(both), both);
  }
  return more;
}

void Experiment::climb(Nanos now, std::vector<Decision>& decisions) {
  if (!step_since_) step_since_ = now;
  if (step_ + 1 == spec_->ramp.steps.size() || now - *step_since_ < spec_->ramp.least_time) return;
  for (std::size_t v = 0; v < out_.size(); ++v) {
    if (v == spec_->control || out_[v] || withdrawn_[v]) continue;
    for (std::size_t g = 0; g < spec_->guardrails.size(); ++g) {
      if (harmless(v, g)) continue;
      const auto more = requests_to_climb(v, g);
      hold_ = fmt::format(
          "experiment '{}' holds at {:.4g}%: whether '{}' is harmless by the guardrail "
          "'{}' is not known yet; {}",
          spec_->name, 100 * spec_->ramp.steps[step_], spec_->variants[v],
          spec_->guardrails[g].name(),
          more ? fmt::format("about {} more requests", two_digits(*more))
               : "there has been no such event to judge by");
      if (!std::exchange(held_, true)) {
        decisions.push_back(
            {Decision::Kind::kHeld, spec_->variants[v], spec_->guardrails[g].name(), hold_});
      }
      return;
    }
  }
  bool nobody = true;
  for (std::size_t v = 0; v < out_.size(); ++v) {
    nobody = nobody && (v == spec_->control || out_[v] || withdrawn_[v]);
  }
  if (nobody) return;
  ++step_;
  step_since_ = now;
  held_ = false;
  hold_.clear();
  apply(ramp_weights(step_));
  decisions.push_back(
      {Decision::Kind::kAdvanced, "", "",
       fmt::format("experiment '{}' goes from {:.4g}% to {:.4g}%", spec_->name,
                   100 * spec_->ramp.steps[step_ - 1], 100 * spec_->ramp.steps[step_])});
}

Result<Decision> Experiment::set_weights(const std::vector<double>& weights) {
  if (weights.size() != spec_->variants.size()) {
    return Error{fmt::format("experiment '{}' has {} variants, not {}", spec_->name,
                             spec_->variants.size(), weights.size()),
                 {},
                 "give each a weight, in the order of the configuration",
                 {}};
  }
  auto split = Split::create(weights, spec_->control);
  if (!split) return split.error();
  ramping_ = false;
  hold_.clear();
  running_ = true;
  promoted_.reset();
  out_.assign(out_.size(), false);  // the operator knows better
  apply(weights);
  return Decision{Decision::Kind::kChanged, "", "",
                  fmt::format("experiment '{}': weights are now {}", spec_->name, shares_text())};
}

std::string Experiment::shares_text() const {
  std::string shown;
  for (std::size_t v = 0; v < spec_->variants.size(); ++v) {
    shown +=
        fmt::format("{}{} {:.4g}%", v == 0 ? "" : ", ", spec_->variants[v], 100 * split_.share(v));
  }
  return shown;
}

Decision Experiment::stop() {
  promoted_.reset();
  give_everybody(spec_->control);
  return {Decision::Kind::kChanged, "", "",
          fmt::format("experiment '{}' is stopped: everybody gets '{}'", spec_->name,
                      spec_->variants[spec_->control])};
}

Result<Decision> Experiment::promote(std::size_t variant) {
  if (variant >= spec_->variants.size()) {
    return Error{fmt::format("experiment '{}' has no such variant", spec_->name), {}, {}, {}};
  }
  if (withdrawn_[variant]) {
    return Error{
        fmt::format("'{}' cannot answer: it could not be loaded", spec_->variants[variant]),
        {},
        "the log of the start says why",
        {}};
  }
  promoted_ = variant;
  give_everybody(variant);
  return Decision{Decision::Kind::kChanged, spec_->variants[variant], "",
                  fmt::format("experiment '{}' is over: everybody gets '{}'", spec_->name,
                              spec_->variants[variant])};
}

Decision Experiment::start() {
  running_ = true;
  promoted_.reset();
  out_.assign(out_.size(), false);
  step_since_.reset();
  apply(std::vector<double>(given_));
  return {Decision::Kind::kChanged, "", "",
          fmt::format("experiment '{}' goes on: {}", spec_->name, shares_text())};
}

Result<Decision> Experiment::ramp(std::size_t step) {
  if (step >= spec_->ramp.steps.size()) {
    return Error{spec_->ramp.steps.empty()
                     ? fmt::format("experiment '{}' has no ramp", spec_->name)
                     : fmt::format("the ramp of '{}' has {} steps, not {}", spec_->name,
                                   spec_->ramp.steps.size(), step + 1),
                 {},
                 spec_->ramp.steps.empty() ? "add [experiment.ramp] with steps to duet.toml, or "
                                             "give a share such as 20%"
                                           : "",
                 {}};
  }
  ramping_ = true;
  running_ = true;
  promoted_.reset();
  out_.assign(out_.size(), false);
  step_ = step;
  step_since_.reset();
  held_ = false;
  hold_.clear();
  apply(ramp_weights(step));
  return Decision{Decision::Kind::kChanged, "", "",
                  fmt::format("experiment '{}' climbs from {:.4g}%", spec_->name,
                              100 * spec_->ramp.steps[step])};
}

Result<void> Experiment::withdraw(std::size_t variant) {
  if (variant == spec_->control) {
    return Error{fmt::format("'{}' is the control of '{}'", spec_->variants[variant], spec_->name),
                 {},
                 {},
                 {}};
  }
  withdrawn_[variant] = true;
  if (running_) {
    apply(std::vector<double>(given_));
  } else if (promoted_ == variant) {
    give_everybody(spec_->control);
  }
  return {};
}

Experiment::State Experiment::state() const {
  return {running_, ramping_, split_reported_, promoted_,         step_, spec_->weights,
          given_,   out_,     kept_,           evidence_->state()};
}

bool Experiment::restore(const State& state) {
  const std::size_t variants = spec_->variants.size();
  if (state.out.size() != variants || state.kept.size() != variants ||
      state.given.size() != variants || (state.promoted && *state.promoted >= variants) ||
      !std::all_of(state.kept.begin(), state.kept.end(),
                   [](double k) { return k >= 0 && k <= 1; }) ||
      !Split::create(state.given, spec_->control) || !evidence_->restore(state.evidence)) {
    return false;
  }
  out_ = state.out;
  split_reported_ = state.split_reported;
  kept_ = state.kept;
  const bool same = state.configured == spec_->weights;
  ramping_ = ramping_ && (state.ramping || !same) && state.step < spec_->ramp.steps.size();
  if (ramping_) {
    step_ = state.step;
    apply(ramp_weights(step_));
  } else {
    apply(same ? state.given : spec_->weights);
  }
  promoted_ = state.promoted;
  if (!state.running) give_everybody(promoted_.value_or(spec_->control));
  return true;
}

std::optional<double> requests_needed(const stats::EventTest& test, double requests, double most) {
  double events = 0;
  for (const stats::Stage& stage : test.stages()) events += stage.all;
  if (events == 0 || requests == 0) return std::nullopt;
  std::vector<stats::Stage> stages = test.stages();
  const double share = stages.back().share_b;
  const auto known_after = [&](double more) {
    stages.push_back({share, std::round(share * more), more});
    const double high = stats::rate_ratio_interval(stages, test.c(), test.alpha()).high;
    stages.pop_back();
    return high <= most;
  };
  return least_of(known_after) * requests / events;
}

std::optional<double> requests_needed(const Evidence::Counts& counts, double most, double alpha) {
  const auto requests = static_cast<double>(counts.requests);
  const double rate = requests == 0 ? 0 : static_cast<double>(counts.events) / requests;
  if (rate >= most) return std::nullopt;
  return least_of([&](double more) {
    const double all = requests + more;
    return all >= kFewestRequests && highest_rate(std::round(rate * all), all, alpha) <= most;
  });
}

}  // namespace duet::experiment
