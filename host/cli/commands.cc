// duet's subcommands. What each wires together is in its own file.
#include "host/cli/command.h"

namespace duet::cli {

int run_duet(const std::vector<std::string>& arguments) {
  static constexpr const Command* kCommands[] = {
      &kServeCommand,      &kCheckCommand,  &kBenchCommand, &kLabCommand,
      &kExperimentCommand, &kReportCommand, &kStatsCommand, &kVersionCommand,
  };
  return run_command_line(kCommands, arguments);
}

}  // namespace duet::cli
