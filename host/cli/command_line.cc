#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "host/base/escape.h"
#include "host/cli/command.h"
#include "host/cli/terminal.h"
#include "host/config/source.h"
#include "host/config/suggest.h"

namespace duet::cli {

namespace {

void print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

const Command* find_command(std::span<const Command* const> commands, std::string_view name) {
  for (const Command* command : commands) {
    if (command->name == name) return command;
  }
  return nullptr;
}

int unknown_command(std::span<const Command* const> commands, const std::string& name) {
  std::vector<std::string_view> names{"help"};
  for (const Command* command : commands) names.push_back(command->name);
  const std::string shown = printable(name);
  Error error{"unknown command '" + shown + "'", {}, config::did_you_mean(name, names), {}};
  std::error_code ignored;
  if (std::getenv("NODE_CHANNEL_FD") != nullptr) {
    error.message = "'" + shown + "' was started as if duet were node (child_process.fork)";
    error.hint = "give fork the path of a node: { execPath: \"/usr/bin/node\" }";
  } else if (name.starts_with('-')) {
    error.message = "unknown option '" + shown + "'";
    error.hint = "options follow the command: duet serve " + shown;
  } else if (std::filesystem::exists(name, ignored) || config::is_module_attribute(name) ||
             config::language_of_file(name) || name.ends_with(".toml")) {
    error.hint = "did you mean: duet serve " + shown + "?";
  } else if (error.hint.empty()) {
    error.hint = "see duet --help";
  }
  print_error("duet", error);
  return kExitUsage;
}

int run_command(const Command& command, std::span<const std::string> arguments) {
  const Arguments parsed = parse_arguments(command.options, arguments, command.hints);
  if (parsed.has("help")) {
    print(stdout, help_of(command, wants_color(STDOUT_FILENO)));
    return kExitOk;
  }
  for (const Error& error : parsed.errors()) print_error("duet", error);
  if (parsed.positional().size() > command.most_arguments) {
    const std::string& first = parsed.positional()[command.most_arguments];
    print_error("duet", {"unexpected argument '" + printable(first) + "'",
                         {},
                         "see duet " + std::string(command.name) + " --help",
                         {}});
    return kExitUsage;
  }
  return parsed.errors().empty() ? command.run(parsed) : kExitUsage;
}

}  // namespace

void print_error(std::string_view program, const Error& error) {
  const std::string name(program);
  std::string text = wants_color(STDERR_FILENO)
                         ? "\x1b[1m" + name + ": \x1b[0m\x1b[1;31merror:\x1b[0m "
                         : name + ": error: ";
  text += error.to_string() + "\n";
  std::istringstream lines(error.detail);
  for (std::string line; std::getline(lines, line);) text += "  " + printable(line) + "\n";
  print(stderr, fitted(text, STDERR_FILENO));
}

bool print_result(std::string_view program, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return true;
  }
  print_error(program, {"the result could not be written to standard output", {}, {}, {}});
  return false;
}

int run_command_line(std::span<const Command* const> commands,
                     std::span<const std::string> arguments) {
  if (arguments.empty()) {
    print(stderr, help_of_all(commands, wants_color(STDERR_FILENO)));
    return kExitUsage;
  }
  const std::string& first = arguments.front();
  std::span<const std::string> rest = arguments.subspan(1);
  if (first == "-h" || first == "--help" || (first == "help" && rest.empty())) {
    print(stdout, help_of_all(commands, wants_color(STDOUT_FILENO)));
    return kExitOk;
  }
  std::string name = first;
  if (first == "-V" || first == "--version") name = "version";
  if (first == "help") name = rest.front();
  const Command* command = find_command(commands, name);
  if (command == nullptr) return unknown_command(commands, name);
  if (first == "help") {
    print(stdout, help_of(*command, wants_color(STDOUT_FILENO)));
    return kExitOk;
  }
  return run_command(*command, rest);
}

}  // namespace duet::cli
