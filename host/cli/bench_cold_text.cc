#include <fmt/format.h>

#include <algorithm>

#include "host/cli/bench_cold.h"
#include "host/cli/bench_environment.h"
#include "host/cli/text_json.h"
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

// Of each round: how many times as long as the other one it took.
Median ratio(const ColdResult& result, std::size_t of, std::size_t to) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < result.arms[of].size(); ++i) {
    ratios.push_back(static_cast<double>(result.arms[of][i].first_answer) /
                     static_cast<double>(result.arms[to][i].first_answer));
  }
  return median_of(ratios);
}

std::string ratio_cell(const Median& ratio) {
  return ratio.low ? fmt::format("{:.2f} ({:.2f} to {:.2f})", ratio.value, *ratio.low, *ratio.high)
                   : fmt::format("{:.2f}", ratio.value);
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
    if (arm > 0) row.push_back(ratio_cell(ratio(result, arm, 0)));
    rows.push_back(std::move(row));
  }
  std::string text = fmt::format("{} cold starts of each, in random order; ", number);
  if (plan.pinning) text += pinning_text(plan) + "; ";
  text += fmt::format("seed {}\n\n", plan.schedule.seed) + table(rows, LastColumn::kNumbers);
  if (!plan.pairs.empty()) {
    std::vector<std::vector<std::string>> pairs{{"", "first answer, ratio"}};
    for (const auto& [of, to] : plan.pairs) {
      pairs.push_back({printable(plan.arms[of].name + "/" + plan.arms[to].name),
                       ratio_cell(ratio(result, of, to))});
    }
    text += "\n" + table(pairs, LastColumn::kNumbers);
  }
  text +=
      "\n  from the start of the process; medians, and where they lie with 95% confidence.\n"
      "  Steady: the last level of the latency, one request at a time; some starts reach\n"
      "  none (--duration is how long it is looked for).\n";
  if (result.interrupted) text += "\n! interrupted: the figures are of the complete rounds\n";
  return text;
}

nlohmann::ordered_json cold_json(const bench::Plan& plan, const ColdResult& result) {
  using Json = nlohmann::ordered_json;
  const auto name_of = [&plan](std::size_t arm) { return text_json(plan.arms[arm].name); };
  Json json = {{"starts", result.arms[0].size()},
               {"seed", plan.schedule.seed},
               {"pinned", pinning_json(plan)},
               {"interrupted", result.interrupted},
               {"arms", Json::array()}};
  for (std::size_t arm = 0; arm < result.arms.size(); ++arm) {
    const std::vector<double> steady = steady_times(result.arms[arm]);
    Json one = {{"name", name_of(arm)},
                {"first_answer_ns", median_json(median_of(first_answers(result.arms[arm])))},
                {"steady_starts", steady.size()}};
    if (!steady.empty()) one["steady_ns"] = median_json(median_of(steady));
    if (arm > 0) one["first_answer_ratio"] = median_json(ratio(result, arm, 0));
    json["arms"].push_back(std::move(one));
  }
  for (const auto& [of, to] : plan.pairs) {
    json["ratios"].push_back({{"of", name_of(of)},
                              {"to", name_of(to)},
                              {"first_answer", median_json(ratio(result, of, to))}});
  }
  return json;
}

}  // namespace duet::cli
