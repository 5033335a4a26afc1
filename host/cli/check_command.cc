// `duet check`: every mistake of a configuration, without starting anything.
#include <algorithm>
#include <cstdio>

#include "host/base/escape.h"
#include "host/cli/command.h"
#include "host/cli/load_config.h"

namespace duet::cli {

namespace {

constexpr HelpRow kExamples[] = {
    {"duet check", "./duet.toml"},
    {"duet check site/duet.toml", "another one"},
    {"duet check hello.mjs hello.py", "what duet serve would do with these files"},
};

constexpr Option kOptionList[] = {kHelpOption};
constexpr OptionGroup kOptions[] = {{"Options", kOptionList}};

constexpr HelpSection kSections[] = {
    {"What is checked",
     {},
     "Syntax, unknown keys, types and ranges, addresses, sources that exist, routes\n"
     "and their handlers, .env files: all at once, each with its line and what to\n"
     "do. Handlers are not loaded: errors in their code show when they are served."},
    {"Exit codes", {}, "0 no mistake (warnings do not count), 1 mistakes, 2 command line wrong."},
};

std::string join(const std::vector<std::string>& words, const char* otherwise) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? otherwise : text;
}

// What would be served: the answer to "is this what I meant?".
void print_plan(const config::Config& config) {
  const std::string subject = config.file.empty() ? "no mistakes" : config.file + ": no mistakes";
  std::printf("%s\n", printable(subject).c_str());
  for (const config::Address& address : config.server.listen) {
    std::printf("  listen  %s\n", printable(address.to_string()).c_str());
  }
  for (const config::Address& address : config.server.admin) {
    std::printf("  admin   %s\n", printable(address.to_string()).c_str());
  }
  std::size_t methods = 0;
  std::size_t patterns = 0;
  for (const config::Route& route : config.routes) {
    methods = std::max(methods, join(route.methods, "any").size());
    patterns = std::max(patterns, route.pattern.size());
  }
  for (const config::Route& route : config.routes) {
    const config::Handler& handler = config.handlers[route.handler];
    std::printf("  route   %-*s  %-*s  %s (%s)\n", static_cast<int>(methods),
                join(route.methods, "any").c_str(), static_cast<int>(patterns),
                printable(route.pattern).c_str(), printable(handler.name).c_str(),
                std::string(config::language_name(handler.language)).c_str());
  }
  for (const config::Experiment& experiment : config.experiments) {
    double sum = 0;
    std::string variants;
    for (const config::Variant& variant : experiment.variants) sum += variant.weight;
    for (const config::Variant& variant : experiment.variants) {
      char share[32];
      std::snprintf(share, sizeof share, " %.4g%%", 100 * variant.weight / sum);
      variants += (variants.empty() ? "" : ", ") + variant.name + share;
    }
    std::printf("  experiment  %s on %s: %s\n", experiment.name.c_str(),
                printable(join(experiment.routes, "")).c_str(), variants.c_str());
  }
}

int run(const Arguments& arguments) {
  config::LoadRequest request;
  request.sources = arguments.positional();
  const std::optional<config::Config> config = load_config(request);
  if (!config) return kExitFailure;
  print_plan(*config);
  return kExitOk;
}

}  // namespace

const Command kCheckCommand = {"check",
                               "shows every mistake in a configuration, at once",
                               "[CONFIG.toml | FILE... | MODULE:ATTRIBUTE...]",
                               kExamples,
                               kOptions,
                               kSections,
                               {},
                               static_cast<std::size_t>(-1),
                               run};

}  // namespace duet::cli
