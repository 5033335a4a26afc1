// `duet bench --objective`: the highest rate at which each target meets it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/capacity.h"
#include "host/bench/plan.h"

namespace duet::cli {

struct CapacityResult {
  std::vector<bench::CapacitySearch> arms;
  Nanos trial = 0;  // how long the last ones were
  bool interrupted = false;
};

// "p99 < 20ms", "p99.9 <= 1s", "p50<5ms".
Result<bench::Objective> parse_objective(std::string_view text);

// How long a trial at that rate is to be: long enough for a queue to grow past the limit, and for
// the quantile to be one.
Nanos trial_length(const bench::Objective& objective, double rate);

// A sentence for each target.
std::string capacity_text(const bench::Plan& plan, const CapacityResult& result);
nlohmann::ordered_json capacity_json(const bench::Plan& plan, const CapacityResult& result);

}  // namespace duet::cli
