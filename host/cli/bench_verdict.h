// What a run's comparison says: sentences and tables for a person, JSON for a program. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/bench/plan.h"
#include "host/bench/verdict.h"
#include "host/cli/bench_run.h"

namespace duet::cli {

// The arms as sentences need them; names are printable.
std::vector<bench::ArmVerdict> arm_verdicts(const bench::Plan& plan, const BenchResult& result);

// A line for each verdict; empty without arms to compare.
std::string verdict_text(const bench::Plan& plan, const BenchResult& result, bool color);
// The intervals of each arm's figures, and the ratios to the first arm's.
std::string comparison_tables(const bench::Comparison& comparison,
                              const std::vector<bench::ArmVerdict>& arms);
// "verdicts", "a_a", by arm "intervals" and "ratios" to the first one, and the "ratios" that were
// asked for besides.
nlohmann::ordered_json comparison_json(const bench::Comparison& comparison,
                                       const std::vector<bench::ArmVerdict>& arms);

// The intervals of each arm's figures, the ratios to the first arm's and those that were asked for,
// and the A/A arm's record.
std::string comparison_text(const bench::Plan& plan, const BenchResult& result);
// What was found about the warm-up, if it must be known: "no steady state: ...".
std::string warm_up_note(const bench::Plan& plan, const BenchResult& result);

// The same with "warm_up".
nlohmann::ordered_json comparison_json(const bench::Plan& plan, const BenchResult& result);

}  // namespace duet::cli
