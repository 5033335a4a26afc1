#include "host/store/shadow_json.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace duet::store {

namespace {

using experiment::ShadowField;
using experiment::ShadowState;
using Json = nlohmann::json;

Json json_of(const ShadowField& field) {
  const auto& example = field.example;
  return {{"name", field.name},
          {"raw", {field.raw, field.raw_only}},
          {"noise", {field.noise, field.noise_only}},
          {"last", field.last},
          {"log_e", field.log_e},
          {"example", {example.at, example.request, example.control, example.variant}}};
}

ShadowField field_of(const Json& json) {
  ShadowField field;
  json.at("name").get_to(field.name);
  json.at("raw").at(0).get_to(field.raw);
  json.at("raw").at(1).get_to(field.raw_only);
  json.at("noise").at(0).get_to(field.noise);
  json.at("noise").at(1).get_to(field.noise_only);
  json.at("last").get_to(field.last);
  json.at("log_e").get_to(field.log_e);
  const Json& example = json.at("example");
  example.at(0).get_to(field.example.at);
  example.at(1).get_to(field.example.request);
  example.at(2).get_to(field.example.control);
  example.at(3).get_to(field.example.variant);
  return field;
}

Json json_of(const ShadowState::OfVariant& of) {
  Json fields = Json::array();
  for (const ShadowField& field : of.record.fields) fields.push_back(json_of(field));
  return {{"unanswered", of.unanswered},    {"overdue", of.overdue},
          {"compared", of.record.compared}, {"raw", of.record.raw},
          {"noise", of.record.noise},       {"fields", std::move(fields)}};
}

ShadowState::OfVariant variant_of(const Json& json) {
  ShadowState::OfVariant of;
  json.at("unanswered").get_to(of.unanswered);
  json.at("overdue").get_to(of.overdue);
  json.at("compared").get_to(of.record.compared);
  json.at("raw").get_to(of.record.raw);
  json.at("noise").get_to(of.record.noise);
  for (const Json& field : json.at("fields")) of.record.fields.push_back(field_of(field));
  return of;
}

}  // namespace

std::string shadow_json(const ShadowState& state) {
  Json variants = Json::array();
  for (const ShadowState::OfVariant& of : state.variants) variants.push_back(json_of(of));
  const Json json = {{"rate", state.rate},     {"since", state.since},
                     {"ignore", state.ignore}, {"sampled", state.sampled},
                     {"lost", state.lost},     {"variants", std::move(variants)}};
  // A field's name may be any bytes that a handler sent: they are kept as far as JSON can.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<ShadowState> shadow_of(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    ShadowState state;
    json.at("rate").get_to(state.rate);
    json.at("since").get_to(state.since);
    json.at("ignore").get_to(state.ignore);
    json.at("sampled").get_to(state.sampled);
    json.at("lost").get_to(state.lost);
    for (const Json& of : json.at("variants")) state.variants.push_back(variant_of(of));
    return state;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace duet::store
