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
// Gives the indices of the handlers that variants use.
std::vector<std::size_t> read_experiments(const ReaderContext& context, const TomlEntry& entry,
                                          const std::vector<std::string>& broken, Config& config);

}  // namespace duet::config
