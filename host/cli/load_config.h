// The configuration that a command line asks for, with the real router, environment and folder.
#pragma once

#include <optional>

#include "host/config/config.h"
#include "host/config/diagnostic.h"
#include "host/config/load.h"

namespace duet::cli {

// Prints every mistake and warning to standard error, and that there is no current directory (no
// configuration). Nothing comes back when there was an error.
std::optional<config::Config> said(std::optional<config::Config> config,
                                   const config::Diagnostics& diagnostics);

// Loads it and prints every mistake and warning to standard error. Nothing when there was an error.
std::optional<config::Config> load_config(const config::LoadRequest& request);

// Loads it without a word; where `diagnostics` has errors, what could be understood. Nothing when
// there is no current directory any more.
std::optional<config::Config> read_config(const config::LoadRequest& request,
                                          config::Diagnostics& diagnostics);

}  // namespace duet::cli
