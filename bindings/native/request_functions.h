// The functions of the plug-in interface that concern one request: its parts and its answer.
#pragma once

#include "plugins/api/duet_plugin.h"

namespace duet::native {

// Fills in every function of `host` that takes a request. Loop's thread only, as they are.
void add_request_functions(duet_host& host);

}  // namespace duet::native
