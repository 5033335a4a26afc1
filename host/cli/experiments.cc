#include "host/cli/experiments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/base/check.h"
#include "host/base/log.h"

namespace duet::cli {

namespace {

using experiment::Decision;
using experiment::Live;

std::string attributes_of(const config::VisitorCookie& cookie) {
  constexpr const char* kSameSite[] = {"Lax", "Strict", "None"};
  std::string text = "; Path=/";
  if (cookie.max_age > 0) text += "; Max-Age=" + std::to_string(cookie.max_age / kSecond);
  text += std::string("; SameSite=") + kSameSite[static_cast<int>(cookie.same_site)];
  if (cookie.secure) text += "; Secure";
  if (cookie.http_only) text += "; HttpOnly";
  return text;
}

experiment::Guardrail guardrail_of(const config::Guardrail& from) {
  using To = experiment::Guardrail::Kind;
  constexpr To kKinds[] = {To::kErrors, To::kSlowerThan, To::kQuantile, To::kCpu, To::kLoopLag};
  return {kKinds[static_cast<int>(from.kind)], from.limit, from.p, from.ratio, from.weight};
}

experiment::LiveSpec live_spec(const config::Config& config, const config::Experiment& from) {
  experiment::LiveSpec live;
  experiment::Spec& spec = live.spec;
  spec.name = from.name;
  spec.salt = from.salt;
  spec.control = from.control;
  spec.sticky = from.key != config::KeySource::kRandom;
  spec.participation = {from.eligible, from.holdout};
  spec.alpha = from.alpha;
  spec.ramp = {from.ramp.steps, from.ramp.least_time, from.ramp.ratio_margin,
               from.ramp.rate_margin};
  for (const config::Guardrail& guardrail : from.guardrails) {
    spec.guardrails.push_back(guardrail_of(guardrail));
  }
  for (const config::Variant& variant : from.variants) {
    spec.variants.push_back(variant.name);
    spec.weights.push_back(variant.weight);
    live.variants.push_back({config.handlers[variant.handler].name, variant.handler, variant.aa});
  }
  live.routes = from.routes;
  live.key = static_cast<experiment::KeySource>(from.key);
  live.key_name = from.key_name;
  if (from.cookie) live.cookie_attributes = attributes_of(*from.cookie);
  live.methods = from.methods;
  live.header = from.header;
  live.header_value = from.header_value;
  live.override_header = from.override_header;
  live.start = from.start;
  live.end = from.end;
  return live;
}

// Who a request is for, by variant; `route` is what logs call it.
std::vector<HandlerInfo> infos_of(const config::Config& config, const config::Experiment& from,
                                  const std::string& route) {
  std::vector<HandlerInfo> infos;
  for (const config::Variant& variant : from.variants) {
    const config::Handler& handler = config.handlers[variant.handler];
    infos.push_back({handler.name, route, std::string(config::language_name(handler.language)),
                     config.server.dev});
  }
  return infos;
}

}  // namespace

Result<void> add_experiments(const config::Config& config, Pipeline& pipeline,
                             PipelineExperiments& experiments) {
  for (const config::Experiment& from : config.experiments) {
    auto live = Live::create(live_spec(config, from));
    if (!live) {
      Error error = std::move(live).error();
      error.message = "experiment '" + from.name + "': " + error.message;
      return error;
    }
    const std::uint32_t number = experiments.add(std::move(live).value());
    for (const std::uint32_t route : from.route_indices) {
      experiments.attach_route(route, number, infos_of(config, from, config.routes[route].pattern));
    }
    if (!from.application) continue;
    for (const std::string& route : from.routes) {
      auto attached = experiments.attach_application(pipeline.spec(*from.application), route,
                                                     number, infos_of(config, from, route));
      if (attached) continue;
      Error error = std::move(attached).error();
      error.message = "experiment '" + from.name + "', route '" + route + "': " + error.message;
      return error;
    }
  }
  if (experiments.size() > 0) pipeline.use_experiments(experiments);
  return {};
}

bool is_required(const config::Config& config, std::size_t handler) {
  std::vector<bool> divided(config.routes.size(), false);
  for (const config::Experiment& experiment : config.experiments) {
    if (experiment.application == handler) return true;
    if (experiment.variants[experiment.control].handler == handler) return true;
    for (const std::uint32_t route : experiment.route_indices) divided[route] = true;
  }
  bool is_variant = false;
  for (const config::Experiment& experiment : config.experiments) {
    for (const config::Variant& variant : experiment.variants) {
      is_variant = is_variant || variant.handler == handler;
    }
  }
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    if (config.routes[i].handler == handler && !divided[i]) return true;
  }
  return !is_variant;
}

