#include "host/cli/bench_capacity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "host/cli/bench_cells.h"
#include "host/cli/text_json.h"
#include "host/config/values.h"
#include "host/measure/table.h"

namespace duet::cli {

using bench::CapacitySearch;
using measure::format_count;
using measure::format_duration;

namespace {

constexpr Nanos kShortestTrial = 500 * kMillisecond, kLongestTrial = 5 * kSecond;
// At 5% above capacity the queue has outgrown the limit after 20 times the limit.
constexpr Nanos kLimits = 20;
constexpr double kRequestsBeyond = 2;  // that the quantile is about to leave above it

std::string objective_text(const bench::Objective& objective) {
  return quantile_name(objective.p) + " < " + format_duration(objective.limit);
}

std::string sentence(const std::string& name, const bench::Objective& objective,
                     const CapacitySearch& search, Nanos trial, bool interrupted) {
  const auto& holds = search.holds();
  const auto& fails = search.fails();
  const std::string what = objective_text(objective);
  std::string text = name + ": ";
  if (holds) {
    text += fmt::format("{} holds at {} requests a second", what, rate_text(holds->rate));
    if (fails) text += fmt::format(", and no longer at {}", rate_text(fails->rate));
  } else if (fails) {
    text += fmt::format("{} does not hold at {} requests a second", what, rate_text(fails->rate));
    if (fails->rate > 1) text += "; nothing below it was settled";
  } else {
    text += fmt::format("whether {} holds was not settled", what);
  }
  text +=
      fmt::format(" (95%; {} trials, the last of {})\n", search.trials(), format_duration(trial));
  if (holds) {
    text += fmt::format("    at {}: {} of {} requests slower, {} of {} trials passed\n",
                        rate_text(holds->rate), format_count(holds->slow),
                        format_count(holds->requests), holds->passed, holds->trials);
  }
  if (fails) {
    text += fmt::format("    at {}: {} of {} requests slower, {} of {} trials passed\n",
                        rate_text(fails->rate), format_count(fails->slow),
                        format_count(fails->requests), fails->passed, fails->trials);
  }
  if (search.limited_by_generator()) {
    text += "    above that the generator itself was late: no upper end can be told here\n";
  } else if (search.gave_up()) {
    text += fmt::format(
        "    given up after {} trials, which did not agree: a quieter machine may settle it\n",
        CapacitySearch::kMostTrials);
  } else if (holds && !fails && search.done()) {
    text += "    no upper end was found: no higher rate is tried\n";
  } else if (interrupted) {
    text += "    interrupted: the rest was not settled\n";
  }
  return text;
}

}  // namespace

Result<bench::Objective> parse_objective(std::string_view text) {
  const auto wrong = [text] {
    return Error{"--objective '" + printable(text) + "' is no objective", {}, "'p99 < 20ms'", {}};
  };
  const auto skip = [&text] {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  };
  skip();
  if (!text.starts_with('p')) return wrong();
  bench::Objective objective;
  const auto [end, failure] =
      std::from_chars(text.data() + 1, text.data() + text.size(), objective.p);
  if (failure != std::errc() || !(objective.p >= 1 && objective.p < 100)) return wrong();
  objective.p /= 100;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  skip();
  if (!text.starts_with('<')) return wrong();
  text.remove_prefix(text.starts_with("<=") ? 2 : 1);
  const auto limit = config::parse_duration(text);
  if (!limit || *limit < 10 * kMicrosecond || *limit > 60 * kSecond) return wrong();
  objective.limit = *limit;
  return objective;
}

Nanos trial_length(const bench::Objective& objective, double rate) {
  const double enough = kRequestsBeyond / (1 - objective.p) / rate * 1e9;
  const Nanos wanted =
      std::max(kLimits * objective.limit, static_cast<Nanos>(std::min(enough, 1e12)));
  return std::clamp(wanted, kShortestTrial, kLongestTrial);
}

std::string capacity_text(const bench::Plan& plan, const CapacityResult& result) {
  std::string text;
  for (std::size_t i = 0; i < plan.arms.size(); ++i) {
    text += sentence(printable(plan.arms[i].name), *plan.objective, result.arms[i], result.trial,
                     result.interrupted);
  }
  return text;
}

nlohmann::ordered_json capacity_json(const bench::Plan& plan, const CapacityResult& result) {
  using Json = nlohmann::ordered_json;
  const auto bound = [](const std::optional<CapacitySearch::Bound>& one) {
    if (!one) return Json();
    return Json{{"rate", one->rate},
                {"trials", one->trials},
                {"passed", one->passed},
                {"requests", one->requests},
                {"slow", one->slow}};
  };
  Json json = {{"objective", {{"p", plan.objective->p}, {"below_ns", plan.objective->limit}}},
               {"interrupted", result.interrupted},
               {"arms", Json::array()}};
  for (std::size_t i = 0; i < plan.arms.size(); ++i) {
    const CapacitySearch& search = result.arms[i];
    json["arms"].push_back({{"name", text_json(plan.arms[i].name)},
                            {"holds", bound(search.holds())},
                            {"fails", bound(search.fails())},
                            {"limited_by_generator", search.limited_by_generator()},
                            {"settled", search.done() && !search.gave_up()},
                            {"trials", search.trials()}});
  }
  return json;
}

}  // namespace duet::cli
