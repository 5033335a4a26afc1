// Plug-ins of the native C ABI (plugins/api/duet_plugin.h) as an engine.
#pragma once

#include "host/runtime.h"

namespace duet {

// The native engine; it lives as long as the process.
Runtime* make_native_runtime();

}  // namespace duet
