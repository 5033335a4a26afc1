// Medians with intervals that assume nothing about the distribution. Pure.
#pragma once

#include <optional>
#include <vector>

namespace duet::bench {

// A median, and where it lies with a confidence of at least 95%: by order statistics, without any
// assumption about the distribution. Fewer than six values bound nothing: `low`, `high` are empty.
struct Median {
  double value = 0;
  std::optional<double> low, high;
};
Median median_of(std::vector<double> values);

}  // namespace duet::bench
