// Services elsewhere as handlers: requests are passed on by HTTP/1.1, answers come back.
//
// Bodies stream both ways, as fast as the slower side takes them. Connections are kept and used
// again, at most so many of them a service. A request that meets a kept connection which the
// service is just closing is sent once more, if repeating it does no harm and nothing came back.
//
// Upgrades are not passed on, nor are interim answers and trailers.
#pragma once

#include "host/runtime.h"

namespace duet {

// The engine of services elsewhere; it lives as long as the process.
Runtime* make_upstream_runtime();

}  // namespace duet
