#include "host/bench/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/stats/change_points.h"
#include "host/stats/nan.h"

namespace duet::bench {

namespace {

using stats::Draw;

constexpr double kNeverCame = std::numeric_limits<double>::infinity();
constexpr double kMostLag = 0.01;     // of a ratio
constexpr double kMostOwnLag = 0.05;  // of an arm's figure, as Summary::lagged_at
// What it takes to see where the first rounds differ from the others.
constexpr std::size_t kFewestToSettle = 20;

struct MetricRow {
  std::string_view name;
  double p;  // 0: no quantile
};
constexpr MetricRow kRows[kMetrics] = {{"p50", 0.5},     {"p90", 0.9}, {"p99", 0.99},
                                       {"p99.9", 0.999}, {"mean", 0},  {"cpu", 0},
                                       {"throughput", 0}};

double p_of(Metric metric) { return kRows[static_cast<std::size_t>(metric)].p; }

template <class Value>
double total(const std::vector<RoundCounts>& counts, Draw draw, const Value& value) {
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (draw[i] > 0) sum += draw[i] * value(counts[i]);
  }
  return sum;
}

double answered(const RoundCounts& counts) { return counts.answered; }

double figure_of(const ArmRounds& arm, Metric metric, Draw draw) {
  if (const double p = p_of(metric); p > 0) return arm.latency.quantile(p, draw);
  if (metric == Metric::kMean) return arm.latency.mean(draw);
  const double answers = total(arm.counts, draw, answered);
  if (metric == Metric::kCpu) {
    const double cpu = total(arm.counts, draw, [](const RoundCounts& one) { return one.cpu; });
    return answers == 0 ? stats::kNan : cpu / answers;
  }
  const double loaded = total(arm.counts, draw, [](const RoundCounts& one) { return one.loaded; });
  return loaded == 0 ? stats::kNan : answers * 1e9 / loaded;
}

// The logarithm of the figure of each round by itself.
std::vector<double> by_round(const ArmRounds& arm, Metric metric) {
  std::vector<double> values;
  if (const double p = p_of(metric); p > 0) {
    values = arm.latency.block_quantiles(p);
  } else if (metric == Metric::kMean) {
    values = arm.latency.block_means();
  } else {
    std::vector<std::uint32_t> one(arm.counts.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      one[i] = 1;
      values.push_back(figure_of(arm, metric, one));
      one[i] = 0;
    }
  }
  for (double& value : values) value = std::log(value);
  return values;
}

// Why an arm has no interval at that figure, if so.
std::string_view too_few(const ArmRounds& arm, Metric metric) {
  if (arm.latency.blocks() < stats::kFewestBlocks) return kTooFewRounds;
  const double beyond = (1 - p_of(metric)) * static_cast<double>(arm.latency.size());
  return p_of(metric) > 0 && beyond < stats::kFewestBeyond ? kTooFewRequests : "";
}

std::string_view no_value(double value) {
  if (std::isnan(value)) return kNotKnown;
  return std::isinf(value) ? kNoAnswer : "";
}

Figure arm_figure(const ArmRounds& arm, Metric metric, const stats::BootstrapOptions& options) {
  const std::vector<std::uint32_t> all(arm.counts.size(), 1);
  if (arm.lag[static_cast<std::size_t>(metric)] > kMostOwnLag) {
    return {stats::kNan, std::nullopt, kLagged};
  }
  if (metric == Metric::kCpu && arm.beyond_reach) return {stats::kNan, std::nullopt, kBeyondReach};
  Figure figure;
  figure.value = figure_of(arm, metric, all);
  figure.missing = no_value(figure.value);
  if (figure.missing.empty()) figure.missing = too_few(arm, metric);
  if (!figure.missing.empty()) return figure;
  figure.interval = stats::block_interval(
      arm.latency.blocks(), stats::dependence(by_round(arm, metric)),
      [&](Draw draw) { return figure_of(arm, metric, draw); }, options);
  if (!figure.interval) figure.missing = kTooFewRequests;
  return figure;
}

std::optional<stats::BlockInterval> paired_interval(const ArmRounds& first, const ArmRounds& other,
                                                    Metric metric,
                                                    const stats::BootstrapOptions& options) {
  std::vector<double> logs = by_round(other, metric);
  const std::vector<double> of_first = by_round(first, metric);
  for (std::size_t i = 0; i < logs.size(); ++i) logs[i] -= of_first[i];
  return stats::block_interval(
      other.latency.blocks(), stats::dependence(logs),
      [&](Draw draw) { return figure_of(other, metric, draw) / figure_of(first, metric, draw); },
      options);
}

// Of independent figures: their distances on the logarithmic scale add up as squares (Zou & Donner
// 2008, the method of variance estimates recovery).
std::optional<stats::BlockInterval> apart_interval(const Figure& first, const Figure& other) {
  if (!first.interval || !other.interval) return std::nullopt;
  const auto distance = [](double a, double b) { return std::log(a / b); };
  const double ratio = other.value / first.value;
  const double down = std::hypot(distance(other.value, other.interval->low),
                                 distance(first.interval->high, first.value));
  const double up = std::hypot(distance(other.interval->high, other.value),
                               distance(first.value, first.interval->low));
  return stats::BlockInterval{ratio * std::exp(-down), ratio * std::exp(up)};
}

bool lag_moves(const ArmRounds& first, const ArmRounds& other, Metric metric) {
  const auto index = static_cast<std::size_t>(metric);
  const double without = (1 - other.lag[index]) / (1 - first.lag[index]);
  return std::isfinite(without) && std::abs(std::log(without)) > std::log1p(kMostLag);
}

struct ArmFigure {
  const ArmRounds& rounds;
  const Figure& figure;
};

// The interval of an arm's ratio to itself is left out.
Figure ratio_figure(const ArmFigure& of, const ArmFigure& to, Metric metric, bool paired,
                    const stats::BootstrapOptions& options) {
  Figure ratio;
  ratio.value = of.figure.value / to.figure.value;
  ratio.missing = to.figure.missing.empty() ? of.figure.missing : to.figure.missing;
  if (ratio.missing.empty() && to.figure.value == 0) ratio.missing = kNotKnown;
  if (&of.rounds == &to.rounds) return ratio;
  if (std::isfinite(ratio.value) && lag_moves(to.rounds, of.rounds, metric)) {
    return {stats::kNan, std::nullopt, kLagged};
  }
  if (!ratio.missing.empty()) return ratio;
  ratio.interval = paired ? paired_interval(to.rounds, of.rounds, metric, options)
                          : apart_interval(to.figure, of.figure);
  if (!ratio.interval) ratio.missing = kTooFewRequests;
  return ratio;
}

}  // namespace

