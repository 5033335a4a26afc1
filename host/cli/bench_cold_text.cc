#include <fmt/format.h>

#include <algorithm>

#include "host/base/escape.h"
#include "host/cli/bench_cold.h"
#include "host/cli/text_table.h"
#include "host/measure/table.h"

namespace duet::cli {

using bench::Median;
using bench::median_of;
using measure::format_duration;

namespace {

std::vector<double> first_answers(const std::vector<ColdStart>& starts) {
  std::vector<double> values;
  for (const ColdStart& start : starts) {
    values.push_back(static_cast<double>(start.first_answer));
  }
  return values;
}

std::vector<double> steady_times(const std::vector<ColdStart>& starts) {
  std::vector<double> values;
  for (const ColdStart& start : starts) {
    if (start.steady) values.push_back(static_cast<double>(*start.steady));
  }
  return values;
}

// Of each round: how much longer it took than the first arm.
Median ratio_to_first(const ColdResult& result, std::size_t arm) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < result.arms[arm].size(); ++i) {
    ratios.push_back(static_cast<double>(result.arms[arm][i].first_answer) /
                     static_cast<double>(result.arms[0][i].first_answer));
  }
  return median_of(ratios);
}

std::string time_cell(const Median& median) {
  const auto text = [](double nanos) { return format_duration(static_cast<Nanos>(nanos)); };
  if (!median.low) return text(median.value);
  return fmt::format("{} ({} to {})", text(median.value), text(*median.low), text(*median.high));
}

nlohmann::ordered_json median_json(const Median& median) {
  nlohmann::ordered_json json = {{"median", median.value}};
  if (median.low) json["low"] = *median.low;
  if (median.high) json["high"] = *median.high;
  return json;
}

}  // namespace

std::string cold_text(const bench::Plan& plan, const ColdResult& result) {
  const std::size_t number = result.arms[0].size();
  std::vector<std::vector<std::string>> rows{
      {"", "first answer", "least", "most", "steady state", "none in"}};
  if (result.arms.size() > 1) rows[0].emplace_back("first answer, ratio");
  for (std::size_t arm = 0; arm < result.arms.size(); ++arm) {
    const std::vector<double> first = first_answers(result.arms[arm]);
    const std::vector<double> steady = steady_times(result.arms[arm]);
    const auto [least, most] = std::minmax_element(first.begin(), first.end());
    // Of fewer than half of the starts a median says nothing.
    std::vector<std::string> row = {printable(plan.arms[arm].name),
                                    time_cell(median_of(first)),
                                    format_duration(static_cast<Nanos>(*least)),
                                    format_duration(static_cast<Nanos>(*most)),
                                    2 * steady.size() > number ? time_cell(median_of(steady)) : "-",
                                    fmt::format("{} of {}", number - steady.size(), number)};
    if (arm > 0) {
      const Median ratio = ratio_to_first(result, arm);
      row.push_back(
          ratio.low ? fmt::format("{:.2f} ({:.2f} to {:.2f})", ratio.value, *ratio.low, *ratio.high)
                    : fmt::format("{:.2f}", ratio.value));
    }
    rows.push_back(std::move(row));
  }
  std::string text = fmt::format("{} cold starts of each, in random order; seed {}\n\n", number,
                                 plan.schedule.seed);
  text += table(rows, LastColumn::kNumbers);
  text +=
      "\n  from the start of the process; medians, and where they lie with 95% confidence. "
      "Steady:\n"
      "  the last level of the latency, one request at a time; some starts reach none.\n";
  if (result.interrupted) text += "\n! interrupted: the figures are of the complete rounds\n";
  return text;
}

nlohmann::ordered_json cold_json(const bench::Plan& plan, const ColdResult& result) {
  using Json = nlohmann::ordered_json;
  Json json = {{"starts", result.arms[0].size()},
               {"seed", plan.schedule.seed},
               {"interrupted", result.interrupted},
               {"arms", Json::array()}};
  for (std::size_t arm = 0; arm < result.arms.size(); ++arm) {
    std::string name;
    append_json_string(name, plan.arms[arm].name);
    const std::vector<double> steady = steady_times(result.arms[arm]);
    Json one = {{"name", Json::parse(name)},
                {"first_answer_ns", median_json(median_of(first_answers(result.arms[arm])))},
                {"steady_starts", steady.size()}};
    if (!steady.empty()) one["steady_ns"] = median_json(median_of(steady));
    if (arm > 0) one["first_answer_ratio"] = median_json(ratio_to_first(result, arm));
    json["arms"].push_back(std::move(one));
  }
  return json;
}

}  // namespace duet::cli
