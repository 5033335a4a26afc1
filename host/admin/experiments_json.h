// The documents of GET /api/experiments, for the command line and the report.
#pragma once

#include <span>
#include <string>

#include "host/experiment/live_snapshot.h"

namespace duet::admin {

// {"experiments": [...]}. Fields are those of LiveSnapshot; "…_us" are microseconds, instants
// seconds since 1970, what is not known or not bounded null. "histogram" holds [lowest nanoseconds
// of a bucket, highest, count] for each bucket that is not empty: two of them merge exactly. Fields
// may be added; those that are there keep their meaning.
std::string experiments_json(std::span<const experiment::LiveSnapshot> all);
// One of them, without the list around it.
std::string experiment_json(const experiment::LiveSnapshot& one);

}  // namespace duet::admin
