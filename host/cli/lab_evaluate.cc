#include "host/cli/lab_evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "host/bench/median.h"
#include "host/cli/bench_verdict.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using bench::Metric;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kMostErrors = 0.01;  // of its requests: an arm with more is not compared
constexpr std::string_view kTooFewStarts = "too few starts";

// What a run, of whichever kind, says of its arms; by the plan's indices.
class Evidence {
 public:
  virtual ~Evidence() = default;
  virtual LabValue figure(std::size_t arm, const LabFigure& figure) const = 0;
  // The same with the generator's own lag in it, however much that is: it is at most so much.
  virtual LabValue bound(std::size_t arm, const LabFigure& figure) const = 0;
  // How many times as good the first is as the second: less time, or more answers.
  virtual LabValue times(std::size_t arm, std::size_t than, const LabFigure& figure) const = 0;
  // By how many nanoseconds the first is sooner.
  virtual LabValue sooner(std::size_t arm, std::size_t than, const LabFigure& figure) const = 0;
  // How far from 1 the first arm was from itself, as a factor of at least 1.
  virtual double doubt(const LabFigure& figure) const = 0;
};

LabValue value_of(const bench::Figure& figure) {
  return {figure.value, figure.interval, std::string(figure.missing)};
}

// By round, of an arm; empty: not known.
std::vector<double> cpu_of(const BenchResult& result, std::size_t arm) {
  return arm < result.cpu.size() ? result.cpu[arm] : std::vector<double>();
}

class LoadEvidence final : public Evidence {
 public:
  LoadEvidence(const bench::Plan& plan, const BenchResult& result)
      : plan_(plan), result_(result), verdicts_(arm_verdicts(plan, result)) {
    const auto arms = static_cast<std::uint16_t>(plan.arms.size());
    for (std::uint16_t arm = 0; arm < arms; ++arm) {
      rounds_.push_back(
          bench::arm_rounds(result.schedule, arm, result.rounds, cpu_of(result, arm)));
    }
  }

  LabValue figure(std::size_t arm, const LabFigure& figure) const override {
    if (auto failing = failing_value({arm})) return *failing;
    return value_of(result_.comparison->arm(arm, figure.metric));
  }

  LabValue bound(std::size_t arm, const LabFigure& figure) const override {
    bench::ArmRounds lagged = rounds_[arm];
    lagged.lag = {};
    LabValue value = value_of(bench::compare({lagged}, options()).arm(0, figure.metric));
    value.at_most = true;
    return value;
  }

  LabValue times(std::size_t arm, std::size_t than, const LabFigure& figure) const override {
    if (auto failing = failing_value({arm, than})) return *failing;
    if (figure.is_time()) std::swap(arm, than);  // the other one's time, as a multiple of its own
    const auto pair = bench::compare({rounds_[than], rounds_[arm]}, options());
    return value_of(pair.ratio(1, figure.metric));
  }

  LabValue sooner(std::size_t, std::size_t, const LabFigure&) const override {
    return {kNaN, std::nullopt, "differences are of cold starts"};
  }

  const std::vector<bench::ArmVerdict>& verdicts() const { return verdicts_; }

  double doubt(const LabFigure& figure) const override {
    for (std::size_t arm = 1; arm < plan_.arms.size(); ++arm) {
      if (!plan_.arms[arm].is_copy) continue;
      const auto& interval = result_.comparison->ratio(arm, figure.metric).interval;
      if (!interval || (interval->low <= 1 && interval->high >= 1)) return 1;
      return std::max({1.0, interval->high, 1 / interval->low});
    }
    return 1;
  }

 private:
  bench::CompareOptions options() const {
    return {.closed = plan_.schedule.arrivals == bench::Arrivals::kClosed,
            .seed = plan_.schedule.seed};
  }

  std::optional<LabValue> failing_value(std::initializer_list<std::size_t> arms) const {
    for (const std::size_t arm : arms) {
      const double share = verdicts_[arm].error_share;
      if (share <= kMostErrors) continue;
      return LabValue{
          kNaN, std::nullopt,
          fmt::format("{:.3g}% of the requests to {} fail", 100 * share, verdicts_[arm].name)};
    }
    return std::nullopt;
  }

