// From a finished run to what its comparisons and splits say. Pure.
#pragma once

#include <vector>

#include "host/bench/plan.h"
#include "host/cli/bench_cold.h"
#include "host/cli/bench_run.h"
#include "host/cli/lab_claim.h"
#include "host/cli/lab_result.h"

namespace duet::cli {

// `arms`: the claim's indices of the plan's arms, in its order. Fills in `into` but its title and
// what was left out before.
void evaluate_load(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
                   const bench::Plan& plan, const BenchResult& result, LabRunResult& into);
void evaluate_cold(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
                   const ColdResult& result, LabRunResult& into);

}  // namespace duet::cli
