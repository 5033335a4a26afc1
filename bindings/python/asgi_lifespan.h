// The lifespan of ASGI applications: started when they are loaded, ended when the host stops.
#pragma once

#include <functional>

#include "bindings/python/engine.h"

namespace duet::python {

// Runs `handler`'s start-up; calls `done` once, from the loop or before returning. An application
// that does not know lifespans is as good as started. Fills handler.state and its scopes.
void start_lifespan(Handler& handler, const std::function<void(Result<void>)>& done);

// Runs the shutdown of all that were started; calls `done` once. The caller watches the time.
void stop_lifespans(const std::function<void()>& done);

}  // namespace duet::python
