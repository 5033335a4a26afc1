#include "host/admin/experiments_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "host/admin/micros.h"

namespace duet::admin {
namespace {

using Json = nlohmann::ordered_json;
using experiment::LiveSnapshot;
using experiment::VariantSnapshot;
using measure::Histogram;

Json bounded(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json interval(const stats::Interval& interval) {
  return {{"low", bounded(interval.low)}, {"high", bounded(interval.high)}};
}

template <class T>
Json known(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json buckets(const Histogram& histogram) {
  Json all = Json::array();
  if (histogram.count() == 0) return all;
  const std::size_t last = Histogram::slot_of(static_cast<std::uint64_t>(histogram.max()));
  for (std::size_t slot = 0; slot <= last; ++slot) {
    if (histogram.count_in(slot) == 0) continue;
    all.push_back(
        {Histogram::lowest_in(slot), Histogram::highest_in(slot), histogram.count_in(slot)});
  }
  return all;
}

Json guardrails(const VariantSnapshot& variant) {
  Json all = Json::array();
  for (const experiment::GuardrailSnapshot& one : variant.guardrails) {
    all.push_back({{"name", one.name},
                   {"requests", one.requests},
                   {"events", one.events},
                   {"control_requests", one.control_requests},
                   {"control_events", one.control_events},
                   {"ratio", interval(one.ratio)},
                   {"p_value", one.p_value},
                   {"alpha", one.alpha},
                   {"crossed", one.crossed}});
  }
  return all;
}

Json quantiles(const VariantSnapshot& variant) {
  Json all = Json::array();
  for (const experiment::QuantileEvidence& one : variant.quantiles) {
    all.push_back({{"p", one.p},
                   {"control_us", one.control ? Json(micros(*one.control)) : Json()},
                   {"variant_us", one.variant ? Json(micros(*one.variant)) : Json()},
                   {"ratio", interval(one.ratio)},
                   {"log_e", one.log_e},
                   {"called", one.called}});
  }
  return all;
}

Json variant(const VariantSnapshot& one) {
  const double requests = one.requests == 0 ? 1 : static_cast<double>(one.requests);
  return {{"name", one.name},
          {"handler", one.handler},
          {"control", one.control},
          {"aa", one.aa},
          {"weight", one.weight},
          {"share", one.share},
          {"rolled_back", one.rolled_back},
          {"unavailable", one.unavailable.empty() ? Json() : Json(one.unavailable)},
          {"requests", one.requests},
          {"errors", one.errors},
          {"in_flight", one.in_flight},
          {"lost", one.lost},
          {"total_us",
           {{"p50", micros(one.total.quantile(0.5))},
            {"p90", micros(one.total.quantile(0.9))},
            {"p99", micros(one.total.quantile(0.99))},
            {"max", micros(one.total.max())},
            {"mean", one.total.mean() / 1000}}},
          {"cpu_us_per_request", micros(one.cpu) / requests},
          {"cpu_within", bounded(one.cpu_within)},
          {"guardrails", guardrails(one)},
          {"quantiles", quantiles(one)},
          {"histogram", buckets(one.total)},
          {"stage_histogram", buckets(one.stage)}};
}

Json shadow(const std::optional<experiment::ShadowSnapshot>& one) {
  if (!one) return {};
  Json variants = Json::array();
  for (const experiment::ShadowVariant& variant : one->variants) {
    Json fields = Json::array();
    for (const experiment::ShadowField& field : variant.fields) {
      const experiment::ShadowExample& example = field.example;
      fields.push_back({{"name", field.name},
                        {"differs", field.differs},
                        {"raw", field.raw},
                        {"noise", field.noise},
                        {"raw_only", field.raw_only},
                        {"noise_only", field.noise_only},
                        {"last", field.last},
                        {"log_e", field.log_e},
                        {"example", field.raw_only == 0 ? Json()
                                                        : Json{{"at", example.at},
                                                               {"request", example.request},
                                                               {"control", example.control},
                                                               {"variant", example.variant}}}});
    }
    variants.push_back({{"name", variant.name},
                        {"compared", variant.compared},
                        {"unanswered", variant.unanswered},
                        {"overdue", variant.overdue},
                        {"fields", fields}});
  }
  using experiment::ShadowLoss;
  return {{"rate", one->rate},
          {"since", one->since > 0 ? Json(one->since) : Json()},
          {"sampled", one->sampled},
          {"lost",
           {{"no_room", one->of(ShadowLoss::kNoRoom)},
            {"too_old", one->of(ShadowLoss::kTooOld)},
            {"too_large", one->of(ShadowLoss::kTooLarge)},
            {"left", one->of(ShadowLoss::kLeft)}}},
          {"waiting", one->waiting},
          {"running", one->running},
          {"control_overdue", one->control_overdue},
          {"variants", variants}};
}

Json document(const LiveSnapshot& one) {
  Json variants = Json::array();
  for (const VariantSnapshot& each : one.variants) variants.push_back(variant(each));
  Json audit = Json::array();
  for (const experiment::AuditEntry& entry : one.audit) {
    audit.push_back({{"at", entry.at}, {"who", entry.who}, {"what", entry.what}});
  }
  return {{"name", one.name},
          {"state", one.state},
          {"verdict", one.verdict},
          {"routes", one.routes},
          {"key", one.key},
          {"salt", one.salt},
          {"alpha", one.alpha},
          {"start", known(one.start)},
          {"end", known(one.end)},
          {"first_request", known(one.first_request)},
          {"variants", variants},
          {"unkeyed", one.unkeyed},
          {"excluded", one.excluded},
          {"overridden", one.overridden},
          {"split", {{"p_value", one.split_p_value}, {"wrong", one.split_wrong}}},
          {"ramp",
           {{"steps", one.ramp_steps},
            {"step", one.ramp_step},
            {"climbing", one.ramping},
            {"hold", one.hold.empty() ? Json() : Json(one.hold)}}},
          {"shadow", shadow(one.shadow)},
          {"store", one.store.empty() ? Json() : Json(one.store)},
          {"audit", audit}};
}

std::string dump(const Json& json) {
  // Keys and names of operators may be any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string experiments_json(std::span<const LiveSnapshot> all) {
  Json list = Json::array();
  for (const LiveSnapshot& one : all) list.push_back(document(one));
  return dump({{"experiments", list}});
}

std::string experiment_json(const LiveSnapshot& one) { return dump(document(one)); }

}  // namespace duet::admin
