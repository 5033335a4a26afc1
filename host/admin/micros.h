// Durations as JSON shows them.
#pragma once

#include "host/base/clock.h"

namespace duet::admin {

inline double micros(Nanos nanos) { return static_cast<double>(nanos) / 1000; }

}  // namespace duet::admin
