// [server] and [log] of duet.toml: what each key means, and everything that can be wrong with it.
#pragma once

#include <string>

#include "host/config/table_reader.h"
#include "host/config/toml_config.h"
#include "host/config/toml_tree.h"

namespace duet::config {

// Reads [server] and its tables into `config`; listeners and files are relative to `directory`.
// Gives what it says of handlers that say nothing themselves.
Defaults read_server(const ReaderContext& context, const TomlEntry& entry,
                     const std::string& directory, TomlConfig& config);

void read_log(const ReaderContext& context, const TomlEntry& entry, ServerConfig& server);

}  // namespace duet::config
