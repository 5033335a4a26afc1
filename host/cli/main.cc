// duet's program: the list of its subcommands. What each wires together is in its own file.
#include <string>
#include <vector>

#include "host/cli/command.h"

int main(int argc, char** argv) {
  static constexpr const duet::cli::Command* kCommands[] = {
      &duet::cli::kServeCommand, &duet::cli::kCheckCommand,      &duet::cli::kBenchCommand,
      &duet::cli::kLabCommand,   &duet::cli::kExperimentCommand, &duet::cli::kReportCommand,
      &duet::cli::kStatsCommand, &duet::cli::kVersionCommand,
  };
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return duet::cli::run_command_line(kCommands, arguments);
}
