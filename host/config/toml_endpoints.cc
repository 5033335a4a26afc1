#include "host/config/toml_endpoints.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "host/base/escape.h"
#include "host/base/service_url.h"
#include "host/config/toml_guardrails.h"
#include "host/config/toml_words.h"

namespace duet::config {
namespace {

// A query is allowed: services that are posted to often have their token in it.
std::optional<Endpoint> read_endpoint(const ReaderContext& context, const TomlEntry& entry) {
  const std::string& text = entry.value.string;
  const std::size_t query = std::min(text.find('?'), text.size());
  const auto service = ServiceUrl::parse(std::string_view(text).substr(0, query));
  if (!service) {
    context.error(entry.value.place, service.error());
    return std::nullopt;
  }
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain || text.find('#') != text.npos) {
    context.error(entry.value.place, "'" + printable(text) + "' is no URL that can be posted to",
                  "percent-encode what is no letter, digit or mark: %20 for a space, %23 for '#'");
    return std::nullopt;
  }
  const std::size_t path = text.find_first_of("/?", std::string_view("http://").size());
  std::string target = path == text.npos ? "/" : text.substr(path);
  if (target.front() == '?') target.insert(0, "/");
  return Endpoint{text, service->host, service->port, service->authority(), std::move(target)};
}

bool is_variable(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// What a field of a request may consist of.
bool is_field(std::string_view name, std::string_view value) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto in_name = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != kMarks.npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), in_name) &&
         std::none_of(value.begin(), value.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

void read_headers(const ReaderContext& context, const TomlEntry& entry, Otlp& otlp) {
  for (const TomlEntry& field : entry.value.entries) {
    if (field.value.type != TomlValue::Type::kString || !is_field(field.key, field.value.string)) {
      context.error(field.value.place, "'" + printable(field.key) + "' is no field of a request",
                    "write headers = { Authorization = \"Bearer ...\" }");
      continue;
    }
    otlp.headers.emplace_back(field.key, field.value.string);
  }
}

}  // namespace

void read_webhook(const ReaderContext& context, TableReader& table, Experiment& experiment) {
  const TomlEntry* url = table.text("webhook", "\"http://127.0.0.1:8080/duet\"");
  const TomlEntry* secret = table.text("webhook_secret", "\"NAME\" of a variable");
  if (url == nullptr) {
    if (secret != nullptr) {
      context.error(secret->place, "'webhook_secret' is for experiments with a 'webhook'",
                    "add webhook = \"http://...\", or remove it");
    }
    return;
  }
  auto endpoint = read_endpoint(context, *url);
  if (!endpoint) return;
  Webhook webhook{std::move(*endpoint), ""};
  if (secret != nullptr) {
    if (!is_variable(secret->value.string)) {
      return context.error(secret->value.place,
                           "'" + printable(secret->value.string) + "' is no variable's name",
                           "the secret itself belongs into the environment or .env; name the "
                           "variable here: webhook_secret = \"DUET_WEBHOOK_SECRET\"");
    }
    webhook.secret_variable = secret->value.string;
  }
  experiment.webhook = std::move(webhook);
}

void read_otlp(const ReaderContext& context, const TomlEntry& entry, ServerConfig& server) {
  TableReader table(context, entry.value.entries, "[server.otlp]", kOtlpWords);
  const TomlEntry* url = table.text("endpoint", "\"http://127.0.0.1:4318\"");
  Otlp otlp;
  if (const auto share = read_share(context, table, "sample", "\"10%\"")) otlp.sample = *share;
  if (const TomlEntry* service = table.text("service", "\"shop\"")) {
    otlp.service = service->value.string;
  }
  if (const TomlEntry* headers = table.table("headers")) read_headers(context, *headers, otlp);
  table.finish();
  if (url == nullptr) {
    if (entry.value.find("endpoint") == nullptr) {
      context.error(entry.place, "[server.otlp] has no 'endpoint'",
                    "add endpoint = \"http://127.0.0.1:4318\", a collector's base address");
    }
    return;
  }
  auto endpoint = read_endpoint(context, *url);
  if (!endpoint) return;
  // As OpenTelemetry has it: the endpoint is a base, below which each signal has a path.
  std::string& target = endpoint->target;
  while (target.ends_with('/')) target.pop_back();
  if (!target.ends_with("/v1/traces")) target += "/v1/traces";
  otlp.endpoint = std::move(*endpoint);
  server.otlp = std::move(otlp);
}

}  // namespace duet::config