std::string_view metric_name(Metric metric) { return kRows[static_cast<std::size_t>(metric)].name; }

std::optional<double> quantile_share(Metric metric) {
  return p_of(metric) > 0 ? std::optional(p_of(metric)) : std::nullopt;
}

ArmRounds arm_rounds(const Schedule& schedule, std::uint16_t arm, Rounds rounds,
                     const std::vector<double>& cpu) {
  std::vector<RoundCounts> counts(rounds.count());
  const std::vector<double> times = answering_times(schedule, arm, rounds);
  for (std::uint32_t i = 0; i < rounds.count(); ++i) {
    counts[i].cpu = rounds.first + i < cpu.size() ? cpu[rounds.first + i] : stats::kNan;
    counts[i].loaded = times[i];
  }
  std::vector<stats::Observation> observations;
  std::vector<Nanos> with, without;  // the generator's lag
  std::uint64_t missing = 0;
  for (const Sample& sample : schedule.samples) {
    const std::uint32_t round = schedule.blocks[sample.block].round;
    if (sample.arm != arm || !rounds.contains(round) || sample.outcome == Outcome::kPlanned) {
      continue;
    }
    const std::uint32_t at = round - rounds.first;
    if (!is_answer(sample.outcome)) {
      observations.push_back({kNeverCame, at});
      ++missing;
      continue;
    }
    counts[at].answered += 1;
    observations.push_back({static_cast<double>(sample.latency()), at});
    with.push_back(sample.latency());
    without.push_back(sample.latency() - sample.lag());
  }
  ArmRounds result{{std::move(observations), rounds.count()}, std::move(counts), {}};
  std::sort(with.begin(), with.end());
  std::sort(without.begin(), without.end());
  for (std::size_t i = 0; i < kMetrics; ++i) {
    if (kRows[i].p == 0) continue;
    const Nanos late = quantile_of(with, kRows[i].p, missing);
    const Nanos pure = quantile_of(without, kRows[i].p, missing);
    if (late > 0) result.lag[i] = static_cast<double>(late - pure) / static_cast<double>(late);
  }
  double sum = 0, lag = 0;
  for (std::size_t i = 0; i < with.size(); ++i) {
    sum += static_cast<double>(with[i]);
    lag += static_cast<double>(with[i] - without[i]);
  }
  if (sum > 0) result.lag[static_cast<std::size_t>(Metric::kMean)] = lag / sum;
  if (!schedule.closed) result.beyond_reach = summarize(schedule, arm, rounds).beyond_reach;
  return result;
}

