// Whether the system gives this process more threads. Libraries end the process when they get none
// (libuv's pool), or wait for it for ever (Node's platform), so it is asked before they start.
#pragma once

#include "host/base/result.h"

namespace duet {

// Starts `count` threads at once and ends them again; an error says how many it got. Takes some
// 20 us each. Any thread.
Result<void> room_for_threads(unsigned count);

}  // namespace duet
