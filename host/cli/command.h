// A subcommand: what its help says, what it takes, and what it does.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/cli/options.h"

namespace duet::cli {

// What `duet` exits with; 128 + N when it is ended by signal N.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;  // the configuration is wrong, or the host could not start
inline constexpr int kExitUsage = 2;    // the command line cannot be understood

// A line of two columns in the help: a command and what it is for, a term and its meaning.
struct HelpRow {
  std::string_view term;
  std::string_view text;
};

struct HelpSection {
  std::string_view title;
  std::span<const HelpRow> rows;  // either rows,
  std::string_view text;          // or text, shown as it is, indented
};

struct Command {
  std::string_view name;
  std::string_view summary;    // one line, for the list of commands
  std::string_view arguments;  // "[CONFIG.toml | FILE | MODULE:ATTRIBUTE ...]"
  std::span<const HelpRow> examples;
  std::span<const OptionGroup> options;  // with --help, which is handled before `run`
  std::span<const HelpSection> sections;
  std::span<const OptionHint> hints;
  std::size_t most_arguments;  // positional ones
  int (*run)(const Arguments& arguments);
};

// The option that every command has.
inline constexpr Option kHelpOption{"help", "", "Show this help.", "", false, 'h'};

// The subcommands, one file each.
extern const Command kServeCommand;
extern const Command kCheckCommand;
extern const Command kBenchCommand;
extern const Command kLabCommand;
extern const Command kExperimentCommand;
extern const Command kReportCommand;
extern const Command kStatsCommand;
extern const Command kVersionCommand;

// Help of one command, and of `duet` itself; 80 columns. `color`: titles are bold.
std::string help_of(const Command& command, bool color);
std::string help_of_all(std::span<const Command* const> commands, bool color);

// "duet bench: error: WHERE: MESSAGE (HINT)" on standard error, and below it the detail: the last
// words of a server or an installer, which must not drive the terminal. `program`: "duet bench".
void print_error(std::string_view program, const Error& error);

// Writes a result to standard output. False, after an error, when that cannot be done.
bool print_result(std::string_view program, std::string_view text);

// Understands the command line (without the program's name) and runs the command. Returns the exit
// code. Help goes to standard output, errors to standard error.
int run_command_line(std::span<const Command* const> commands,
                     std::span<const std::string> arguments);

// All of duet: the command line without the program's name. Returns the exit code.
int run_duet(const std::vector<std::string>& arguments);

}  // namespace duet::cli
