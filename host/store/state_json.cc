#include "host/store/state_json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace duet::store {

namespace {

using experiment::Evidence;
using experiment::Live;
using measure::Histogram;
using Json = nlohmann::json;
using Exception = Json::exception;

Json json_of(const Histogram& histogram) {
  Json counts = Json::array();
  const std::size_t end = histogram.count() == 0
                              ? 0
                              : Histogram::slot_of(static_cast<std::uint64_t>(histogram.max())) + 1;
  for (std::size_t slot = 0; slot < end; ++slot) {
    if (histogram.count_in(slot) > 0) counts.push_back({slot, histogram.count_in(slot)});
  }
  return {{"sum", histogram.sum()}, {"max", histogram.max()}, {"counts", std::move(counts)}};
}

bool read(const Json& json, Histogram& histogram) {
  const auto counts = json.at("counts").get<std::vector<std::pair<std::uint32_t, std::uint64_t>>>();
  return histogram.restore(counts, json.at("sum").get<Nanos>(), json.at("max").get<Nanos>());
}

Json json_of(const stats::BurstFilter::Arm& arm) { return {arm.quiet, arm.burst, arm.proven}; }

stats::BurstFilter::Arm arm_of(const Json& json) {
  return {json.at(0).get<std::uint32_t>(), json.at(1).get<std::uint32_t>(), json.at(2).get<bool>()};
}

Json json_of(const Evidence::State::OfTest& test) {
  Json stages = Json::array();
  for (const stats::Stage& stage : test.stages)
    stages.push_back({stage.share_b, stage.b, stage.all});
  return {{"stages", std::move(stages)},
          {"highest", test.highest},
          {"bursts", {json_of(test.arms[0]), json_of(test.arms[1])}},
          {"requests", test.counts.requests},
          {"events", test.counts.events}};
}

Evidence::State::OfTest test_of(const Json& json) {
  Evidence::State::OfTest test;
  for (const Json& stage : json.at("stages")) {
    test.stages.push_back(
        {stage.at(0).get<double>(), stage.at(1).get<double>(), stage.at(2).get<double>()});
  }
  test.highest = json.at("highest").get<double>();
  test.arms = {arm_of(json.at("bursts").at(0)), arm_of(json.at("bursts").at(1))};
  test.counts = {json.at("requests").get<std::uint64_t>(), json.at("events").get<std::uint64_t>()};
  return test;
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

template <class T>
std::optional<T> optional_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<T>();
}

Json json_of(const Evidence::State& state) {
  Json tests = Json::array();
  for (const auto& of_variant : state.tests) {
    Json& kept = tests.emplace_back(Json::array());
    for (const auto& test : of_variant) kept.push_back(json_of(test));
  }
  Json unfinished = Json::array();
  for (const auto& request : state.unfinished) {
    unfinished.push_back({request.variant, optional_json(request.key)});
  }
  return {{"tests", std::move(tests)},
          {"tail_logs", state.tail_logs},
          {"tails_seen", state.tails_seen},
          {"weights", state.weights},
          {"requests", state.requests},
          {"unfinished", std::move(unfinished)},
          {"first", state.first},
          {"judged", state.judged},
          {"split_highest", state.split_highest}};
}

void read(const Json& json, Evidence::State& state) {
  for (const Json& of_variant : json.at("tests")) {
    auto& tests = state.tests.emplace_back();
    for (const Json& test : of_variant) tests.push_back(test_of(test));
  }
  for (const Json& request : json.at("unfinished")) {
    state.unfinished.push_back(
        {request.at(0).get<std::uint16_t>(), optional_of<std::uint64_t>(request.at(1))});
  }
  json.at("tail_logs").get_to(state.tail_logs);
  json.at("tails_seen").get_to(state.tails_seen);
  json.at("weights").get_to(state.weights);
  json.at("requests").get_to(state.requests);
  json.at("split_highest").get_to(state.split_highest);
  state.first = json.value("first", state.first);  // absent in files of version 1
  state.judged = json.value("judged", state.judged);
}

Json json_of(const experiment::Experiment::State& state) {
  return {{"running", state.running},
          {"ramping", state.ramping},
          {"split_reported", state.split_reported},
          {"promoted", optional_json(state.promoted)},
          {"step", state.step},
          {"configured", state.configured},
          {"given", state.given},
          {"out", state.out},
          {"kept", state.kept},
          {"evidence", json_of(state.evidence)}};
}

void read(const Json& json, experiment::Experiment::State& state) {
  json.at("running").get_to(state.running);
  json.at("ramping").get_to(state.ramping);
  json.at("split_reported").get_to(state.split_reported);
  state.promoted = optional_of<std::size_t>(json.at("promoted"));
  json.at("step").get_to(state.step);
  json.at("configured").get_to(state.configured);
  json.at("given").get_to(state.given);
  json.at("out").get_to(state.out);
  json.at("kept").get_to(state.kept);
  read(json.at("evidence"), state.evidence);
}

Json json_of(const experiment::LiveSpec& live) {
  const experiment::Spec& spec = live.spec;
  Json variants = Json::array();
  for (std::size_t v = 0; v < live.variants.size(); ++v) {
    variants.push_back(
        {spec.variants[v], live.variants[v].handler, live.variants[v].aa, spec.weights[v]});
  }
  Json guardrails = Json::array();
  for (const auto& one : spec.guardrails) {
    guardrails.push_back({static_cast<int>(one.kind), one.limit, one.p, one.ratio, one.weight});
  }
  return {{"name", spec.name},
          {"salt", spec.salt},
          {"control", spec.control},
          {"sticky", spec.sticky},
          {"alpha", spec.alpha},
          {"steps", spec.ramp.steps},
          {"variants", std::move(variants)},
          {"guardrails", std::move(guardrails)},
          {"key", static_cast<int>(live.key)},
          {"key_name", live.key_name},
          {"routes", live.routes},
          {"start", optional_json(live.start)},
          {"end", optional_json(live.end)}};
}

bool read(const Json& json, Live::State& state) {
  read(json.at("experiment"), state.experiment);
  for (const Json& kept : json.at("variants")) {
    Live::State::OfVariant& of = state.variants.emplace_back();
    if (!read(kept.at("before"), of.before) || !read(kept.at("stage"), of.stage)) return false;
    kept.at("errors").get_to(of.errors);
    kept.at("lost").get_to(of.lost);
    kept.at("cpu").get_to(of.cpu);
    const Json& runs = kept.at("runs");
    of.runs.restore(runs.at(0).get<std::uint64_t>(), runs.at(1).get<double>(),
                    runs.at(2).get<double>());
    kept.at("quantiles").get_to(of.quantiles);
  }
  json.at("unkeyed").get_to(state.unkeyed);
  json.at("excluded").get_to(state.excluded);
  json.at("overridden").get_to(state.overridden);
  json.at("keyed").get_to(state.keyed);
  state.first_request = optional_of<double>(json.at("first_request"));
  json.at("pins").get_to(state.pins);
  return true;
}

}  // namespace

