// Is it warmed up? Where a series of block medians changes its level, and whether it ends steadily.
//
// Source: Barrett et al., "Virtual machine warmup blows hot and cold", OOPSLA 2017: at most 43.5%
// of the pairs of virtual machine and benchmark settle, so "drop the first N seconds" is not a
// method. Segments by optimal partitioning (Jackson et al. 2005) with a normal distribution's mean
// and variance in each, and their penalty of 15 ln(n) a change. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace duet::stats {

// Where segments begin, other than the first: ascending indices. Time grows with the square of the
// number of values, of which at most the last 5,000 are used. Values that are not finite: none.
std::vector<std::size_t> change_points(std::span<const double> values);

struct SteadyState {
  // The values from here on are of one level, but for what came and went: a stall is no warm-up.
  std::size_t from = 0;
  double level = 0;     // their mean, in the unit of the values
  bool slower = false;  // some level before it was lower: it got slower, not faster
};
// Nothing when there is no steady state: the last level, together with those before it whose means
// differ by no more than their deviations (at least 0.1%), makes up less than a quarter of the
// values, or there are fewer than 20. Say so then; do not measure on. When the first level is the
// last one again, everything is of it.
std::optional<SteadyState> steady_state(std::span<const double> values);

}  // namespace duet::stats
