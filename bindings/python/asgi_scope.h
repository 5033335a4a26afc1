// The scope of an ASGI call, from an exchange.
#pragma once

#include "bindings/python/python.h"
#include "host/exchange.h"

namespace duet::python {

struct Handler;

// Prepares what all scopes of `handler` have in common, once it is loaded and its lifespan has
// started. False with an error set.
bool prepare_scopes(Handler& handler);

// A new dict. Null with an error set.
PyObject* new_http_scope(const Handler& handler, Exchange& exchange);
PyObject* new_websocket_scope(const Handler& handler, Exchange& exchange);

// The decoded path of a request below `root_path`: what lies before it, as the application is
// mounted, and the whole. A path that does not begin with `root_path` comes from a proxy that has
// cut it off: the whole is both together.
std::string path_with_root(std::string_view root_path, std::string_view raw_path);

}  // namespace duet::python
