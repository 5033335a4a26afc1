// What a run says about its arms: each figure with its interval, and each as a ratio to the first
// arm's. Rounds are the unit: see host/stats/block_bootstrap.h. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "host/bench/schedule.h"
#include "host/bench/summary.h"
#include "host/stats/block_bootstrap.h"

namespace duet::bench {

enum class Metric : std::uint8_t {
  kP50,  // of the latency, as the three after it
  kP90,
  kP99,
  kP999,
  kMean,
  kCpu,         // nanoseconds of CPU for an answer
  kThroughput,  // answers a second; of a closed loop only
};
inline constexpr std::size_t kMetrics = 7;
std::string_view metric_name(Metric metric);  // "p50", "mean", "cpu", "throughput"
// The share below the quantile that it is; nothing for others.
std::optional<double> quantile_share(Metric metric);

// A figure, in nanoseconds, a second, or as a ratio. NaN: there is none; infinite: requests without
// an answer reach down to that quantile. With 95% confidence it lies from low to high.
struct Figure {
  double value = 0;
  std::optional<stats::BlockInterval> interval;
  std::string_view missing;  // why there is no value, or no interval: "too few requests"
};

using Figures = std::array<Figure, kMetrics>;  // by Metric

// Of one arm's figures to another's, by index.
struct PairRatios {
  std::size_t of = 0, to = 0;
  Figures figures;
};

struct Comparison {
  std::vector<Figures> arms;
  std::vector<Figures> ratios;    // to the first arm's; those of the first arm are without meaning
  std::vector<PairRatios> pairs;  // those that were asked for besides
  std::uint32_t rounds = 0;
  std::vector<std::uint64_t> requests;  // by arm

  const Figure& arm(std::size_t index, Metric metric) const {
    return arms[index][static_cast<std::size_t>(metric)];
  }
  const Figure& ratio(std::size_t index, Metric metric) const {
    return ratios[index][static_cast<std::size_t>(metric)];
  }
};

// One arm in one round, as a figure of it needs it.
struct RoundCounts {
  double loaded = 0;    // nanoseconds in which they were answered: see answering_times()
  double answered = 0;  // in time, with any status
  double cpu = 0;       // nanoseconds that its processes used; NaN: not known
};

// What one arm did, round by round: from a run's samples, or from the logs of one.
struct ArmRounds {
  stats::BlockedSample latency;     // infinite: no answer
  std::vector<RoundCounts> counts;  // by round
  // By how much the generator's own lateness moves a latency quantile, as a share of it.
  std::array<double, kMetrics> lag{};
  bool beyond_reach = false;  // as in Summary: the CPU of a round is not that of its answers
};

// Of the rounds that count. `cpu`: by round of the schedule, for that arm; empty: not known.
ArmRounds arm_rounds(const Schedule& schedule, std::uint16_t arm, Rounds rounds,
                     const std::vector<double>& cpu = {});

struct CompareOptions {
  bool closed = false;  // a closed loop: throughput is a result
  bool paired = true;   // the arms' rounds were interleaved; otherwise they are drawn apart
  std::vector<std::pair<std::size_t, std::size_t>> pairs = {};  // of which arm to which
  std::uint64_t seed = 1;
};
// All arms have as many rounds, if they are paired. A ratio that the generator's lag moves by more
// than a hundredth has no value: void.
Comparison compare(const std::vector<ArmRounds>& arms, const CompareOptions& options);

inline constexpr std::string_view kTooFewRequests = "too few requests";
inline constexpr std::string_view kTooFewRounds = "too few rounds";
inline constexpr std::string_view kNotKnown = "not known";
inline constexpr std::string_view kNoAnswer = "no answer";
inline constexpr std::string_view kLagged = "void: the generator lagged";
inline constexpr std::string_view kBeyondReach = "void: the rate is beyond its reach";

// From which round on all arms are on one level, by the change points of the medians of their
// blocks (host/stats/change_points.h).
struct WarmUp {
  enum class State : std::uint8_t {
    kSteady,    // from `from` on
    kUnsteady,  // some arm has no steady state: `arm`
    kTooShort,  // fewer rounds than it takes to see one
  } state = State::kTooShort;
  std::uint32_t from = 0;
  std::uint16_t arm = 0;
};
WarmUp warm_up(const Schedule& schedule, std::uint16_t arms, Rounds rounds);

}  // namespace duet::bench
