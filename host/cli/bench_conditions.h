// `duet bench --fail-if`: what a pipeline fails on. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/condition.h"
#include "host/bench/plan.h"
#include "host/cli/bench_run.h"
#include "host/cli/options.h"

namespace duet::cli {

inline constexpr int kExitConditionHolds = 3;
inline constexpr int kExitCannotTell = 4;

// Of the command line. What is wrong, or cannot be asked of such a plan, goes to `errors`.
std::vector<bench::Condition> bench_conditions(const Arguments& arguments, const bench::Plan& plan,
                                               std::vector<Error>& errors);

struct Judged {
  bench::Condition condition;
  std::vector<bench::Judgement> arms;
};
std::vector<Judged> judge_all(const std::vector<bench::Condition>& conditions,
                              const bench::Plan& plan, const BenchResult& result);

// kExitConditionHolds when one holds for an arm; else kExitCannotTell when one cannot be told of an
// arm; else 0.
int exit_code(const std::vector<Judged>& judged);

// A line for each condition and arm; empty without conditions.
std::string conditions_text(const std::vector<Judged>& judged, const bench::Plan& plan);
nlohmann::ordered_json conditions_json(const std::vector<Judged>& judged, const bench::Plan& plan);

}  // namespace duet::cli
