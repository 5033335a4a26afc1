// What cannot be told yet.
#pragma once

#include <limits>

namespace duet::stats {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace duet::stats
