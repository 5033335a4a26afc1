#include "host/bench/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace duet::bench {

namespace {

constexpr double kAsSlow = 2;          // from there on in multiples
constexpr double kLeastEffect = 0.01;  // what is worth telling
constexpr double kLeastMore = 0.1;     // of the requests that there were
constexpr double kMostErrors = 0.01;   // an arm with more is not compared
constexpr Metric kAaMetrics[] = {Metric::kP50, Metric::kP90, Metric::kP99};

std::string with_commas(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

// Percentages outward: "8-13%", "0.4-0.9%".
std::string percent_range(double low, double high) {
  low = 100 * low + 1e-9;  // 20% is not 20.000000001%
  high = 100 * high - 1e-9;
  if (high >= 10 || high - low >= 2) {
    const double from = std::floor(low), to = std::ceil(high);
    if (from >= 1) return fmt::format("{:.0f}-{:.0f}%", from, to);
  }
  return fmt::format("{:.1f}-{:.1f}%", std::floor(low * 10) / 10, std::ceil(high * 10) / 10);
}

std::string signed_percent(double ratio) {
  const double percent = 100 * (ratio - 1);
  return std::abs(percent) < 10 ? fmt::format("{:+.1f}%", percent)
                                : fmt::format("{:+.0f}%", percent);
}

bool contains(const stats::BlockInterval& interval, double value) {
  return interval.low <= value && value <= interval.high;
}

// How far from 1 the first arm was from itself: as a factor, at least 1.
double aa_factor(const Comparison& comparison, const std::optional<AaRecord>& record,
                 Metric metric) {
  if (!record) return 1;
  const Figure& ratio = comparison.ratio(record->arm, metric);
  if (!ratio.interval || contains(*ratio.interval, 1)) return 1;
  return std::max({1.0, ratio.interval->high, 1 / ratio.interval->low});
}

}  // namespace

std::optional<AaRecord> aa_record(const Comparison& comparison,
                                  const std::vector<ArmVerdict>& arms) {
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (!arms[i].is_copy) continue;
    AaRecord record;
    record.arm = i;
    for (const Metric metric : kAaMetrics) {
      const Figure& ratio = comparison.ratio(i, metric);
      if (!ratio.interval) continue;
      record.known = true;
      if (!contains(*ratio.interval, 1)) record.differs.push_back(metric);
    }
    return record;
  }
  return std::nullopt;
}

std::string aa_words(const std::optional<AaRecord>& record) {
  if (!record) return "no A/A arm";
  if (!record->known) return "A/A says nothing";
  if (record->differs.empty()) return "A/A clean";
  std::string names;
  for (const Metric metric : record->differs) {
    names += (names.empty() ? "" : ", ") + std::string(metric_name(metric));
  }
  return "A/A differs at " + names;
}

std::string slower_words(const stats::BlockInterval& ratio) {
  const bool slower = ratio.low > 1;
  const double least = slower ? ratio.low : 1 / ratio.high;
  const double most = slower ? ratio.high : 1 / ratio.low;
  if (most >= kAsSlow) {
    return fmt::format("{:.1f} to {:.1f} times as {} as", std::floor(least * 10) / 10,
                       std::ceil(most * 10) / 10, slower ? "slow" : "fast");
  }
  // "20% faster" takes 20% less time.
  return slower ? percent_range(ratio.low - 1, ratio.high - 1) + " slower than"
                : percent_range(1 - ratio.high, 1 - ratio.low) + " faster than";
}

std::uint64_t requests_needed(const stats::BlockInterval& ratio, double value,
                              std::uint64_t requests) {
  const double half = (std::log(ratio.high) - std::log(ratio.low)) / 2;
  const double effect = std::max(std::abs(std::log(value)), std::log1p(kLeastEffect));
  // Deviations shrink with the root; found in 4 of 5 runs at 95%: (1.96 + 0.84) / 1.96.
  const double shrink = 1.43 * half / effect;
  const double more = static_cast<double>(requests) * std::max(kLeastMore, shrink * shrink - 1);
  const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(more)) - 1));
  return static_cast<std::uint64_t>(std::ceil(more / unit) * unit);
}

std::vector<Verdict> verdicts(const Comparison& comparison, const std::vector<ArmVerdict>& arms,
                              Metric metric) {
  const auto aa = aa_record(comparison, arms);
  std::vector<Verdict> all;
  for (std::size_t i = 1; i < arms.size(); ++i) {
    if (arms[i].is_copy) continue;
    const std::string& name = arms[i].name;
    const std::string& first = arms[0].name;
    const std::string at = fmt::format(" at {}", metric_name(metric));
    const std::uint64_t requests = std::min(comparison.requests[0], comparison.requests[i]);
    const std::string basis =
        fmt::format("95%; {} requests an arm; {}", with_commas(requests), aa_words(aa));
    const std::size_t failing = arms[i].error_share > kMostErrors
                                    ? i
                                    : (arms[0].error_share > kMostErrors ? 0 : arms.size());
    if (failing != arms.size()) {
      all.push_back({fmt::format("{} and {} are not compared: {:.3g}% of the requests to {} fail",
                                 name, first, 100 * arms[failing].error_share, arms[failing].name),
                     Verdict::Kind::kVoid});
      continue;
    }
    const Figure& ratio = comparison.ratio(i, metric);
    if (!ratio.interval) {
      const bool lagged = ratio.missing == kLagged;
      all.push_back(
          {lagged ? fmt::format("{} and {} are not compared{}: {}", name, first, at, ratio.missing)
                  : fmt::format("cannot tell whether {} is slower or faster than {}{}: {}", name,
                                first, at,
                                ratio.missing == kTooFewRounds
                                    ? fmt::format("the run has {} rounds, and it takes {}",
                                                  comparison.rounds, stats::kFewestBlocks)
                                    : std::string(ratio.missing)),
           lagged ? Verdict::Kind::kVoid : Verdict::Kind::kCannotTell});
      continue;
    }
    const stats::BlockInterval& interval = *ratio.interval;
    const std::string range =
        fmt::format("{} to {}", signed_percent(interval.low), signed_percent(interval.high));
    const double factor = aa_factor(comparison, aa, metric);
    if (!contains(interval, 1) && (interval.low > factor || interval.high < 1 / factor)) {
      all.push_back(
          {fmt::format("{} is {} {}{} ({})", name, slower_words(interval), first, at, basis),
           interval.low > 1 ? Verdict::Kind::kSlower : Verdict::Kind::kFaster});
    } else if (!contains(interval, 1)) {
      all.push_back({fmt::format("cannot tell whether {} is slower or faster than {}{} ({}; {}): "
                                 "{} differs from itself by up to {:.1f}%",
                                 name, first, at, range, basis, first, 100 * (factor - 1)),
                     Verdict::Kind::kCannotTell});
    } else if (interval.low > 1 - kLeastEffect && interval.high < 1 + kLeastEffect) {
      all.push_back({fmt::format("{} is as fast as {}{}, to within 1% ({}; {})", name, first, at,
                                 range, basis),
                     Verdict::Kind::kSame});
    } else {
      all.push_back(
          {fmt::format("cannot tell whether {} is slower or faster than {}{} ({}; {}): about {} "
                       "more requests an arm are needed",
                       name, first, at, range, basis,
                       with_commas(requests_needed(interval, ratio.value, requests))),
           Verdict::Kind::kCannotTell});
    }
  }
  return all;
}

}  // namespace duet::bench
