#include "host/cli/bench_verdict.h"

#include <fmt/format.h>

#include <cmath>

#include "host/cli/bench_cells.h"
#include "host/cli/text_json.h"
#include "host/cli/text_table.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using bench::Comparison;
using bench::Figure;
using bench::Metric;
using Json = nlohmann::ordered_json;

bool any_figure(const std::vector<bench::Figures>& all, std::size_t metric) {
  for (const bench::Figures& figures : all) {
    if (figures[metric].missing != bench::kNotKnown) return true;
  }
  return false;
}

std::string figure_text(Metric metric, double value) {
  if (metric == Metric::kThroughput) return rate_text(value);
  return measure::format_duration(static_cast<Nanos>(value));
}

std::string row_name(Metric metric) {
  switch (metric) {
    case Metric::kCpu:
      return "CPU a request";
    case Metric::kThroughput:
      return "answers a second";
    default:
      return "latency  " + std::string(metric_name(metric));
  }
}

std::string missing_cell(const Figure& figure) {
  return std::string(figure.missing.starts_with("void") ? "void" : figure.missing);
}

std::string ratio_cell(const Figure& ratio) {
  if (!ratio.interval) return missing_cell(ratio);
  return fmt::format("{:.3f} to {:.3f}", ratio.interval->low, ratio.interval->high);
}

std::string interval_cell(Metric metric, const Figure& figure) {
  if (!figure.interval) return missing_cell(figure);
  return figure_text(metric, figure.interval->low) + " to " +
         figure_text(metric, figure.interval->high);
}

// Cores per 10,000 requests a second: ten thousand times the CPU time of one.
Row cores_row(const Comparison& comparison) {
  Row row{"cores per 10,000/s"};
  for (std::size_t arm = 0; arm < comparison.arms.size(); ++arm) {
    const Figure& cpu = comparison.arm(arm, Metric::kCpu);
    row.push_back(cpu.interval
                      ? cores_text(cpu.interval->low) + " to " + cores_text(cpu.interval->high)
                      : missing_cell(cpu));
  }
  return row;
}

std::string_view kind_name(bench::Verdict::Kind kind) {
  switch (kind) {
    case bench::Verdict::Kind::kFaster:
      return "faster";
    case bench::Verdict::Kind::kSlower:
      return "slower";
    case bench::Verdict::Kind::kSame:
      return "same";
    case bench::Verdict::Kind::kVoid:
      return "void";
    default:
      return "cannot_tell";
  }
}

Json figure_json(const Figure& figure) {
  Json json;
  json["value"] = std::isfinite(figure.value) ? Json(figure.value) : Json();
  json["low"] = figure.interval ? Json(figure.interval->low) : Json();
  json["high"] = figure.interval ? Json(figure.interval->high) : Json();
  if (!figure.missing.empty()) json["missing"] = figure.missing;
  return json;
}

Json figures_json(const Comparison& comparison, const bench::Figures& figures) {
  Json json = Json::object();
  for (std::size_t i = 0; i < bench::kMetrics; ++i) {
    if (!any_figure(comparison.arms, i)) continue;
    json[metric_name(static_cast<Metric>(i))] = figure_json(figures[i]);
  }
  return json;
}

}  // namespace

std::vector<bench::ArmVerdict> arm_verdicts(const bench::Plan& plan, const BenchResult& result) {
  std::vector<bench::ArmVerdict> arms;
  for (std::size_t i = 0; i < plan.arms.size(); ++i) {
    const bench::Summary& s = result.arms[i];
    const auto failed = static_cast<double>(s.lost + s.unsent + s.bad_status);
    arms.push_back({printable(plan.arms[i].name), plan.arms[i].is_copy,
                    s.requests == 0 ? 0 : failed / static_cast<double>(s.requests),
                    s.beyond_reach});
  }
  return arms;
}

std::string verdict_text(const bench::Plan& plan, const BenchResult& result, bool color) {
  if (!result.comparison) return "";
  std::string text;
  const auto arms = arm_verdicts(plan, result);
  for (const std::string& line : headlines(*result.comparison, arms)) {
    text += (color ? "\x1b[1m" + line + "\x1b[0m" : line) + "\n";
  }
  return text.empty() ? "" : text + "\n";
}

