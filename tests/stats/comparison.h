// One simulated experiment, judged as the host judges: every test that triggers an action, looked
// at after every 100 requests.
#pragma once

#include <cstdint>
#include <limits>

#include "host/stats/burst_filter.h"
#include "tests/stats/traffic.h"

namespace duet::stats {

inline constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

struct Judge {
  double alpha = 0.05;  // of each test
  std::uint32_t gap = BurstFilter::kGap;
  std::uint32_t burst_limit = BurstFilter::kLimit;
};

struct Calls {
  bool errors = false;  // called at some look, on either side
  bool slower_than = false;
  bool quantile = false;  // the slowest one percent
  bool split = false;
  // Requests of both arms when it was first called against b.
  std::size_t errors_against_b = kNever;
  std::size_t quantile_against_b = kNever;
};

Calls run_comparison(const Scenario& scenario, std::uint64_t seed, const Judge& judge);

}  // namespace duet::stats
