// The configuration that a command line asks for, with the real router, environment and folder.
#pragma once

#include <optional>

#include "host/config/config.h"
#include "host/config/load.h"

namespace duet::cli {

// Loads it and prints every mistake and warning to standard error. Nothing when there was an error.
std::optional<config::Config> load_config(const config::LoadRequest& request);

}  // namespace duet::cli