  const bench::Plan& plan_;
  const BenchResult& result_;
  std::vector<bench::ArmVerdict> verdicts_;
  std::vector<bench::ArmRounds> rounds_;
};

class ColdEvidence final : public Evidence {
 public:
  explicit ColdEvidence(const ColdResult& result) : result_(result) {}

  LabValue figure(std::size_t arm, const LabFigure& figure) const override {
    return by_round(figure, arm, arm, [](double own, double) { return own; });
  }
  LabValue bound(std::size_t arm, const LabFigure& figure) const override {
    return this->figure(arm, figure);
  }
  LabValue times(std::size_t arm, std::size_t than, const LabFigure& figure) const override {
    return by_round(figure, arm, than, [](double own, double other) { return other / own; });
  }
  LabValue sooner(std::size_t arm, std::size_t than, const LabFigure& figure) const override {
    return by_round(figure, arm, than, [](double own, double other) { return other - own; });
  }
  double doubt(const LabFigure&) const override { return 1; }

 private:
  std::optional<double> time(std::size_t arm, std::size_t round, const LabFigure& figure) const {
    const ColdStart& start = result_.arms[arm][round];
    if (figure.kind == LabFigure::Kind::kFirstAnswer) return start.first_answer;
    return start.steady ? std::optional<double>(*start.steady) : std::nullopt;
  }

  // The median over rounds of what two starts of the same round give.
  template <class Function>
  LabValue by_round(const LabFigure& figure, std::size_t arm, std::size_t than,
                    Function&& function) const {
    std::vector<double> values;
    const std::size_t rounds = result_.arms[arm].size();
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto own = time(arm, round, figure), other = time(than, round, figure);
      if (own && other) values.push_back(function(*own, *other));
    }
    // Of fewer than half of the starts a median says nothing.
    if (2 * values.size() <= rounds) return {kNaN, std::nullopt, "no steady state"};
    const bench::Median median = bench::median_of(std::move(values));
    if (!median.low) return {median.value, std::nullopt, std::string(kTooFewStarts)};
    return {median.value, stats::BlockInterval{*median.low, *median.high}, ""};
  }

  const ColdResult& result_;
};

std::optional<std::size_t> position(const std::vector<std::size_t>& arms, std::size_t arm) {
  const auto found = std::find(arms.begin(), arms.end(), arm);
  if (found == arms.end()) return std::nullopt;
  return static_cast<std::size_t>(found - arms.begin());
}

LabCompared compared(const Claim& claim, const LabCompare& compare, const Evidence& evidence,
                     std::size_t arm, std::optional<std::size_t> than) {
  LabCompared result;
  result.about = compare.about;
  result.arm = claim.arms[compare.arm].name;
  result.figure = compare.figure;
  result.claimed = compare.claimed;
  if (than) {
    result.than = claim.arms[*compare.than].name;
    result.is_difference = compare.claimed && compare.claimed->unit == Claimed::Unit::kTime;
    result.value = result.is_difference ? evidence.sooner(arm, *than, compare.figure)
                                        : evidence.times(arm, *than, compare.figure);
  } else {
    result.value = evidence.figure(arm, compare.figure);
    // That it is below a limit is certain when it is with the lag in it.
    if (result.value.missing == bench::kLagged && compare.claimed && compare.claimed->low < 0) {
      LabValue bound = evidence.bound(arm, compare.figure);
      if (bound.interval && bound.interval->high < compare.claimed->high) {
        result.value = std::move(bound);
      }
    }
  }
  if (!compare.claimed || !result.value.interval) return result;
  const stats::BlockInterval& interval = *result.value.interval;
  result.finding = judge(*compare.claimed, interval, than.has_value());
  // A difference that an arm shows to itself, too, is none.
  const double doubt = than ? evidence.doubt(compare.figure) : 1;
  const stats::BlockInterval wider{interval.low / doubt, interval.high * doubt};
  if (const Finding doubted = judge(*compare.claimed, wider, than.has_value());
      doubted != *result.finding) {
    // What is doubted does not hold for that.
    result.finding = doubted == Finding::kHolds ? Finding::kCannotTell : doubted;
    result.doubt = fmt::format("an arm differs from itself by up to {:.1f}%", 100 * (doubt - 1));
  }
  return result;
}

