// `duet bench --cold`: from the start of a process to its first answer, and to a steady state.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/median.h"
#include "host/bench/plan.h"
#include "host/cli/interrupt.h"

namespace duet::cli {

struct ColdStart {
  Nanos first_answer = 0;       // from before the process was made to its first answer's first byte
  std::optional<Nanos> steady;  // to the begin of the last level of its latencies; if it has one
};

struct ColdResult {
  std::vector<std::vector<ColdStart>> arms;  // by arm, then by round
  bool interrupted = false;                  // the complete rounds are there
};

// Starts each arm once unmeasured, then plan.starts times in rounds of random order. Errors: an arm
// does not start or does not answer well; interrupted before a round was complete.
// `note` gets lines for a person, `progress` how many starts of each were measured.
Result<ColdResult> measure_cold(const bench::Plan& plan, Interrupt& interrupt,
                                const std::function<void(const std::string&)>& note,
                                const std::function<void(std::uint32_t done)>& progress);

std::string cold_text(const bench::Plan& plan, const ColdResult& result);
nlohmann::ordered_json cold_json(const bench::Plan& plan, const ColdResult& result);

}  // namespace duet::cli
