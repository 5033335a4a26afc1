#include "host/request_recorder.h"

namespace duet {

measure::Outcome RequestRecorder::outcome_of(const Exchange& exchange) const {
  measure::Outcome outcome;
  outcome.route = exchange.route();
  outcome.inner_route = exchange.inner_route();
  outcome.status = static_cast<std::uint16_t>(exchange.status());
  outcome.method = static_cast<std::uint8_t>(exchange.head().method());
  outcome.timed_out = exchange.abort_reason() == AbortReason::kDeadline;
  outcome.client_gone = exchange.abort_reason() == AbortReason::kClientGone;
  outcome.bytes_in = exchange.bytes_in();
  outcome.bytes_out = exchange.bytes_out();
  if (trace_ != nullptr && trace_->sampled) outcome.trace = trace_;
  return outcome;
}

void RequestRecorder::over(const Exchange& exchange) noexcept {
  metrics_.ended(exchange.timeline(), outcome_of(exchange));
}

void RequestRecorder::unrouted(const Exchange& exchange) noexcept {
  metrics_.ended_unrouted(exchange.timeline(), outcome_of(exchange));
}

}  // namespace duet
