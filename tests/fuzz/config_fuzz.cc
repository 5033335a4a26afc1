// duet.toml, .env and the values of options under hostile text. Checked:
//   - every mistake has a place inside the file, or none;
//   - what is shown holds nothing that drives a terminal, and is UTF-8;
//   - a configuration without mistakes is in range: handlers, routes, addresses, limits;
//   - durations and addresses that are taken read the same when written out again.
#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/check.h"
#include "host/base/escape.h"
#include "host/config/dotenv.h"
#include "host/config/toml_config.h"
#include "host/config/values.h"
#include "host/http/router.h"

namespace duet::config {
namespace {

void check_shown(const Diagnostics& diagnostics, std::string_view text) {
  std::size_t lines = 1;
  for (const char c : text) lines += c == '\n';
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    DUET_CHECK(diagnostic.place.line <= lines + 1);
    DUET_CHECK(diagnostic.place.line == 0 || diagnostic.place.column > 0);
    DUET_CHECK(!diagnostic.message.empty());
  }
  const std::string shown = diagnostics.render(false);
  for (std::size_t at = 0; at < shown.size();) {
    const Utf8Character c = utf8_at(shown, at);
    DUET_CHECK(c.valid && (c.code == '\n' || !is_unprintable(c.code)));
    at += c.length;
  }
}

void check_config(const Config& config) {
  for (const Handler& handler : config.handlers) {
    DUET_CHECK(!handler.name.empty() && !handler.source.empty() && handler.root.starts_with('/'));
    DUET_CHECK(handler.deadline >= 0);
  }
  for (const Route& route : config.routes) {
    DUET_CHECK(route.handler < config.handlers.size());
    DUET_CHECK(route.pattern.starts_with('/'));
  }
  const ServerConfig& server = config.server;
  for (const Address& address : server.listen) {
    const Result<Address> again = parse_address(address.to_string(), "/");
    DUET_CHECK(again.ok() && *again == address);
  }
  DUET_CHECK(server.admin.size() <= 1);
  DUET_CHECK(server.limits.target_bytes <= server.limits.head_bytes);
  DUET_CHECK(server.limits.pipelined >= 1);
  DUET_CHECK(server.timeouts.head > 0 && server.timeouts.keep_alive > 0);
}

void check_toml(std::string_view text) {
  http::Router router;
  RouteRules rules;
  rules.check_pattern = [](std::string_view pattern) { return http::Router().add({}, pattern, 0); };
  rules.add = [&router](const auto& methods, std::string_view pattern, std::uint32_t handler) {
    return router.add(methods, pattern, handler);
  };
  Diagnostics diagnostics;
  const TomlFile file{"duet.toml", "/nowhere"};
  const TomlConfig read = read_toml_config(text, file, {}, rules, diagnostics);
  diagnostics.sort();
  check_shown(diagnostics, text);
  if (diagnostics.ok()) check_config(read.config);
}

void check_values(std::string_view text) {
  if (const Result<Nanos> duration = parse_duration(text)) {
    DUET_CHECK(*duration >= 0);
    DUET_CHECK(!show_duration(*duration).empty());
  }
  if (const Result<std::uint64_t> size = parse_size(text)) DUET_CHECK(!show_size(*size).empty());
  if (const Result<Address> address = parse_address(text, "/srv")) {
    const Result<Address> again = parse_address(address->to_string(), "/");
    DUET_CHECK(again.ok() && *again == *address);
  }
}

}  // namespace
}  // namespace duet::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace duet::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_toml(text);
  check_values(text.substr(0, text.find('\n')));
  duet::config::Diagnostics diagnostics;
  diagnostics.add_source(".env", std::string(text));
  for (const DotenvEntry& entry : parse_dotenv(text, ".env", diagnostics)) {
    DUET_CHECK(is_variable_name(entry.name) && entry.value.find('\0') == std::string::npos);
  }
  check_shown(diagnostics, text);
  return 0;
}
