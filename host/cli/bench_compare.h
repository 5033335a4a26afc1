// `duet bench compare OLD NEW`: two runs that were kept, arm by arm.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/verdict.h"
#include "host/cli/bench_bundle.h"
#include "host/cli/bench_conditions.h"

namespace duet::cli {

struct ComparedArm {
  std::string name;
  bench::Comparison comparison;          // of the arm before and now
  std::vector<bench::ArmVerdict> sides;  // "before", and the name
  std::vector<JudgedArm> judged;         // likewise, for conditions: of what is now
};

struct ComparedRuns {
  std::vector<ComparedArm> arms;  // of the same name in both
  // What differs between the runs, what disturbed them, and which arms only one has.
  std::vector<std::string> notes;
};

// Errors: the runs were not made alike (on another machine, with other versions, under another
// load; `force` makes notes of that), or no arm is in both.
Result<ComparedRuns> compare_runs(const Bundle& before, const Bundle& now, bool force);

// Of each arm as it is now; a ratio ("p99 > 1.1x") is to what it was.
std::vector<Judged> judge_runs(const std::vector<bench::Condition>& conditions,
                               const ComparedRuns& runs);

std::string compared_text(const Bundle& before, const Bundle& now, const ComparedRuns& runs,
                          bool color);
nlohmann::ordered_json compared_json(const Bundle& before, const Bundle& now,
                                     const ComparedRuns& runs);

}  // namespace duet::cli
