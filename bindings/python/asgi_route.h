// Which route of an application's framework a request took, as the framework writes it.
#pragma once

#include "bindings/python/exchange_object.h"

namespace duet::python {

// Reads it from the scope, where routers leave it, and tells the exchange. Never fails.
void note_asgi_route(const RequestObject* request, Exchange& exchange);

}  // namespace duet::python
