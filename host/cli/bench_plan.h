// From the command line of `duet bench` to a plan.
#pragma once

#include <vector>

#include "host/base/result.h"
#include "host/bench/plan.h"
#include "host/cli/options.h"

namespace duet::cli {

// Reads the files of bodies. All that is wrong goes to `errors`; the plan is valid when none were
// added. `arms`: what is measured, when the command line is not to say it.
bench::Plan bench_plan(const Arguments& arguments, std::vector<Error>& errors,
                       std::vector<bench::ArmPlan> arms = {});

}  // namespace duet::cli
