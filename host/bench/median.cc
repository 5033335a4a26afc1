#include "host/bench/median.h"

#include <algorithm>
#include <cmath>

namespace duet::bench {

Median median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  Median median;
  if (n == 0) return median;
  median.value = (values[(n - 1) / 2] + values[n / 2]) / 2;
  // The k smallest of n lie below the median with chance P(Bin(n, 1/2) >= k).
  double term = std::pow(0.5, static_cast<double>(n)), below = 0;
  std::size_t rank = 0;
  while (rank < n / 2 && below + term <= 0.025) {
    below += term;
    term *= static_cast<double>(n - rank) / static_cast<double>(rank + 1);
    ++rank;
  }
  if (rank == 0) return median;
  median.low = values[rank - 1];
  median.high = values[n - rank];
  return median;
}

}  // namespace duet::bench
