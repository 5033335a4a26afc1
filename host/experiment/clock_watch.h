// Whether the wall clock jumped. Nothing is computed from it but when an experiment starts and
// ends; people read it in the audit.
#pragma once

#include <cmath>
#include <optional>
#include <utility>

#include "host/base/clock.h"

namespace duet::experiment {

class ClockWatch {
 public:
  // Seconds: what is corrected step by step is less.
  static constexpr double kJump = 5;

  // `wall`: seconds since 1970 at the instant `at` of now()'s clock. By how many seconds it jumped
  // since the last look: above 0 forward; nothing when it did not.
  std::optional<double> look(double wall, Nanos at) {
    const double ahead = wall - static_cast<double>(at) / static_cast<double>(kSecond);
    const double jumped = ahead - std::exchange(ahead_, ahead).value_or(ahead);
    if (std::abs(jumped) < kJump) return std::nullopt;
    return jumped;
  }

 private:
  std::optional<double> ahead_;  // of the wall clock, on now()'s
};

}  // namespace duet::experiment