// What is left of the chain; steps over an arm that is missing belong together.
void add_split(const Claim& claim, const LabSplit& split, const Evidence& evidence,
               const std::vector<std::size_t>& arms, LabRunResult& into) {
  LabSplitted result;
  result.figure = split.figure;
  std::vector<std::size_t> chain;
  std::string name;
  for (std::size_t i = 0; i < split.chain.size(); ++i) {
    if (i > 0 && !chain.empty()) name += (name.empty() ? "" : " with ") + split.parts[i - 1];
    const auto at = position(arms, split.chain[i]);
    if (!at) continue;
    if (!chain.empty()) {
      result.parts.push_back({name, evidence.times(*at, chain.back(), split.figure)});
    } else {
      result.from = claim.arms[split.chain[i]].name;
    }
    result.to = claim.arms[split.chain[i]].name;
    name.clear();
    chain.push_back(*at);
  }
  if (chain.size() < 3) return;  // the one step is a comparison
  result.total = evidence.times(chain.back(), chain.front(), split.figure);
  into.splits.push_back(std::move(result));
}

void evaluate(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
              const Evidence& evidence, LabRunResult& into) {
  for (const LabCompare& compare : run.compares) {
    const auto arm = position(arms, compare.arm);
    const auto than = compare.than ? position(arms, *compare.than) : std::nullopt;
    if (!arm || (compare.than && !than)) continue;
    into.compares.push_back(compared(claim, compare, evidence, *arm, than));
    const bool known =
        std::any_of(into.figures.begin(), into.figures.end(),
                    [&](const LabFigure& one) { return one.name == compare.figure.name; });
    if (!known) into.figures.push_back(compare.figure);
  }
  for (const LabSplit& split : run.splits) add_split(claim, split, evidence, arms, into);
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    LabMeasured& measured = into.arms.emplace_back();
    measured.name = claim.arms[arms[arm]].name;
    for (const LabFigure& figure : into.figures) {
      measured.values.push_back(evidence.figure(arm, figure));
    }
  }
}

}  // namespace

void evaluate_load(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
                   const bench::Plan& plan, const BenchResult& result, LabRunResult& into) {
  const LoadEvidence evidence(plan, result);
  evaluate(claim, run, arms, evidence, into);
  std::vector<Metric> metrics;  // of the figures that the claim comes down to
  for (const LabFigure& figure : into.figures) metrics.push_back(figure.metric);
  into.basis = fmt::format(
      "{} rounds; {}", result.rounds.count(),
      bench::aa_words(bench::aa_record(*result.comparison, evidence.verdicts(), metrics)));
  if (const std::string note = warm_up_note(plan, result); !note.empty()) {
    into.notes.push_back(note);
  }
  for (std::size_t arm = 0; arm < arms.size(); ++arm) {
    const bool gone = !result.gone[arm].empty();
    into.failed = into.failed || gone;
    if (const std::string& why = gone ? result.gone[arm] : result.trouble[arm]; !why.empty()) {
      into.notes.push_back(plan.arms[arm].name + ": " + why);
    }
    const std::uint32_t idle = plan.arms[arm].idle, open = result.states[arm].idle_open;
    if (open < idle) {
      into.notes.push_back(fmt::format("{} closed {} of {} idle connections", plan.arms[arm].name,
                                       idle - open, idle));
    }
    if (const auto growth = result.states[arm].idle_growth) {
      into.notes.push_back(fmt::format("{}: an idle connection takes {} of its memory",
                                       plan.arms[arm].name, measure::format_bytes(*growth / idle)));
    }
  }
}

void evaluate_cold(const Claim& claim, const LabRun& run, const std::vector<std::size_t>& arms,
                   const ColdResult& result, LabRunResult& into) {
  evaluate(claim, run, arms, ColdEvidence(result), into);
  into.basis = fmt::format("{} starts of each, in random order", result.arms[0].size());
}

}  // namespace duet::cli