std::string comparison_tables(const Comparison& comparison,
                              const std::vector<bench::ArmVerdict>& arms) {
  std::vector<Row> rows{{"95% intervals"}};
  for (const auto& arm : arms) rows[0].push_back(arm.name);
  for (std::size_t i = 0; i < bench::kMetrics; ++i) {
    if (!any_figure(comparison.arms, i)) continue;
    const auto metric = static_cast<Metric>(i);
    Row& row = rows.emplace_back(1, row_name(metric));
    for (const auto& figures : comparison.arms) row.push_back(interval_cell(metric, figures[i]));
  }
  if (any_figure(comparison.arms, static_cast<std::size_t>(Metric::kCpu))) {
    rows.push_back(cores_row(comparison));
  }
  std::string text = table(rows, LastColumn::kNumbers) + "\n";
  if (arms.size() < 2) return text;
  rows.assign(1, {"as a part of " + arms[0].name + "'s"});
  for (std::size_t arm = 1; arm < arms.size(); ++arm) rows[0].push_back(arms[arm].name);
  for (std::size_t i = 0; i < bench::kMetrics; ++i) {
    if (!any_figure(comparison.arms, i)) continue;
    Row& row = rows.emplace_back(1, row_name(static_cast<Metric>(i)));
    for (std::size_t arm = 1; arm < arms.size(); ++arm) {
      row.push_back(ratio_cell(comparison.ratios[arm][i]));
    }
  }
  return text + table(rows, LastColumn::kNumbers) + "\n";
}

// The ratios that were asked for, a row each.
std::string pairs_table(const Comparison& comparison, const std::vector<bench::ArmVerdict>& arms) {
  if (comparison.pairs.empty()) return "";
  std::vector<Row> rows{{"ratio"}};
  for (const bench::PairRatios& pair : comparison.pairs) {
    rows.push_back({arms[pair.of].name + "/" + arms[pair.to].name});
  }
  for (std::size_t i = 0; i < bench::kMetrics; ++i) {
    if (!any_figure(comparison.arms, i)) continue;
    rows[0].push_back(row_name(static_cast<Metric>(i)));
    for (std::size_t pair = 0; pair < comparison.pairs.size(); ++pair) {
      rows[pair + 1].push_back(ratio_cell(comparison.pairs[pair].figures[i]));
    }
  }
  return table(rows, LastColumn::kNumbers) + "\n";
}

std::string comparison_text(const bench::Plan& plan, const BenchResult& result) {
  if (!result.comparison) return "";
  const auto arms = arm_verdicts(plan, result);
  std::string text = comparison_tables(*result.comparison, arms);
  if (arms.size() < 2) return text;
  text += pairs_table(*result.comparison, arms);
  text +=
      "  Intervals at 95%, by resampling rounds: each holds by itself. CPU is that of\n"
      "  all of a server's processes and threads, of the kernel for them too; it is not\n"
      "  known of servers elsewhere, or of those whose processes changed.";
  if (const auto aa = aa_record(*result.comparison, arms)) {
    text += "\n  " + arms[aa->arm].name + " is " + arms[0].name +
            " once more, so its ratios are to hold 1: " + aa_words(aa) + ".";
  }
  return text + "\n";
}

std::string warm_up_note(const bench::Plan& plan, const BenchResult& result) {
  if (!result.comparison) return "";
  switch (result.warm_up.state) {
    case bench::WarmUp::State::kUnsteady:
      return fmt::format(
          "no steady state: {}'s level still changed, or changed near the end; the figures are of "
          "all rounds after --warmup, and of this stretch of time only",
          printable(plan.arms[result.warm_up.arm].name));
    case bench::WarmUp::State::kTooShort:
      return "too few rounds to see whether it was warmed up: a longer --duration";
    default:
      return "";
  }
}

Json comparison_json(const Comparison& comparison, const std::vector<bench::ArmVerdict>& arms) {
  Json json;
  json["verdicts"] = Json::array();
  for (const bench::Verdict& one : verdicts(comparison, arms)) {
    json["verdicts"].push_back(
        {{"kind", kind_name(one.kind)}, {"sentence", text_json(one.sentence)}});
  }
  if (const auto aa = aa_record(comparison, arms)) {
    json["a_a"] = {{"arm", aa->arm}, {"known", aa->known}, {"differs_at", Json::array()}};
    for (const Metric metric : aa->differs)
      json["a_a"]["differs_at"].push_back(metric_name(metric));
  }
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    Json one = {{"name", text_json(arms[arm].name)},
                {"copy", arms[arm].is_copy},
                {"intervals", figures_json(comparison, comparison.arms[arm])}};
    if (arm > 0) one["ratios"] = figures_json(comparison, comparison.ratios[arm]);
    json["arms"].push_back(std::move(one));
  }
  for (const bench::PairRatios& pair : comparison.pairs) {
    json["ratios"].push_back({{"of", text_json(arms[pair.of].name)},
                              {"to", text_json(arms[pair.to].name)},
                              {"figures", figures_json(comparison, pair.figures)}});
  }
  return json;
}

Json comparison_json(const bench::Plan& plan, const BenchResult& result) {
  if (!result.comparison) return {};
  Json json = comparison_json(*result.comparison, arm_verdicts(plan, result));
  constexpr std::string_view kStates[] = {"steady", "no steady state", "too short to tell"};
  json["warm_up"] = {{"state", kStates[static_cast<std::size_t>(result.warm_up.state)]},
                     {"rounds_left_out", result.rounds.first}};
  return json;
}

}  // namespace duet::cli
