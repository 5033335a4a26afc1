#include "host/cli/shadow.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace duet::cli {

namespace {

std::string language_of(const config::Handler& handler) {
  return std::string(config::language_name(handler.language));
}

}  // namespace

ShadowAccounts add_shadow_accounts(const config::Config& config, Pipeline& pipeline,
                                   measure::Metrics& metrics) {
  ShadowAccounts accounts;
  for (const config::Experiment& experiment : config.experiments) {
    if (!experiment.shadow) continue;
    for (const config::Variant& variant : experiment.variants) {
      if (variant.aa || accounts.contains(variant.handler)) continue;
      const config::Handler& handler = config.handlers[variant.handler];
      HandlerSpec spec = pipeline.spec(variant.handler);
      spec.index = static_cast<measure::HandlerIndex>(pipeline.handlers());
      spec.name += " (shadow)";
      spec.deadline = experiment.shadow->deadline;  // the watchdog's, too
      accounts[variant.handler] = spec.index;
      pipeline.add_handler(spec, language_of(handler), false);
      metrics.add_handler(spec.index, {spec.name, language_of(handler), "", handler.source});
    }
  }
  return accounts;
}

void add_shadows(const config::Config& config, const ShadowAccounts& accounts,
                 PipelineExperiments& experiments, PipelineShadow& shadow) {
  for (std::size_t i = 0; i < config.experiments.size(); ++i) {
    const config::Experiment& from = config.experiments[i];
    if (!from.shadow) continue;
    std::vector<PipelineShadow::Target> targets;
    for (const config::Variant& variant : from.variants) {
      PipelineShadow::Target& target = targets.emplace_back();
      if (variant.aa) continue;  // never asked
      const config::Handler& handler = config.handlers[variant.handler];
      target.handler = variant.handler;
      target.account = accounts.at(variant.handler);
      target.info = {handler.name + " (shadow)", from.name, language_of(handler), false};
    }
    const config::Shadow& spec = *from.shadow;
    shadow.add(static_cast<std::uint32_t>(i), experiments.live(i),
               {spec.rate, spec.deadline, spec.concurrency, spec.safe, spec.ignore},
               std::move(targets));
  }
  shadow.on_changed = [&experiments] { experiments.wake(); };  // there is something to keep
  experiments.on_chosen = [&shadow](Exchange& exchange) { shadow.chosen(exchange); };
}

measure::ShadowFigures shadow_figures(const experiment::ShadowSnapshot& shot,
                                      const experiment::LiveSpec& spec) {
  using experiment::ShadowLoss;
  constexpr std::string_view kParts[] = {"status", "header", "body"};  // by AnswerPart
  const auto handler_of = [&](const std::string& variant) {
    const auto& names = spec.spec.variants;
    const auto at = std::find(names.begin(), names.end(), variant) - names.begin();
    return spec.variants[static_cast<std::size_t>(at)].handler;
  };
  measure::ShadowFigures all;
  all.sampled = shot.sampled;
  all.dropped = {{"no_room", shot.of(ShadowLoss::kNoRoom)},
                 {"too_old", shot.of(ShadowLoss::kTooOld)},
                 {"too_large", shot.of(ShadowLoss::kTooLarge)},
                 {"left", shot.of(ShadowLoss::kLeft)}};
  all.waiting = shot.waiting;
  all.running = shot.running;
  measure::ShadowVariantFigures& control = all.variants.emplace_back();
  control.control = true;
  control.variant = spec.spec.variants[spec.spec.control];
  control.handler = handler_of(control.variant);
  control.overdue = shot.control_overdue;
  for (const experiment::ShadowVariant& from : shot.variants) {
    measure::ShadowVariantFigures& one = all.variants.emplace_back();
    one.variant = from.name;
    one.handler = handler_of(from.name);
    one.compared = from.compared;
    one.unanswered = from.unanswered;
    one.overdue = from.overdue;
    for (std::size_t part = 0; part < std::size(kParts); ++part) {
      one.parts.push_back({kParts[part], from.raw[part], from.noise[part]});
    }
    for (const experiment::ShadowField& field : from.fields) {
      if (!field.differs) continue;
      ++one.differing;
      if (one.fields.size() < one.kMostFields) one.fields.emplace_back(field.name, field.raw);
    }
  }
  return all;
}

Result<experiment::Decision> recompare(PipelineExperiments& experiments, PipelineShadow* shadow,
                                       experiment::Live& live, const std::string& who) {
  const std::string& name = live.spec().spec.name;
  for (std::uint32_t i = 0; shadow != nullptr && i < experiments.size(); ++i) {
    experiment::ShadowCounts* const counts = shadow->counts(i);
    if (&experiments.live(i) != &live || counts == nullptr) continue;
    counts->begin_anew();
    experiment::Decision decision;
    decision.sentence = fmt::format(
        "experiment '{}': what its shadow traffic has shown so far counts no more", name);
    live.audit(who, decision.sentence);
    return decision;
  }
  return Error{fmt::format("experiment '{}' has no shadow traffic", name),
               {},
               "[experiment.shadow] in duet.toml makes some",
               {}};
}

}  // namespace duet::cli
