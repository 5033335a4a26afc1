// The trace that a request belongs to (W3C Trace Context). Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace duet::measure {

inline constexpr std::string_view kTraceparentField = "traceparent";

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

// The host's own part of a trace: one request.
struct TraceSpan {
  std::uint64_t trace_high = 0, trace_low = 0, id = 0;
  bool sampled = false;
};
std::string trace_hex(const TraceSpan& span);  // 32 digits
std::string span_hex(const TraceSpan& span);   // 16

// The id of the span of a request within that trace, never 0: the same whoever asks, and another
// one for each request, as far as arrival and exchange tell them apart.
std::uint64_t span_id_of(const TraceContext& context, std::uint64_t arrival,
                         std::uint64_t exchange);

// A random id of a span, or of half a trace; never 0. Any thread.
std::uint64_t new_span_id();

}  // namespace duet::measure