void withdraw_variants(PipelineExperiments& experiments, measure::HandlerIndex handler,
                       const Error& why) {
  for (std::size_t i = 0; i < experiments.size(); ++i) {
    Live& live = experiments.live(i);
    for (std::size_t v = 0; v < live.spec().variants.size(); ++v) {
      if (live.spec().variants[v].handler_index != handler) continue;
      auto decision = live.withdraw(v, why.message);
      DUET_CHECK(decision.ok());  // a control is required, so that the host has not come this far
      log::error(decision->sentence, {{"experiment", live.spec().spec.name},
                                      {"variant", decision->variant},
                                      {"at", why.where},
                                      {"hint", why.hint},
                                      {"stack", why.detail}});
    }
  }
}

std::vector<Nanos> cpu_of_variants(Live& live, const measure::Metrics& metrics) {
  std::vector<Nanos> all;
  for (std::size_t v = 0; v < live.spec().variants.size(); ++v) {
    const measure::HandlerIndex handler = live.spec().variants[v].handler_index;
    const Nanos run = metrics.handlers()[handler].stats.phase(measure::Phase::kRun).sum();
    const double part = run == 0 ? 1
                                 : static_cast<double>(metrics.ledger().cpu_time(handler)) /
                                       static_cast<double>(run);
    all.push_back(live.cpu_before(v) + static_cast<Nanos>(part * static_cast<double>(live.run(v))));
  }
  return all;
}

std::vector<experiment::LiveSnapshot> experiment_snapshots(PipelineExperiments& experiments,
                                                           measure::Metrics& metrics) {
  metrics.ledger().settle_cpu(now());
  std::vector<experiment::LiveSnapshot> all;
  for (std::size_t i = 0; i < experiments.size(); ++i) {
    all.push_back(experiments.live(i).snapshot());
    const std::vector<Nanos> cpu = cpu_of_variants(experiments.live(i), metrics);
    for (std::size_t v = 0; v < cpu.size(); ++v) all.back().variants[v].cpu = cpu[v];
  }
  return all;
}

void watch_clock(experiment::ClockWatch& watch, PipelineExperiments& experiments, Nanos at) {
  const auto jumped = watch.look(static_cast<double>(wall_now()) * 1e-9, at);
  if (!jumped) return;
  const std::string text = fmt::format(
      "the clock went {} by {:.0f} s: evidence and ramps do not depend on it, but when an "
      "experiment starts and ends does",
      *jumped > 0 ? "forward" : "back", std::abs(*jumped));
  log::warn(text);
  for (std::size_t i = 0; i < experiments.size(); ++i) experiments.live(i).audit("host", text);
}

void log_decision(const Live& live, const Decision& decision) {
  using Kind = Decision::Kind;
  const bool warns = decision.kind == Kind::kRolledBack || decision.kind == Kind::kWrongSplit ||
                     decision.kind == Kind::kNoKey;
  log::write(warns ? log::Level::kWarn : log::Level::kInfo, decision.sentence,
             {{"experiment", live.spec().spec.name},
              {"variant", decision.variant},
              {"guardrail", decision.guardrail}});
}

}  // namespace duet::cli