Comparison compare(const std::vector<ArmRounds>& arms, const CompareOptions& options) {
  const stats::BootstrapOptions bootstrap{.seed = options.seed};
  Comparison result;
  for (const ArmRounds& arm : arms) {
    result.rounds = std::max(result.rounds, arm.latency.blocks());
    result.requests.push_back(arm.latency.size());
    Figures& figures = result.arms.emplace_back();
    for (std::size_t i = 0; i < kMetrics; ++i) {
      const auto metric = static_cast<Metric>(i);
      const bool chosen = metric == Metric::kThroughput && !options.closed;  // by the rate
      figures[i] = chosen ? Figure{stats::kNan, std::nullopt, kNotKnown}
                          : arm_figure(arm, metric, bootstrap);
    }
  }
  const auto ratios = [&](std::size_t of, std::size_t to) {
    Figures figures;
    for (std::size_t i = 0; i < kMetrics; ++i) {
      const Figure &own = result.arms[of][i], &other = result.arms[to][i];
      figures[i] = ratio_figure({arms[of], own}, {arms[to], other}, static_cast<Metric>(i),
                                options.paired, bootstrap);
    }
    return figures;
  };
  for (std::size_t arm = 0; arm < arms.size(); ++arm) result.ratios.push_back(ratios(arm, 0));
  for (const auto& [of, to] : options.pairs) result.pairs.push_back({of, to, ratios(of, to)});
  return result;
}

WarmUp warm_up(const Schedule& schedule, std::uint16_t arms, Rounds rounds) {
  WarmUp result;
  if (rounds.end < kFewestToSettle) return result;
  const Rounds all{0, rounds.end};
  result.from = rounds.first;
  for (std::uint16_t arm = 0; arm < arms; ++arm) {
    const std::vector<double> by_round =
        arm_rounds(schedule, arm, all).latency.block_quantiles(0.5);
    // A round without a request, or without an answer, has no level and is none: a server that goes
    // down has not warmed up.
    std::vector<double> medians;
    std::vector<std::uint32_t> round_of;
    for (std::uint32_t i = 0; i < by_round.size(); ++i) {
      if (!std::isfinite(by_round[i])) continue;
      medians.push_back(by_round[i]);
      round_of.push_back(i);
    }
    if (medians.empty()) continue;
    if (medians.size() < kFewestToSettle) return {WarmUp::State::kTooShort, rounds.first, arm};
    const auto steady = stats::steady_state(medians);
    if (!steady) return {WarmUp::State::kUnsteady, rounds.first, arm};
    if (steady->from > 0) result.from = std::max(result.from, round_of[steady->from]);
  }
  result.state = WarmUp::State::kSteady;
  return result;
}

}  // namespace duet::bench
