// Keys of [handlers.NAME] that only some handlers have: Python applications, services elsewhere.
#pragma once

#include "host/config/config.h"
#include "host/config/table_reader.h"

namespace duet::config {

// `interface` and `root_path`. handler.language is known.
void read_application(const ReaderContext& context, TableReader& table, Handler& handler);

// [handlers.NAME.upstream], and the keys that mean nothing to a service elsewhere.
void read_service(const ReaderContext& context, TableReader& table, const TomlEntry& entry,
                  Handler& handler);

}  // namespace duet::config
