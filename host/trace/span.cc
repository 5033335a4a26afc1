#include "host/trace/span.h"

#include <algorithm>
#include <charconv>

#include "host/base/protobuf.h"
#include "host/measure/handler_stats.h"

namespace duet::trace {

namespace {

using protobuf::Writer;

constexpr std::string_view kSchema = "https://opentelemetry.io/schemas/1.34.0";
constexpr std::uint64_t kServer = 2;  // SpanKind
constexpr std::uint64_t kError = 2;   // StatusCode

// KeyValues of one message, in its field `field`.
class Attributes {
 public:
  Attributes(Writer& out, unsigned field) : out_(out), field_(field) {}

  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    add(key, [&] { out_.bytes(1, value); });
  }
  void integer(std::string_view key, std::int64_t value) {
    add(key, [&] { out_.varint(3, static_cast<std::uint64_t>(value)); });
  }
  void real(std::string_view key, double value) {
    add(key, [&] { out_.real(4, value); });
  }

 private:
  template <class Fill>
  void add(std::string_view key, Fill fill) {
    out_.message(field_, [&] {
      out_.bytes(1, key);
      out_.message(2, fill);
    });
  }

  Writer& out_;
  unsigned field_;
};

std::string big_endian(std::uint64_t id) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(id >> shift);
  return bytes;
}

// Text of a message must be UTF-8, and a client may send anything.
std::string plain(std::string_view text) {
  constexpr std::size_t kMost = 1024;
  std::string result(text.substr(0, kMost));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return result;
}

// Whom the client asked.
void write_server(Attributes& attributes, std::string_view host) {
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && (bracket == host.npos || colon > bracket);
  std::string_view name = has_port ? host.substr(0, colon) : host;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  attributes.text("server.address", plain(name));
  int port = 0;
  if (!has_port) return;
  std::from_chars(host.data() + colon + 1, host.data() + host.size(), port);
  if (port > 0) attributes.integer("server.port", port);
}

// Why the server failed; empty: it did not.
std::string error_type(const Exchange& exchange) {
  if (exchange.status() >= 500) return std::to_string(exchange.status());
  if (exchange.broken_off()) return "broken_off";
  const bool left = exchange.abort_reason() == AbortReason::kClientGone;
  return exchange.status() == 0 && !left ? "no_answer" : "";
}

void write_attributes(Writer& out, const Exchange& exchange, const SpanFacts& facts,
                      std::string_view method, const std::string& error) {
  const http::RequestHead& head = exchange.head();
  Attributes attributes(out, 9);
  attributes.text("http.request.method", method);
  if (method == "_OTHER") {
    attributes.text("http.request.method_original", plain(head.method_text()));
  }
  attributes.text("url.scheme", "http");
  attributes.text("url.path", plain(head.path()));
  attributes.text("http.route", plain(facts.route));
  if (exchange.status() > 0) {
    attributes.integer("http.response.status_code", exchange.status());
  }
  attributes.text("error.type", error);
  write_server(attributes, head.host());
  attributes.text("network.protocol.version", head.minor_version() == 0 ? "1.0" : "1.1");
  attributes.text("user_agent.original", plain(head.get("user-agent")));
  attributes.integer("http.request.body.size", static_cast<std::int64_t>(exchange.bytes_in()));
  attributes.integer("http.response.body.size", static_cast<std::int64_t>(exchange.bytes_out()));
  attributes.text("duet.handler", plain(facts.handler));
  attributes.text("duet.language", facts.language);
  for (int i = 0; i < measure::kPhases; ++i) {
    const auto phase = static_cast<measure::Phase>(i);
    const Nanos spent = exchange.timeline().spent(phase);
    if (spent == 0) continue;
    attributes.real("duet.phase." + std::string(measure::phase_name(phase)),
                    static_cast<double>(spent) * 1e-9);
  }
  if (facts.experiment.empty()) return;
  const Assignment& assignment = exchange.assignment();
  attributes.text("feature_flag.key", facts.experiment);
  attributes.text("feature_flag.provider.name", "duet");
  attributes.text("feature_flag.result.variant", assignment.name());
  // Who is not counted got the control, or a variant by a pin or the operator's header.
  attributes.text("feature_flag.result.reason", assignment.counted ? "split" : "default");
}

}  // namespace

void append_span(std::string& spans, const Exchange& exchange, const SpanFacts& facts) {
  Writer out(spans);
  const std::string_view method =
      measure::kMethodNames[static_cast<std::size_t>(exchange.head().method())];
  std::string name(method == "_OTHER" ? "HTTP" : method);
  if (!facts.route.empty()) name += " " + plain(facts.route);
  const std::string error = error_type(exchange);
  out.message(2, [&] {
    out.bytes(1, big_endian(facts.span.trace_high) + big_endian(facts.span.trace_low));
    out.bytes(2, big_endian(facts.span.id));
    if (!facts.state.empty()) out.bytes(3, plain(facts.state));
    if (facts.parent != 0) out.bytes(4, big_endian(facts.parent));
    out.bytes(5, name);
    out.varint(6, kServer);
    out.fixed64(7, static_cast<std::uint64_t>(facts.arrival));
    out.fixed64(8, static_cast<std::uint64_t>(facts.arrival + exchange.timeline().total()));
    write_attributes(out, exchange, facts, method, error);
    if (!error.empty()) out.message(15, [&] { out.varint(3, kError); });
    out.fixed32(16, 1);  // sampled
  });
}

std::string export_request(std::string_view spans, std::string_view service) {
  std::string request;
  request.reserve(spans.size() + 256);
  Writer out(request);
  out.message(1, [&] {
    out.message(1, [&] {
      Attributes resource(out, 1);
      resource.text("service.name", service);
      resource.text("telemetry.sdk.name", "duet");
      resource.text("telemetry.sdk.language", "cpp");
    });
    out.message(2, [&] {
      out.message(1, [&] { out.bytes(1, "duet"); });
      request += spans;
    });
    out.bytes(3, kSchema);
  });
  return request;
}

}  // namespace duet::trace
