// A variant's declared quantiles against the control's, as the requests come: p50, p90, p99.
// Computed on histograms of one stage of constant weights; for people, never a reason to act.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "host/experiment/live_snapshot.h"
#include "host/measure/histogram.h"

namespace duet::experiment {

class Quantiles {
 public:
  static constexpr std::array<double, 3> kDeclared = {0.5, 0.9, 0.99};

  // Takes the evidence there is now into account. `alpha`: of this variant's comparison.
  void look(const measure::Histogram& control, const measure::Histogram& variant, double alpha);
  // A new stage: quantiles may not be pooled over stages.
  void reset() { highest_ = {}; }

  std::vector<QuantileEvidence> show(const measure::Histogram& control,
                                     const measure::Histogram& variant, double alpha) const;

  std::array<double, 3> highest() const { return highest_; }
  void restore(std::span<const double> highest);

 private:
  std::array<double, 3> highest_{};  // log_e
};

// The verdict on a variant, as wide as the evidence makes it: "'py' is 8-13% slower than 'js' at
// p50 (95%, anytime-valid; 20,000 requests an arm)", or that it cannot be told and how many more
// requests that takes.
std::string verdict_of(const VariantSnapshot& variant, const VariantSnapshot& control,
                       double alpha);

// Of all variants in one sentence: of more than two beside the control the fastest is told, and of
// the others, without an A/A variant, only how many are faster or slower. `alpha`: of the
// experiment, divided among them.
std::string verdict_of(std::span<const VariantSnapshot> variants, std::size_t control,
                       double alpha);

}  // namespace duet::experiment
