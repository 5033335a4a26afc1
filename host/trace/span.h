// A request as a span, in the protobuf encoding of OTLP 1 (opentelemetry/proto/trace/v1). Names and
// attributes follow OpenTelemetry's semantic conventions for HTTP servers and feature flags. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/exchange.h"
#include "host/measure/trace_context.h"

namespace duet::trace {

// What the exchange itself does not know. Views are read during the call.
struct SpanFacts {
  measure::TraceSpan span;
  std::uint64_t parent = 0;  // 0: the trace begins here
  std::string_view state;    // the field tracestate
  std::string_view route;    // the application's own where it is known; empty: none
  std::string_view handler, language;
  std::string_view experiment;  // empty: in none
  Nanos arrival = 0;            // since 1970
};

// Appends it to the spans of a batch. The exchange is over.
void append_span(std::string& spans, const Exchange& exchange, const SpanFacts& facts);

// The whole request to a collector: ExportTraceServiceRequest.
std::string export_request(std::string_view spans, std::string_view service);

}  // namespace duet::trace
