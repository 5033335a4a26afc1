// [experiment.shadow] of duet.toml: copies of requests, for comparing answers.
#pragma once

#include "host/config/config.h"
#include "host/config/table_reader.h"

namespace duet::config {

// Into one.shadow, when `table` ([[experiment]]) has it. one.route_indices, one.application and
// one.methods have been read. Where a request could do something (any method but GET and HEAD),
// doing it again has to be declared harmless.
void read_shadow(const ReaderContext& context, TableReader& table, const std::vector<Route>& routes,
                 Experiment& one);

}  // namespace duet::config
