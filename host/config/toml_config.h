// duet.toml to Config: what each key means, and everything that can be wrong with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/config/config.h"
#include "host/config/diagnostic.h"

namespace duet::config {

// What the router says of routes. Given from outside because config knows nothing of HTTP; an empty
// function finds nothing wrong. An error's `where` may be "column N" of the pattern.
struct RouteRules {
  // Whether it is a pattern at all.
  std::function<Result<void>(std::string_view pattern)> check_pattern;
  // Adds a route to those added before: says what conflicts.
  std::function<Result<void>(const std::vector<std::string>& methods, std::string_view pattern,
                             std::uint32_t handler)>
      add;
};

// What the command line says before the file is read.
struct Defaults {
  std::optional<Nanos> deadline;  // of handlers that set none
  std::optional<std::uint64_t> body_bytes;
};

struct TomlFile {
  std::string shown;      // its name in diagnostics
  std::string directory;  // absolute; sources and sockets are relative to it
};

// A value that was read, with its place: others overrule it, or it conflicts with others.
struct TomlConfig {
  Config config;  // `listen` is empty when the file has none
  std::optional<std::string> env_file;
  Place env_file_place;
};

// Reads `text`. Every mistake goes to `diagnostics`; the result is usable when there is no error.
TomlConfig read_toml_config(std::string_view text, const TomlFile& file, const Defaults& defaults,
                            const RouteRules& rules, Diagnostics& diagnostics);

}  // namespace duet::config
