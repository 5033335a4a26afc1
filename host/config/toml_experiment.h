// [[experiment]] of duet.toml: what each key means, and everything that can be wrong with it.
#pragma once

#include <string>
#include <vector>

#include "host/config/config.h"
#include "host/config/table_reader.h"
#include "host/config/toml_tree.h"

namespace duet::config {

// Reads all of them into config.experiments. Handlers and routes of `config` have been read; those
// that are `broken` (named in the file, but not usable) are not reported a second time.
// A variant may name a service elsewhere by its URL: it becomes a handler of config.handlers, made
// of `unnamed` (its defaults). Gives the indices of the handlers that variants use.
std::vector<std::size_t> read_experiments(const ReaderContext& context, const TomlEntry& entry,
                                          const std::vector<std::string>& broken,
                                          const Handler& unnamed, Config& config);

// `store` of [server], where experiments are kept; relative to `directory`, which is where the
// default is as well.
void read_store(const ReaderContext& context, TableReader& table, const std::string& directory,
                ServerConfig& server);
inline constexpr const char* kDefaultStore = "duet.db";

}  // namespace duet::config
