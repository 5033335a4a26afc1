// The functions of the plug-in interface that concern one request: its parts and its answer.
#pragma once

#include <string_view>

#include "plugins/api/duet_plugin.h"

namespace duet::native {

inline duet_str to_str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view to_view(duet_str text) { return {text.data, text.size}; }

// Fills in every function of `host` that takes a request. Loop's thread only, as they are.
void add_request_functions(duet_host& host);

}  // namespace duet::native
