// A plug-in's shared object: opened, and checked as far as that goes without calling its handler.
#pragma once

#include <string>

#include "host/base/result.h"
#include "plugins/api/duet_plugin.h"

namespace duet::native {

// Opens `path` and returns its table. It stays open for the life of the process (its threads,
// destructors and strings may outlive every handler); opening it again gives the same table.
// Errors: it does not load (not built for this machine, a library is missing), it is no plug-in,
// it speaks another version of the interface, or its table is incomplete.
Result<const duet_plugin*> open_plugin(const std::string& path);

}  // namespace duet::native
