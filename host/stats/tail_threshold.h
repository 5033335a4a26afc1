// A threshold that about a share q = 1 - p of the requests exceed, whatever they are like today.
//
// "Is b's p99 worse than a's?" is asked as "do the slowest one percent of all requests come from b
// more often than its share says?". The threshold is known before a request arrives, so that any
// value of it keeps the test exact: it may follow the traffic. That survives drift and ramps, which
// comparing the quantiles of the arms themselves does not, and it needs fewer requests.
//
// Each value moves the logarithm of the threshold by step * (exceeded - q): Robbins & Monro 1951.
// The step shrinks from 0.5 to `step`, so that the first guess is left quickly. Not thread-safe.
#pragma once

#include <cmath>

namespace duet::stats {

class TailThreshold {
 public:
  // 0 < p < 1. Between 0.9 and 0.999 for guardrails: below, a burst filter merges what is apart.
  explicit TailThreshold(double p, double step = 0.05) : q_(1 - p), least_step_(step) {}

  bool known() const { return seen_ > 0; }
  double value() const { return std::exp(log_); }  // in the unit of the values

  // Whether `x` (> 0, else it is ignored) is beyond the threshold before it learns from it.
  // `learn`: not from what follows an event in its burst (EventTest::calm), or a stall would carry
  // the threshold away, and then come and go as many events.
  bool exceeded(double x, bool learn) {
    if (!(x > 0)) return false;
    const double log_x = std::log(x);
    if (!known()) log_ = log_x;
    const bool above = log_x > log_;
    if (learn) {
      const double step = std::fmax(least_step_, 0.5 / (1 + q_ * seen_));
      log_ += step * ((above ? 1 : 0) - q_);
      ++seen_;
    }
    return above;
  }

  // Continues where another one stopped: by its log_value() and seen().
  void restore(double log_value, double seen) {
    log_ = log_value;
    seen_ = seen;
  }
  double log_value() const { return log_; }
  double seen() const { return seen_; }

 private:
  double q_;
  double least_step_;
  double log_ = 0;
  double seen_ = 0;
};

}  // namespace duet::stats
