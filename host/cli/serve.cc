#include "host/cli/serve.h"

#include <unistd.h>

#include <cstdio>

#include "host/cli/host.h"

namespace duet::cli {

int serve(const config::Config& config, const DebugOptions& debug) {
  // Never destroyed: engines' threads may still look at it, and the process ends right after.
  auto* host = new Host(config, debug);
  const int code = host->run();
  std::fflush(nullptr);
  _exit(code);
}

}  // namespace duet::cli
