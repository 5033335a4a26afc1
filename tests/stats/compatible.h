// Whether as many alarms as there were are what a calibrated test gives.
#pragma once

#include <cmath>

namespace duet::stats {

// The chance of `least` or more of `runs`, when each has the chance p.
inline double chance_of_at_least(int least, int runs, double p) {
  double below = 0;
  for (int k = 0; k < least; ++k) {
    below += std::exp(std::lgamma(runs + 1.0) - std::lgamma(k + 1.0) - std::lgamma(runs - k + 1.0) +
                      k * std::log(p) + (runs - k) * std::log1p(-p));
  }
  return 1 - below;
}

// Not "at most 5% of the runs", which a calibrated test fails half of the time.
inline bool compatible(int alarms, int runs, double alpha) {
  return alarms == 0 || chance_of_at_least(alarms, runs, alpha) > 0.01;
}

}  // namespace duet::stats
