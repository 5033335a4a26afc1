// The document of GET /api/handlers.
#pragma once

#include <string>

#include "host/measure/snapshot.h"

namespace duet::admin {

// Durations "…_us" are microseconds with nanoseconds as fractions, "…_seconds" are seconds. Fields
// may be added; those that are there keep their meaning.
std::string handlers_json(const measure::Snapshot& snapshot);

}  // namespace duet::admin
