// What a client may ask of the measurements of its own request: the Server-Timing header (W3C
// Server Timing) and the trace that it belongs to (W3C Trace Context). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/measure/timeline.h"

namespace duet::measure {

// A request asks for Server-Timing with "Duet-Timing: 1"; where configuration says
// server_timing = true every answer has it. It is opt-in because it tells strangers how a host
// spends its time.
inline constexpr std::string_view kTimingRequestField = "duet-timing";
inline constexpr std::string_view kTraceparentField = "traceparent";

// The phases so far, the current one up to `at`, in milliseconds with microseconds as fractions:
// `queue;dur=0.012, parse;dur=0.002, run;dur=1.204, total;dur=1.218`. The answer's own write is not
// over when its head is written, so it is not in it.
std::string format_server_timing(const Timeline& timeline, Nanos at);

// A traceparent of version 00, or a later one read as far as 00 goes.
struct TraceContext {
  std::uint64_t trace_high = 0, trace_low = 0;  // never both 0
  std::uint64_t parent = 0;                     // the caller's span; never 0
  bool sampled = false;
};

// Nothing when the value is malformed or all zeros: it is then to be ignored (Trace Context, 3.2).
std::optional<TraceContext> parse_traceparent(std::string_view value);

// "00-<32 hexadecimal digits>-<16>-<01 or 00>" with `span` in place of the caller's.
std::string format_traceparent(const TraceContext& context, std::uint64_t span);

// A random span id, never 0. Any thread.
std::uint64_t new_span_id();

}  // namespace duet::measure
