// What a live experiment shows of itself at one moment, as plain values: for the admin API, the
// report and the metrics. Made by Live::snapshot() (live.h) on the loop's thread; afterwards it
// refers to nothing and may go anywhere.
//
// Times on the wall clock are seconds since 1970, durations nanoseconds, shares 0..1. What is not
// known is an empty optional; an interval that is not bounded yet has 0 or infinity at that end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/experiment/shadow_counts.h"
#include "host/measure/histogram.h"
#include "host/measure/timeline.h"
#include "host/stats/stages.h"

namespace duet::experiment {

// One declared quantile of a variant's total time, against the control's. Of the present stage:
// quantiles must not be pooled over stages (statistics of stages.h).
struct QuantileEvidence {
  double p = 0.5;                         // 0.5, 0.9, 0.99
  std::optional<Nanos> control, variant;  // the quantiles as they are now
  stats::Interval ratio{0, 0};            // variant / control, at confidence 1 - alpha, any time
  double log_e = 0;                       // highest of this stage's looks
  bool called = false;                    // log_e has reached ln(1/alpha) at some look
};

// One guardrail of one variant, with the evidence as of the last look.
struct GuardrailSnapshot {
  std::string name;                        // Guardrail::name()
  std::uint64_t requests = 0, events = 0;  // of the variant, that have been judged
  std::uint64_t control_requests = 0, control_events = 0;
  stats::Interval ratio{0, 0};  // of the rates of events, variant / control
  double p_value = 1;           // anytime-valid
  double alpha = 0;             // of this test: p_value <= alpha calls it
  bool crossed = false;         // on the bad side, so that it acted
};

struct VariantSnapshot {
  std::string name;
  std::string handler;  // of the configuration
  bool control = false;
  bool aa = false;           // the control once more: what is called is false
  double weight = 0;         // as configured, divided by the sum
  double share = 0;          // now; 0 when it is out
  bool rolled_back = false;  // by a guardrail
  std::string unavailable;   // why it could not be loaded; empty: it was
  // Since the experiment began, over restarts when there is a store. Counted requests only.
  std::uint64_t requests = 0;  // that are over
  std::uint64_t errors = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t lost = 0;    // of the requests: in flight when a process ended without stopping
  measure::Histogram total;  // of the other requests
  measure::Histogram stage;  // of these, those of the present stage of constant shares
  Nanos cpu = 0;             // of all: their part of the handler's, by the phase `run`
  // How far the mean of `run` is from what it would be with ever more requests, as a part of it, at
  // confidence 1 - alpha; infinity: not known. About that of the CPU time.
  double cpu_within = 0;
  std::vector<GuardrailSnapshot> guardrails;  // empty for the control
  std::vector<QuantileEvidence> quantiles;    // empty for the control
};

struct AuditEntry {
  double at = 0;
  std::string who;   // "guardrail", "ramp", "schedule", "host", or the operator by his own word
  std::string what;  // a sentence, complete
};

struct LiveSnapshot {
  std::string name, salt, key;  // key: "cookie:visitor", "random", ...
  std::vector<std::string> routes;
  std::string state;  // "running", "stopped", "promoted", "scheduled", "ended"
  std::optional<double> start, end, first_request;
  std::vector<VariantSnapshot> variants;  // in the order of the configuration
  std::size_t control = 0;
  double alpha = 0.05;
  // Requests that reached its routes and are not counted.
  std::uint64_t unkeyed = 0;     // without the key: they got the control
  std::uint64_t excluded = 0;    // not eligible, or held out: the control
  std::uint64_t overridden = 0;  // asked for a variant, or are pinned to one
  // Whether the requests are divided as configured, by distinct keys where there are keys.
  double split_p_value = 1;
  bool split_wrong = false;
  // The ramp; no steps: there is none.
  std::vector<double> ramp_steps;
  std::size_t ramp_step = 0;
  bool ramping = false;
  std::string hold;                      // "holds at 5%: ... about 900 more requests", or empty
  std::string verdict;                   // one sentence for people
  std::vector<AuditEntry> audit;         // oldest first, the last 200
  std::optional<ShadowSnapshot> shadow;  // nothing: there is none
  std::string store;                     // why what is counted is not kept; empty: it is
};

}  // namespace duet::experiment
