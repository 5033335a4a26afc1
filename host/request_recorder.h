// Observes the pipeline and keeps what the requests cost: from exchanges to measure::Metrics.
#pragma once

#include "host/measure/metrics.h"
#include "host/pipeline.h"

namespace duet {

class RequestRecorder final : public PipelineObserver {
 public:
  // Routes must have the same numbers in `metrics` as in the pipeline: both count them in order.
  explicit RequestRecorder(measure::Metrics& metrics) : metrics_(metrics) {}

  // `last`: of the request that was over last, by an observer that is told before this one.
  void take_traces(const measure::TraceSpan& last) { trace_ = &last; }

  void started(const Exchange& exchange) noexcept override { metrics_.started(exchange.handler()); }
  void over(const Exchange& exchange) noexcept override;
  void unrouted(const Exchange& exchange) noexcept override;

 private:
  measure::Outcome outcome_of(const Exchange& exchange) const;

  measure::Metrics& metrics_;
  const measure::TraceSpan* trace_ = nullptr;
};

}  // namespace duet
