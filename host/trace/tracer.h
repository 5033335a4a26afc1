// Observes the pipeline and exports sampled requests as spans (span.h), in batches, from a thread
// of its own (host/outbox). Loop's thread only.
#pragma once

#include <uv.h>

#include <cstdint>
#include <string>

#include "host/loop/loop.h"
#include "host/measure/metrics.h"
#include "host/measure/trace_context.h"
#include "host/outbox/outbox.h"
#include "host/pipeline.h"
#include "host/pipeline_experiments.h"

namespace duet::trace {

struct TracerOptions {
  double sample = 1;  // share of the requests without traceparent; others bring the decision
  std::string service = "duet";
  outbox::Options outbox;
};

class Tracer final : public PipelineObserver {
 public:
  // `metrics` and `experiments` outlive it; `metrics` know the routes by the pipeline's numbers.
  Tracer(Loop& loop, const measure::Metrics& metrics, PipelineExperiments& experiments,
         TracerOptions options);
  ~Tracer();  // what is left leaves
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  void over(const Exchange& exchange) noexcept override;
  void unrouted(const Exchange& exchange) noexcept override { over(exchange); }

  // Of the request that was over last.
  const measure::TraceSpan& last() const { return last_; }
  outbox::Outbox::Figures figures() const { return outbox_.figures(); }

 private:
  std::string_view route_of(const Exchange& exchange) const;
  void flush();
  bool chosen() const;

  const measure::Metrics& metrics_;
  PipelineExperiments& experiments_;
  TracerOptions options_;
  outbox::Outbox outbox_;
  uv_timer_t* timer_;  // closed asynchronously, so it outlives this
  measure::TraceSpan last_;
  std::string spans_;  // of the batch
  std::uint64_t count_ = 0;
};

}  // namespace duet::trace
