// `duet bench --fail-if`: what a pipeline fails on. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/condition.h"
#include "host/cli/options.h"

namespace duet::cli {

inline constexpr int kExitConditionHolds = 3;
inline constexpr int kExitCannotTell = 4;

// What the conditions are asked of.
struct Asked {
  bool rounds_are_alike = true;  // otherwise it has no figures
  bool compares = true;          // there is more than one arm
  bool closed = false;           // a closed loop: throughput is a result
};
// Of the command line. What is wrong, or cannot be asked of that, goes to `errors`.
std::vector<bench::Condition> bench_conditions(const Arguments& arguments, const Asked& asked,
                                               std::vector<Error>& errors);

struct Judged {
  bench::Condition condition;
  struct Arm {
    std::string name;
    bench::Judgement judgement;
  };
  std::vector<Arm> arms;
};
struct JudgedArm {
  std::string name;  // printable
  bool is_copy = false;
  bench::Failures failures;
};
std::vector<Judged> judge_all(const std::vector<bench::Condition>& conditions,
                              const bench::Comparison& comparison,
                              const std::vector<JudgedArm>& arms);

// kExitConditionHolds when one holds for an arm; else kExitCannotTell when one cannot be told of an
// arm; else 0.
int exit_code(const std::vector<Judged>& judged);

// A line for each condition and arm; empty without conditions.
std::string conditions_text(const std::vector<Judged>& judged);
nlohmann::ordered_json conditions_json(const std::vector<Judged>& judged);

}  // namespace duet::cli
