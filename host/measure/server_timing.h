// What a client may ask of the measurements of its own request: the Server-Timing header (W3C
// Server Timing). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/measure/timeline.h"

namespace duet::measure {

// A request asks for Server-Timing with "Duet-Timing: 1"; where configuration says
// server_timing = true every answer has it. It is opt-in because it tells strangers how a host
// spends its time.
inline constexpr std::string_view kTimingRequestField = "duet-timing";

// The phases so far, the current one up to `at`, in milliseconds with microseconds as fractions:
// `queue;dur=0.012, parse;dur=0.002, run;dur=1.204, total;dur=1.218`. The answer's own write is not
// over when its head is written, so it is not in it.
std::string format_server_timing(const Timeline& timeline, Nanos at);

}  // namespace duet::measure
