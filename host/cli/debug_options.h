// --inspect and --debugpy: where the languages' debuggers listen.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "host/cli/options.h"
#include "host/config/config.h"
#include "host/runtime.h"

namespace duet::cli {

// By language; absent: no debugger.
using DebugOptions = std::array<std::optional<DebuggerOptions>, config::kLanguages>;

// What of the command line is about debuggers. An error when an address is none.
Result<DebugOptions> debug_options(const Arguments& arguments);

// An error when no handler is of a language whose debugger is to be opened.
Result<void> has_handlers(const DebugOptions& debug, const config::Config& config);

// Whether nobody but users of this machine reaches `host`, a numeric address.
bool is_loopback(std::string_view host);

}  // namespace duet::cli
