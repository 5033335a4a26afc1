#include "host/cli/load_config.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "host/cli/terminal.h"
#include "host/config/diagnostic.h"
#include "host/http/router.h"

namespace duet::cli {

std::optional<config::Config> read_config(const config::LoadRequest& request,
                                          config::Diagnostics& diagnostics) {
  std::error_code error;
  config::LoadContext context;
  context.directory = std::filesystem::current_path(error).string();
  if (error) return std::nullopt;
  context.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  http::Router router;
  context.rules.check_pattern = [](std::string_view pattern) {
    return http::Router().add({}, pattern, 0);
  };
  context.rules.add = [&router](const std::vector<std::string>& methods, std::string_view pattern,
                                std::uint32_t handler) {
    return router.add(methods, pattern, handler);
  };

  return config::load(request, context, diagnostics);
}

std::optional<config::Config> said(std::optional<config::Config> config,
                                   const config::Diagnostics& diagnostics) {
  if (!config) {
    std::fputs("duet: error: the current directory does not exist any more (change to another)\n",
               stderr);
    return std::nullopt;
  }
  std::string text = diagnostics.render(wants_color(STDERR_FILENO));
  if (diagnostics.all().size() > 1) text += "duet: " + diagnostics.summary() + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
  if (!diagnostics.ok()) return std::nullopt;
  return config;
}

std::optional<config::Config> load_config(const config::LoadRequest& request) {
  config::Diagnostics diagnostics;
  auto config = read_config(request, diagnostics);
  return said(std::move(config), diagnostics);
}

}  // namespace duet::cli
