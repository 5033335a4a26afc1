#include "host/cli/debug_options.h"

#include <algorithm>
#include <string>

#include "host/net/address.h"

namespace duet::cli {

namespace {

struct Debugger {
  config::Language language;
  std::string_view option;  // and the same with -wait
  std::uint16_t port;       // what its clients try by themselves
};
constexpr Debugger kDebuggers[] = {{config::Language::kJavaScript, "inspect", 9229},
                                   {config::Language::kPython, "debugpy", 5678}};

bool is_number(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<DebugOptions> debug_options(const Arguments& arguments) {
  DebugOptions all;
  for (const Debugger& debugger : kDebuggers) {
    for (const bool wait : {false, true}) {
      const std::string option = std::string(debugger.option) + (wait ? "-wait" : "");
      const std::optional<std::string> value = arguments.value(option);
      if (!value) continue;
      DebuggerOptions& options = all[static_cast<std::size_t>(debugger.language)].emplace();
      options.port = debugger.port;
      options.wait = wait;
      if (value->empty()) continue;
      auto address = net::Address::parse(is_number(*value) ? options.host + ":" + *value : *value);
      if (!address || address->is_unix()) {
        return Error{"--" + option + " takes [HOST:]PORT, not '" + *value + "'", "",
                     "write --" + option + "=" + std::to_string(debugger.port), ""};
      }
      options.host = address->host();
      options.port = address->port();
    }
  }
  return all;
}

Result<void> has_handlers(const DebugOptions& debug, const config::Config& config) {
  for (const Debugger& debugger : kDebuggers) {
    if (debug[static_cast<std::size_t>(debugger.language)] && !config.uses(debugger.language)) {
      return Error{"--" + std::string(debugger.option) +
                       " has nothing to debug: no handler is in " +
                       std::string(config::language_name(debugger.language)),
                   "", "leave the option out", ""};
    }
  }
  return {};
}

bool is_loopback(std::string_view host) { return host.starts_with("127.") || host == "::1"; }

}  // namespace duet::cli
