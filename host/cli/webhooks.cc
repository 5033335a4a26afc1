#include "host/cli/webhooks.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/outbox/hmac.h"

namespace duet::cli {

namespace {

using OrderedJson = nlohmann::ordered_json;
using experiment::Decision;

// Null: nobody is told.
const char* event_name(Decision::Kind kind) {
  switch (kind) {
    case Decision::Kind::kRolledBack:
      return "rolled_back";
    case Decision::Kind::kAdvanced:
      return "ramp_advanced";
    case Decision::Kind::kHeld:
      return "ramp_held";
    case Decision::Kind::kWrongSplit:
      return "split_wrong";
    case Decision::Kind::kNoKey:
      return "no_key";
    case Decision::Kind::kChanged:
      break;
  }
  return nullptr;
}

std::string time_text(double at) {
  const auto seconds = static_cast<std::time_t>(at);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", text, static_cast<int>((at - std::floor(at)) * 1000));
}

OrderedJson bounded(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson();
}

OrderedJson evidence(const experiment::LiveSnapshot& shot, const Decision& decision) {
  for (const auto& variant : shot.variants) {
    if (variant.name != decision.variant) continue;
    for (const auto& one : variant.guardrails) {
      if (one.name != decision.guardrail) continue;
      return {{"requests", one.requests},
              {"events", one.events},
              {"control_requests", one.control_requests},
              {"control_events", one.control_events},
              {"ratio", {{"low", bounded(one.ratio.low)}, {"high", bounded(one.ratio.high)}}},
              {"p_value", one.p_value},
              {"alpha", one.alpha}};
    }
  }
  return {};
}

OrderedJson shares(const experiment::LiveSnapshot& shot) {
  OrderedJson all = OrderedJson::object();
  for (const auto& variant : shot.variants) all[variant.name] = variant.share;
  return all;
}

std::string fresh_id() {
  std::uint64_t id[2] = {static_cast<std::uint64_t>(now()), 0};
  if (getrandom(id, sizeof id, 0) != sizeof id) id[1] = static_cast<std::uint64_t>(wall_now());
  return fmt::format("{:016x}{:016x}", id[0], id[1]);
}

}  // namespace

outbox::Options outbox_options(const config::Endpoint& endpoint, std::string name) {
  outbox::Options options;
  options.name = std::move(name);
  options.url = endpoint.url;
  options.host = endpoint.host;
  options.port = endpoint.port;
  options.authority = endpoint.authority;
  options.target = endpoint.target;
  return options;
}

std::string webhook_body(const experiment::LiveSnapshot& shot, const Decision& decision,
                         const std::string& id, double at) {
  const auto named = [](const std::string& name) {
    return name.empty() ? OrderedJson() : OrderedJson(name);
  };
  const OrderedJson body = {{"id", id},
                            {"time", time_text(at)},
                            {"event", event_name(decision.kind)},
                            {"experiment", shot.name},
                            {"variant", named(decision.variant)},
                            {"guardrail", named(decision.guardrail)},
                            {"sentence", decision.sentence},
                            {"evidence", evidence(shot, decision)},
                            {"shares", shares(shot)}};
  return body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Result<std::unique_ptr<Webhooks>> Webhooks::create(const config::Config& config) {
  auto webhooks = std::make_unique<Webhooks>();
  for (const config::Experiment& experiment : config.experiments) {
    if (!experiment.webhook) continue;
    One& one = webhooks->all_[experiment.name];
    if (const std::string& variable = experiment.webhook->secret_variable; !variable.empty()) {
      const char* secret = std::getenv(variable.c_str());
      if (secret == nullptr || *secret == '\0') {
        return Error{fmt::format("the variable '{}', which is to hold the webhook's secret of the "
                                 "experiment '{}', is not set",
                                 variable, experiment.name),
                     config.file,
                     "set it in the environment or in .env, or remove webhook_secret",
                     {}};
      }
      one.secret = secret;
    }
    outbox::Options options = outbox_options(
        experiment.webhook->url, fmt::format("webhook of the experiment '{}'", experiment.name));
    options.fields = {{"Content-Type", "application/json"}};
    one.outbox = std::make_unique<outbox::Outbox>(std::move(options));
  }
  return webhooks;
}

void Webhooks::tell(experiment::Live& live, const Decision& decision) {
  const auto found = all_.find(live.spec().spec.name);
  if (found == all_.end() || event_name(decision.kind) == nullptr) return;
  const auto& [outbox, secret] = found->second;
  const double at = static_cast<double>(wall_now()) * 1e-9;
  outbox::Letter letter;
  letter.body = webhook_body(live.snapshot(), decision, fresh_id(), at);
  if (!secret.empty()) {
    const outbox::Digest digest = outbox::hmac_sha256(secret, letter.body);
    letter.fields.emplace_back("Duet-Signature", "sha256=" + outbox::in_hex(digest));
  }
  outbox->put(std::move(letter));
}

}  // namespace duet::cli
