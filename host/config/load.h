// From what the user typed to a Config: finds duet.toml or takes files as they are, reads .env,
// honours PORT, and collects every mistake.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/config.h"
#include "host/config/diagnostic.h"
#include "host/config/toml_config.h"

namespace duet::config {

// The command line of `duet serve` (and `duet check`), as text.
struct LoadRequest {
  std::vector<std::string> sources;  // CONFIG.toml | FILE | module:attribute ...; none: ./duet.toml
  std::vector<std::string> listen;   // --listen
  std::optional<std::string> admin;  // --admin
  std::optional<std::string> deadline;    // --deadline
  std::optional<std::string> body_limit;  // --body-limit
  std::vector<std::string> env_files;     // --env-file; a later one wins
  std::optional<std::string> log_format;  // --log-format
  std::optional<std::string> log_level;   // --log-level
  bool dev = false;                       // --dev
};

struct LoadContext {
  std::string directory;  // the current one, absolute
  // A variable of the real environment.
  std::function<std::optional<std::string>(const std::string& name)> variable;
  RouteRules rules;
};

// Who wins: options, then PORT (of the environment, else of .env), then duet.toml, then defaults.
// The result is usable when `diagnostics` has no error.
//
// Without duet.toml: one file answers "/" and everything below; several answer under their file
// names ("/hello.mjs" and everything below it), module:attribute under "/module:attribute".
//
// .env files: those of --env-file, else env_file of duet.toml, else ".env" beside duet.toml or
// beside each handler, and in the current directory (whichever sets a variable first wins). The
// real environment wins over all of them.
Config load(const LoadRequest& request, const LoadContext& context, Diagnostics& diagnostics);

}  // namespace duet::config
