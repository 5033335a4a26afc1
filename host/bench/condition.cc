#include "host/bench/condition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace duet::bench {

namespace {

using Unit = Condition::Unit;

constexpr double kZ = 1.959964;  // 95%
constexpr double kMostErrors = 0.01;
constexpr std::string_view kFails = "too many requests fail";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Error no_condition(std::string_view text, std::string message) {
  return {"'" + std::string(text) + "': " + std::move(message),
          {},
          "'p99 > 1.1x', 'p99 > 20ms', 'cpu > 1.2x', 'errors > 0', 'errors > 1%'",
          {}};
}

// The unit's nanoseconds; 0 for none.
double nanos_of(std::string_view unit) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  for (const auto& [name, nanos] : kUnits) {
    if (unit == name) return nanos;
  }
  return 0;
}

// Wilson's score interval of a share (Wilson 1927).
stats::BlockInterval wilson(double failed, double requests) {
  if (requests == 0) return {0, 1};
  const double p = failed / requests, z2 = kZ * kZ / requests;
  const double centre = (p + z2 / 2) / (1 + z2);
  const double half = kZ * std::sqrt(p * (1 - p) / requests + z2 / (4 * requests)) / (1 + z2);
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Judgement::Kind against(const stats::BlockInterval& interval, const Condition& condition) {
  const bool above = condition.above;
  if (above ? interval.low > condition.limit : interval.high < condition.limit) {
    return Judgement::Kind::kHolds;
  }
  if (above ? interval.high <= condition.limit : interval.low >= condition.limit) {
    return Judgement::Kind::kDoesNot;
  }
  return Judgement::Kind::kCannotTell;
}

bool fails(const Failures& one) {
  return static_cast<double>(one.failed) > kMostErrors * static_cast<double>(one.requests);
}

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  const std::size_t sign = text.find_first_of("<>");
  if (sign == std::string_view::npos) return no_condition(text, "there is no < or >");
  Condition condition;
  condition.text = std::string(trim(text));
  condition.above = text[sign] == '>';
  const std::string_view name = trim(text.substr(0, sign));
  for (std::size_t i = 0; i < kMetrics; ++i) {
    if (metric_name(static_cast<Metric>(i)) == name) condition.metric = static_cast<Metric>(i);
  }
  if (!condition.metric && name != "errors") {
    return no_condition(text, "'" + std::string(name) + "' is no figure");
  }
  const std::string_view value = trim(text.substr(sign + 1));
  const auto [end, failure] =
      std::from_chars(value.data(), value.data() + value.size(), condition.limit);
  if (failure != std::errc() || !(condition.limit >= 0)) {
    return no_condition(text, "'" + std::string(value) + "' is no limit");
  }
  const std::string_view unit = trim(value.substr(static_cast<std::size_t>(end - value.data())));
  const bool time = condition.metric && *condition.metric != Metric::kThroughput;
  if (unit == "x" && condition.metric) {
    condition.unit = Unit::kRatio;
  } else if (unit == "%" && !condition.metric) {
    condition.unit = Unit::kShare;
    condition.limit /= 100;
  } else if (time && nanos_of(unit) > 0) {
    condition.limit *= nanos_of(unit);
  } else if (time || !unit.empty()) {
    return no_condition(text, "'" + std::string(value) + "' is no limit of " + std::string(name));
  }
  return condition;
}

std::vector<Judgement> judge(const Condition& condition, const Comparison& comparison,
                             const std::vector<Failures>& failures,
                             const std::vector<bool>& is_copy) {
  std::vector<Judgement> all;
  for (std::size_t arm = 0; arm < failures.size(); ++arm) {
    const bool ratio = condition.unit == Unit::kRatio;
    if (is_copy[arm] || (ratio && arm == 0)) continue;
    Judgement& one = all.emplace_back();
    one.arm = arm;
    if (!condition.metric) {
      const auto failed = static_cast<double>(failures[arm].failed);
      one.interval = condition.unit == Unit::kShare
                         ? wilson(failed, static_cast<double>(failures[arm].requests))
                         : stats::BlockInterval{failed, failed};
    } else if (ratio && (fails(failures[0]) || fails(failures[arm]))) {
      one.missing = kFails;
    } else {
      const Figure& figure =
          ratio ? comparison.ratio(arm, *condition.metric) : comparison.arm(arm, *condition.metric);
      one.interval = figure.interval;
      one.missing = figure.missing;
      // So many requests have no answer that the quantile is one of theirs: slower than any limit.
      if (figure.missing == kNoAnswer && std::isinf(figure.value)) {
        one.interval = stats::BlockInterval{figure.value, figure.value};
      }
    }
    if (one.interval) one.kind = against(*one.interval, condition);
  }
  return all;
}

}  // namespace duet::bench
