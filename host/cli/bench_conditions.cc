#include "host/cli/bench_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/escape.h"
#include "host/cli/bench_cells.h"
#include "host/cli/command.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using bench::Condition;
using Kind = bench::Judgement::Kind;

std::string_view kind_words(Kind kind) {
  switch (kind) {
    case Kind::kHolds:
      return "yes";
    case Kind::kDoesNot:
      return "no";
    default:
      return "cannot tell";
  }
}

std::string value_text(const Condition& condition, double value) {
  if (std::isinf(value)) return "no answer";
  if (condition.unit == Condition::Unit::kRatio) return fmt::format("{:.3f}x", value);
  if (condition.unit == Condition::Unit::kShare) return fmt::format("{:.3g}%", 100 * value);
  if (!condition.metric) return measure::format_count(static_cast<std::uint64_t>(value));
  if (condition.metric == bench::Metric::kThroughput) return rate_text(value);
  return measure::format_duration(static_cast<Nanos>(value));
}

// "1.150x to 1.250x", "3", or why there is none.
std::string interval_text(const Condition& condition, const bench::Judgement& one) {
  if (!one.interval) return std::string(one.missing);
  const std::string low = value_text(condition, one.interval->low);
  const std::string high = value_text(condition, one.interval->high);
  return low == high ? low : low + " to " + high;
}

}  // namespace

std::vector<bench::Condition> bench_conditions(const Arguments& arguments, const Asked& asked,
                                               std::vector<Error>& errors) {
  std::vector<Condition> conditions;
  for (const std::string& text : arguments.values("fail-if")) {
    auto condition = bench::parse_condition(text);
    const std::string what = "--fail-if '" + printable(text) + "'";
    if (!condition) {
      errors.push_back(
          {"--fail-if " + printable(condition.error().message), {}, condition.error().hint, {}});
      continue;
    }
    if (!asked.rounds_are_alike) {
      errors.push_back({what + " needs a steady load",
                        {},
                        "leave --replay, a ramp's rates, --objective and --cold out",
                        {}});
    } else if (condition->unit == Condition::Unit::kRatio && !asked.compares) {
      errors.push_back({what + " compares, and there is one target",
                        {},
                        "the first one is what the others are compared with",
                        {}});
    } else if (condition->metric == bench::Metric::kThroughput && !asked.closed) {
      errors.push_back(
          {what + ": with a --rate, throughput is what was asked for", {}, "--closed", {}});
    }
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

std::vector<Judged> judge_all(const std::vector<Condition>& conditions,
                              const bench::Comparison& comparison,
                              const std::vector<JudgedArm>& arms) {
  std::vector<bench::Failures> failures;
  std::vector<bool> copies;
  for (const JudgedArm& arm : arms) {
    failures.push_back(arm.failures);
    copies.push_back(arm.is_copy);
  }
  std::vector<Judged> all;
  for (const Condition& condition : conditions) {
    Judged& judged = all.emplace_back(Judged{condition, {}});
    for (const bench::Judgement& one : judge(condition, comparison, failures, copies)) {
      judged.arms.push_back({arms[one.arm].name, one});
    }
  }
  return all;
}

int exit_code(const std::vector<Judged>& judged) {
  int code = kExitOk;
  for (const Judged& one : judged) {
    for (const auto& [name, judgement] : one.arms) {
      if (judgement.kind == Kind::kHolds) return kExitConditionHolds;
      if (judgement.kind == Kind::kCannotTell) code = kExitCannotTell;
    }
  }
  return code;
}

std::string conditions_text(const std::vector<Judged>& judged) {
  std::string text;
  for (const Judged& one : judged) {
    for (const auto& [name, judgement] : one.arms) {
      text += fmt::format("fail if {}: {}: {} ({})\n", printable(one.condition.text), name,
                          kind_words(judgement.kind), interval_text(one.condition, judgement));
    }
  }
  return text.empty() ? "" : "\n" + text;
}

nlohmann::ordered_json conditions_json(const std::vector<Judged>& judged) {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const Judged& one : judged) {
    for (const auto& [name, arm] : one.arms) {
      Json json = {
          {"condition", printable(one.condition.text)},
          {"arm", name},
          {"holds", arm.kind == Kind::kCannotTell ? Json() : Json(arm.kind == Kind::kHolds)}};
      const auto end = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
      if (arm.interval) {
        json["low"] = end(arm.interval->low);
        json["high"] = end(arm.interval->high);
      }
      if (!arm.missing.empty()) json["missing"] = arm.missing;
      list.push_back(std::move(json));
    }
  }
  return list;
}

}  // namespace duet::cli
