// `duet serve`: puts the host together and runs it until it is told to stop.
#pragma once

#include "host/cli/debug_options.h"
#include "host/config/config.h"

namespace duet::cli {

// Returns the exit code: 0 after a graceful stop, 1 when the host could not start (the reason is
// on standard error).
int serve(const config::Config& config, const DebugOptions& debug);

}  // namespace duet::cli
