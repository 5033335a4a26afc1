// Puts a claim to the test, with the machinery of `duet bench`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/plan.h"
#include "host/cli/bench_cold.h"
#include "host/cli/bench_progress.h"
#include "host/cli/bench_run.h"
#include "host/cli/interrupt.h"
#include "host/cli/lab_claim.h"
#include "host/cli/lab_environment.h"
#include "host/cli/lab_result.h"

namespace duet::cli {

// The plan of a run for some of its arms (indices of the claim's), with the options' mistakes in
// `errors`. The first one's copy, the A/A arm, is the last.
bench::Plan lab_plan(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
                     bool quick, std::vector<Error>& errors);

// Runs all of a claim's runs. An arm that lacks what it needs, or does not run, is left out with
// its reason; so is a run of which nothing is left to compare. Changes the current directory.
LabResult test_claim(const Claim& claim, const LabEnvironment& environment, bool quick,
                     Interrupt& interrupt);

}  // namespace duet::cli
