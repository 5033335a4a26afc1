#include "host/cli/experiment_store.h"

#include <fmt/format.h>

#include <utility>

#include "host/base/log.h"
#include "host/cli/experiments.h"
#include "host/experiment/clock_watch.h"
#include "host/store/shadow_json.h"
#include "host/store/state_json.h"

namespace duet::cli {

namespace {

using experiment::ClockWatch;
using experiment::Live;

constexpr Nanos kPeriod = kSecond;

double wall_seconds() { return static_cast<double>(wall_now()) * 1e-9; }

}  // namespace

ExperimentStore::ExperimentStore(PipelineExperiments& experiments, PipelineShadow* shadow,
                                 measure::Metrics& metrics, std::string path)
    : experiments_(experiments), shadow_(shadow), metrics_(metrics), path_(std::move(path)) {}

experiment::ShadowCounts* ExperimentStore::shadow(std::size_t number) const {
  return shadow_ == nullptr ? nullptr : shadow_->counts(static_cast<std::uint32_t>(number));
}

// Of what is kept of the experiment: each of both only grows.
std::uint64_t ExperimentStore::revision(std::size_t number) const {
  const experiment::ShadowCounts* const counts = shadow(number);
  return experiments_.live(number).revision() + (counts == nullptr ? 0 : counts->revision());
}

void ExperimentStore::open() {
  std::string note;
  auto opened = store::Database::open(path_, note);
  if (!note.empty()) {
    log::error("experiments: what was counted before is lost: the store " + note,
               {{"store", path_}});
  }
  store::Wanted later{path_, {}, {}};
  bool writable = opened.ok();
  if (!opened) later.why = opened.error();
  // What cannot be written can be read as a rule, so that nothing is missing when it can be again.
  auto database = writable ? std::move(opened) : store::Database::open_to_read(path_);
  std::vector<store::Kept> all;
  if (database) {
    auto kept = (*database)->read();
    if (kept) {
      all = std::move(kept).value();
    } else if (std::exchange(writable, false)) {
      later.why = kept.error();
    }
  }
  const bool in_use = later.why.detail == store::kAnotherDuet;
  for (std::size_t i = 0; i < experiments_.size(); ++i) {
    Live& live = experiments_.live(i);
    live.keep(true);
    std::optional<double>& taken_up = later.taken_up[live.spec().spec.name];
    for (store::Kept& kept : all) {
      if (kept.experiment != live.spec().spec.name) continue;
      if (take_up(live, kept, in_use)) {
        taken_up = kept.at;
        if (kept.shadow) take_up_shadow(i, *kept.shadow);
      } else if (writable) {
        const auto retired = (*database)->retire(kept.experiment, wall_seconds());
        if (!retired) later.why = retired.error();
        writable = retired.ok();
      }
    }
  }
  saved_.assign(experiments_.size(), 0);
  shadow_saved_.assign(experiments_.size(), 0);
  if (writable) {
    writer_ = std::make_unique<store::Writer>(std::move(database).value());
  } else {
    database = Error{};  // closes it
    log::error(
        "experiments: what is counted is not kept until the store can be used: it is tried "
        "again",
        {{"store", later.why.where}, {"why", later.why.message}, {"hint", later.why.hint}});
    writer_ = std::make_unique<store::Writer>(std::move(later));
  }
  experiments_.wake();  // there may be something to judge, and to write
}

// False: it begins anew.
// `in_use`: another process still writes it, so that what is in flight there is not lost.
bool ExperimentStore::take_up(Live& live, store::Kept& kept, bool in_use) {
  const std::string& name = live.spec().spec.name;
  const auto begins_anew = [&](const char* why) {
    const std::string text = fmt::format(
        "experiment '{}' begins anew: {}; what it had counted stays in {}", name, why, path_);
    log::warn(text, {{"experiment", name}});
    live.audit("host", text);
    return false;
  };
  if (kept.fingerprint != store::fingerprint(live.spec())) {
    return begins_anew("its variants, key, salt, alpha or guardrails are others than before");
  }
  auto state = store::state_of(kept.state);
  if (!state) return begins_anew("its state in the store cannot be read");
  state->experiment.evidence.ended = std::move(kept.ended);
  const bool crashed = !kept.clean && !in_use;
  const std::size_t in_flight = state->experiment.evidence.unfinished.size();
  if (!live.restore(std::move(*state), kept.keys, crashed)) {
    return begins_anew("its state in the store is none of such an experiment");
  }
  live.restore_audit(std::move(kept.audit));
  std::uint64_t requests = 0;
  std::string out;
  for (const auto& variant : live.snapshot().variants) {
    requests += variant.requests;
    if (variant.rolled_back) out += fmt::format("; '{}' stays rolled back", variant.name);
  }
  std::string text =
      fmt::format("experiment '{}' goes on after {} requests{}", name, requests, out);
  if (in_use) {
    text += "; another duet still counts for it: what that counts from now on is not in it";
  } else if (crashed) {
    text += fmt::format(
        "; the process before did not stop by itself: at most its last second is missing, and {} "
        "requests that were in flight count as errors",
        in_flight);
  }
  const double since = wall_seconds() - kept.at;
  if (since < -ClockWatch::kJump) {
    text += fmt::format("; the clock has been set back by {:.0f} s meanwhile", -since);
  }
  log::write(
      kept.clean && !in_use && since >= -ClockWatch::kJump ? log::Level::kInfo : log::Level::kWarn,
      text, {{"experiment", name}});
  live.audit("host", text);
  return true;
}

// Whatever is wrong with it, the experiment itself goes on.
void ExperimentStore::take_up_shadow(std::size_t number, const std::string& kept) {
  using Restored = experiment::ShadowCounts::Restored;
  experiment::ShadowCounts* const counts = shadow(number);
  if (counts == nullptr) return;  // it has none now; what the last one showed stays in the file
  auto state = store::shadow_of(kept);
  const Restored restored = state ? counts->restore(std::move(*state)) : Restored::kNoState;
  if (restored == Restored::kYes) return;
  Live& live = experiments_.live(number);
  const std::string text = fmt::format(
      "experiment '{}': what its shadow traffic has shown begins anew: {}", live.spec().spec.name,
      restored == Restored::kOtherRules ? "other fields are ignored than before"
                                        : "what the store has of it cannot be read");
  log::warn(text, {{"experiment", live.spec().spec.name}});
  live.audit("host", text);
}

bool ExperimentStore::looked(Nanos at) {
  if (writer_ == nullptr) return false;
  if (at - saved_at_ >= kPeriod) flush(at);
  return unsaved();
}

bool ExperimentStore::unsaved() const {
  for (std::size_t i = 0; i < saved_.size(); ++i) {
    if (revision(i) != saved_[i]) return true;
  }
  return false;
}

void ExperimentStore::flush(Nanos at) {
  saved_at_ = at;
  metrics_.ledger().settle_cpu(at);
  std::vector<store::Moment> moments;
  for (std::size_t i = 0; i < saved_.size(); ++i) {
    Live& live = experiments_.live(i);
    if (revision(i) == saved_[i]) continue;
    saved_[i] = revision(i);
    moments.push_back({live.spec(),
                       wall_seconds(),
                       stopping_,
                       live.state(cpu_of_variants(live, metrics_)),
                       live.take_keys(),
                       live.take_ended(),
                       live.take_audit(),
                       {}});
    const experiment::ShadowCounts* const counts = shadow(i);
    if (counts == nullptr || counts->revision() == shadow_saved_[i]) continue;
    shadow_saved_[i] = counts->revision();
    moments.back().shadow = counts->state();
  }
  if (!moments.empty()) writer_->put(std::move(moments));
}

void ExperimentStore::stopping() {
  stopping_ = true;
  save_all();
}

// Also what has not changed: that the process stopped by itself is to be known.
void ExperimentStore::save_all() {
  if (writer_ == nullptr) return;
  for (std::uint64_t& saved : saved_) saved = 0;
  flush(now());
}

void ExperimentStore::close() {
  stopping_ = true;
  experiments_.look();  // what ended since the last one belongs to the evidence, too
  save_all();
  writer_.reset();
}

std::string ExperimentStore::trouble() const {
  return writer_ == nullptr ? "" : writer_->trouble();
}

}  // namespace duet::cli
