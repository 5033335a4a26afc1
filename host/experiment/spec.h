// What an experiment is to do: plain values, checked by whoever made them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "host/base/clock.h"
#include "host/experiment/assignment.h"

namespace duet::experiment {

struct Guardrail {
  enum class Kind {
    kErrors,      // answers of 5xx, deadlines, handlers that dropped a request
    kSlowerThan,  // total time above `limit`
    kQuantile,    // has more than its share of the slowest 1 - p of all requests
    kCpu,         // on the loop's thread for more than `limit`, all its slices together
    kLoopLag,     // held the loop for more than `limit` in one go
  };
  Kind kind = Kind::kErrors;
  Nanos limit = 0;  // of kSlowerThan, kCpu, kLoopLag
  double p = 0.99;  // of kQuantile: 0.9 to 0.999
  // Of kQuantile: the control's times count as so many times longer, so that a variant is called
  // when its quantile is more than `ratio` times the control's.
  double ratio = 1;
  double weight = 0;  // the share that a variant keeps when it is called

  std::string name() const;  // "errors", "slower than 250 ms", "p99", "p99 above 1.2 times"
};

// Weights that rise by themselves, as far as the evidence allows.
struct Ramp {
  std::vector<double> steps;  // shares of each variant other than the control, ascending
  Nanos least_time = 0;       // on each step
  // A step is taken when each guardrail's rate is, with confidence, at most (1 + ratio_margin)
  // times the control's, or at most `rate_margin` of all requests.
  double ratio_margin = 0.5;
  double rate_margin = 0.01;
};

struct Spec {
  std::string name;
  std::string salt;
  std::vector<std::string> variants;  // names, unique
  std::vector<double> weights;        // as variants; with a ramp: ignored until it is done
  std::size_t control = 0;            // index of variants
  bool sticky = false;                // a key may come again: keys are counted, not requests
  Participation participation;
  // Chance that a harmless variant is ever rolled back; divided among guardrails and variants.
  double alpha = 0.05;
  std::vector<Guardrail> guardrails;
  Ramp ramp;
};

}  // namespace duet::experiment
