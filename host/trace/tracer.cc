#include "host/trace/tracer.h"

#include <optional>
#include <utility>

#include "host/base/check.h"
#include "host/trace/span.h"

namespace duet::trace {

namespace {

constexpr std::uint64_t kBatchMilliseconds = 1000;
// OpenTelemetry's own exporters send as many at once.
constexpr std::uint64_t kMostSpans = 512;

}  // namespace

Tracer::Tracer(Loop& loop, const measure::Metrics& metrics, PipelineExperiments& experiments,
               TracerOptions options)
    : metrics_(metrics),
      experiments_(experiments),
      options_(std::move(options)),
      outbox_(options_.outbox),
      timer_(new uv_timer_t) {
  DUET_CHECK(uv_timer_init(loop.uv(), timer_) == 0);
  timer_->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(timer_));
}

Tracer::~Tracer() {
  flush();
  timer_->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(timer_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
}

bool Tracer::chosen() const {
  return options_.sample >= 1 ||
         static_cast<double>(measure::new_span_id() >> 11) * 0x1p-53 < options_.sample;
}

std::string_view Tracer::route_of(const Exchange& exchange) const {
  if (exchange.handler() == measure::kNoHandler) return {};
  if (const std::uint32_t inner = exchange.inner_route(); inner > 0) {
    return metrics_.inner_routes()[inner - 1]->pattern;
  }
  return metrics_.routes()[exchange.route()].pattern;
}

void Tracer::over(const Exchange& exchange) noexcept {
  const http::RequestHead& head = exchange.head();
  const auto incoming = measure::parse_traceparent(head.get(measure::kTraceparentField));
  last_.sampled = incoming ? incoming->sampled : chosen();
  if (!last_.sampled) return;
  SpanFacts facts;
  if (incoming) {
    last_.trace_high = incoming->trace_high;
    last_.trace_low = incoming->trace_low;
    // As the answer has named it.
    const auto arrival = static_cast<std::uint64_t>(exchange.timeline().arrival());
    last_.id = measure::span_id_of(*incoming, arrival, exchange.id());
    facts.parent = incoming->parent;
    facts.state = head.get("tracestate");
  } else {
    last_.trace_high = measure::new_span_id();
    last_.trace_low = measure::new_span_id();
    last_.id = measure::new_span_id();
  }
  facts.span = last_;
  facts.route = route_of(exchange);
  if (exchange.handler() != measure::kNoHandler) {
    const measure::HandlerLabels& labels = metrics_.handlers()[exchange.handler()].labels;
    facts.handler = labels.name;
    facts.language = labels.language;
  }
  if (const std::uint32_t number = exchange.assignment().experiment; number != Assignment::kNone) {
    facts.experiment = experiments_.live(number).spec().spec.name;
  }
  facts.arrival = wall_now() - (now() - exchange.timeline().arrival());
  append_span(spans_, exchange, facts);
  if (++count_ >= kMostSpans) return flush();
  if (count_ > 1) return;
  uv_timer_start(
      timer_,
      [](uv_timer_t* timer) {
        if (timer->data != nullptr) static_cast<Tracer*>(timer->data)->flush();
      },
      kBatchMilliseconds, 0);
}

void Tracer::flush() {
  uv_timer_stop(timer_);
  if (count_ == 0) return;
  outbox_.put({export_request(spans_, options_.service), {}, std::exchange(count_, 0)});
  spans_.clear();
}

}  // namespace duet::trace