std::string to_json(const Live::State& state, const experiment::LiveSpec& spec) {
  Json variants = Json::array();
  for (const auto& of : state.variants) {
    variants.push_back({{"before", json_of(of.before)},
                        {"stage", json_of(of.stage)},
                        {"errors", of.errors},
                        {"lost", of.lost},
                        {"cpu", of.cpu},
                        {"runs", {of.runs.count(), of.runs.mean(), of.runs.squares()}},
                        {"quantiles", of.quantiles}});
  }
  const Json json = {{"spec", json_of(spec)},
                     {"experiment", json_of(state.experiment)},
                     {"variants", std::move(variants)},
                     {"unkeyed", state.unkeyed},
                     {"excluded", state.excluded},
                     {"overridden", state.overridden},
                     {"keyed", state.keyed},
                     {"first_request", optional_json(state.first_request)},
                     {"pins", state.pins}};
  // A key that is no UTF-8 can be pinned: it is kept as far as JSON can.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Live::State> state_of(std::string_view text) {
  try {
    Live::State state;
    if (!read(Json::parse(text), state)) return std::nullopt;
    return state;
  } catch (const Exception&) {
    return std::nullopt;
  }
}

std::optional<experiment::LiveSpec> spec_of(std::string_view text) {
  try {
    const Json json = Json::parse(text).at("spec");
    experiment::LiveSpec live;
    experiment::Spec& spec = live.spec;
    json.at("name").get_to(spec.name);
    json.at("salt").get_to(spec.salt);
    json.at("control").get_to(spec.control);
    json.at("sticky").get_to(spec.sticky);
    json.at("alpha").get_to(spec.alpha);
    json.at("steps").get_to(spec.ramp.steps);
    for (const Json& one : json.at("variants")) {
      spec.variants.push_back(one.at(0).get<std::string>());
      spec.weights.push_back(one.at(3).get<double>());
      live.variants.push_back(
          {one.at(1).get<std::string>(), measure::kNoHandler, one.at(2).get<bool>()});
    }
    for (const Json& one : json.at("guardrails")) {
      using Kind = experiment::Guardrail::Kind;
      const int kind = one.at(0).get<int>();
      if (kind < 0 || kind > static_cast<int>(Kind::kLoopLag)) return std::nullopt;
      spec.guardrails.push_back({static_cast<Kind>(kind), one.at(1).get<Nanos>(),
                                 one.at(2).get<double>(), one.at(3).get<double>(),
                                 one.at(4).get<double>()});
    }
    const int key = json.at("key").get<int>();
    if (key < 0 || key > static_cast<int>(experiment::KeySource::kRandom)) return std::nullopt;
    live.key = static_cast<experiment::KeySource>(key);
    json.at("key_name").get_to(live.key_name);
    json.at("routes").get_to(live.routes);
    live.start = optional_of<double>(json.at("start"));
    live.end = optional_of<double>(json.at("end"));
    if (spec.control >= spec.variants.size()) return std::nullopt;
    return live;
  } catch (const Exception&) {
    return std::nullopt;
  }
}

std::string fingerprint(const experiment::LiveSpec& spec) {
  Json variants = Json::array();
  for (std::size_t v = 0; v < spec.variants.size(); ++v) {
    variants.push_back({spec.spec.variants[v], spec.variants[v].handler});
  }
  Json guardrails = Json::array();
  for (const auto& guardrail : spec.spec.guardrails) {
    guardrails.push_back({guardrail.name(), guardrail.weight});
  }
  const Json json = {{"variants", std::move(variants)}, {"control", spec.spec.control},
                     {"salt", spec.spec.salt},          {"key", spec.key_text()},
                     {"alpha", spec.spec.alpha},        {"guardrails", std::move(guardrails)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace duet::store
