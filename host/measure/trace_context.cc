#include "host/measure/trace_context.h"

#include <fmt/format.h>

#include <random>

namespace duet::measure {
namespace {

// Lower-case hexadecimal only: the specification forbids upper case.
bool read_hex(std::string_view text, std::uint64_t& value) {
  value = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return true;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view value) {
  // version "-" trace-id "-" parent-id "-" flags
  if (value.size() < 55 || value[2] != '-' || value[35] != '-' || value[52] != '-') return {};
  std::uint64_t version = 0, flags = 0;
  TraceContext context;
  if (!read_hex(value.substr(0, 2), version) || version == 0xff ||
      !read_hex(value.substr(3, 16), context.trace_high) ||
      !read_hex(value.substr(19, 16), context.trace_low) ||
      !read_hex(value.substr(36, 16), context.parent) || !read_hex(value.substr(53, 2), flags)) {
    return {};
  }
  if (value.size() > 55 && (version == 0 || value[55] != '-')) return {};
  if ((context.trace_high | context.trace_low) == 0 || context.parent == 0) return {};
  context.sampled = (flags & 1) != 0;
  return context;
}

std::string format_traceparent(const TraceContext& context, std::uint64_t span) {
  return fmt::format("00-{:016x}{:016x}-{:016x}-{:02x}", context.trace_high, context.trace_low,
                     span, context.sampled ? 1 : 0);
}

std::string trace_hex(const TraceSpan& span) {
  return fmt::format("{:016x}{:016x}", span.trace_high, span.trace_low);
}

std::string span_hex(const TraceSpan& span) { return fmt::format("{:016x}", span.id); }

std::uint64_t span_id_of(const TraceContext& context, std::uint64_t arrival,
                         std::uint64_t exchange) {
  std::uint64_t id = context.trace_high;
  for (const std::uint64_t part : {context.trace_low, context.parent, arrival, exchange}) {
    id = (id ^ part) * 0xbf58476d1ce4e5b9;  // the finaliser of SplitMix64
    id = (id ^ id >> 27) * 0x94d049bb133111eb;
    id ^= id >> 31;
  }
  return id == 0 ? 1 : id;
}

std::uint64_t new_span_id() {
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  for (;;) {
    if (const std::uint64_t id = random(); id != 0) return id;
  }
}

}  // namespace duet::measure
