#include "host/bench/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace duet::bench {

namespace {

constexpr double kAsSlow = 2;          // from there on in multiples
constexpr double kLeastEffect = 0.01;  // what is worth telling
constexpr double kLeastMore = 0.1;     // of the requests that there were
constexpr double kMostErrors = 0.01;   // an arm with more is not compared

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

std::optional<AaRecord> aa_record(const Comparison& comparison, const std::vector<ArmVerdict>& arms,
                                  std::span<const Metric> metrics) {
  for (std::size_t i = 0; i < arms.size(); ++i) {
    if (!arms[i].is_copy) continue;
    AaRecord record;
    record.arm = i;
    for (const Metric metric : metrics) {
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

namespace {

std::string times_words(const stats::BlockInterval& ratio) {
  const bool slower = ratio.low > 1;
  const double least = slower ? ratio.low : 1 / ratio.high;
  const double most = slower ? ratio.high : 1 / ratio.low;
  if (most >= kAsSlow) {
    return fmt::format("{:.1f} to {:.1f} times as {}", std::floor(least * 10) / 10,
                       std::ceil(most * 10) / 10, slower ? "slow" : "fast");
  }
  // "20% faster" takes 20% less time.
  return slower ? percent_range(ratio.low - 1, ratio.high - 1)
                : percent_range(1 - ratio.high, 1 - ratio.low);
}

}  // namespace

std::string slower_words(const stats::BlockInterval& ratio) {
  const std::string times = times_words(ratio);
  if (times.back() != '%') return times + " as";
  return times + (ratio.low > 1 ? " slower than" : " faster than");
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
                     Verdict::Kind::kVoid, i,
                     fmt::format("{:.3g}% of the requests to {} fail",
                                 100 * arms[failing].error_share, arms[failing].name)});
      continue;
    }
    const std::size_t behind = arms[i].beyond_reach ? i : (arms[0].beyond_reach ? 0 : arms.size());
    if (behind != arms.size()) {
      const std::string why = "the rate is beyond the reach of " + arms[behind].name;
      all.push_back({fmt::format("{} and {} are not compared: {}", name, first, why),
                     Verdict::Kind::kVoid, i, why});
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
           lagged ? Verdict::Kind::kVoid : Verdict::Kind::kCannotTell, i,
           std::string(ratio.missing)});
      continue;
    }
    const stats::BlockInterval& interval = *ratio.interval;
    const std::string range =
        fmt::format("{} to {}", signed_percent(interval.low), signed_percent(interval.high));
    const double factor = aa_factor(comparison, aa, metric);
    if (!contains(interval, 1) && (interval.low > factor || interval.high < 1 / factor)) {
      all.push_back(
          {fmt::format("{} is {} {}{} ({})", name, slower_words(interval), first, at, basis),
           interval.low > 1 ? Verdict::Kind::kSlower : Verdict::Kind::kFaster, i,
           times_words(interval)});
    } else if (!contains(interval, 1)) {
      all.push_back(
          {fmt::format("cannot tell whether {} is slower or faster than {}{} ({}; {}): "
                       "{} differs from itself by up to {:.1f}%",
                       name, first, at, range, basis, first, 100 * (factor - 1)),
           Verdict::Kind::kCannotTell, i,
           fmt::format("{} differs from itself by up to {:.1f}%", first, 100 * (factor - 1))});
    } else if (interval.low > 1 - kLeastEffect && interval.high < 1 + kLeastEffect) {
      all.push_back({fmt::format("{} is as fast as {}{}, to within 1% ({}; {})", name, first, at,
                                 range, basis),
                     Verdict::Kind::kSame, i, "to within 1%"});
    } else {
      const std::string more =
          with_commas(requests_needed(interval, ratio.value, requests)) + " more requests an arm";
      all.push_back({fmt::format("cannot tell whether {} is slower or faster than {}{} ({}; {}): "
                                 "about {} are needed",
                                 name, first, at, range, basis, more),
                     Verdict::Kind::kCannotTell, i, "about " + more});
    }
  }
  return all;
}

namespace {

// "slower: c (8-13%), d (2-5%)"; "cannot tell (too few requests): c, d", when all say the same.
std::string listed(std::string_view kind, const std::vector<const Verdict*>& all,
                   const std::vector<ArmVerdict>& arms) {
  const std::string& first = all.front()->brief;
  const bool alike = all.size() > 1 && std::all_of(all.begin(), all.end(), [&](const Verdict* one) {
                       return one->brief == first;
                     });
  std::string text;
  for (const Verdict* one : all) {
    text += (text.empty() ? "" : ", ") + arms[one->arm].name;
    if (!alike) text += " (" + one->brief + ")";
  }
  return std::string(kind) + (alike ? " (" + first + "): " : ": ") + text;
}

}  // namespace

std::vector<std::string> headlines(const Comparison& comparison,
                                   const std::vector<ArmVerdict>& arms, Metric metric) {
  using Kind = Verdict::Kind;
  constexpr std::size_t kAllTold = 2;
  const std::vector<Verdict> all = verdicts(comparison, arms, metric);
  std::vector<std::string> lines;
  if (all.size() <= kAllTold) {
    for (const Verdict& one : all) lines.push_back(one.sentence);
    return lines;
  }
  const auto value = [&](const Verdict* one) {
    const double ratio = comparison.ratio(one->arm, metric).value;
    return std::isfinite(ratio) ? ratio : std::numeric_limits<double>::max();
  };
  std::vector<const Verdict*> of_kind[5];
  for (const Verdict& one : all) of_kind[static_cast<std::size_t>(one.kind)].push_back(&one);
  for (auto& some : of_kind) {
    std::stable_sort(some.begin(), some.end(),
                     [&](const Verdict* a, const Verdict* b) { return value(a) < value(b); });
  }
  auto& faster = of_kind[static_cast<std::size_t>(Kind::kFaster)];
  std::uint64_t requests = comparison.requests[0];
  for (const Verdict& one : all) requests = std::min(requests, comparison.requests[one.arm]);
  const std::string basis =
      fmt::format(" at {} (95%; {} requests an arm; {})", metric_name(metric),
                  with_commas(requests), aa_words(aa_record(comparison, arms)));
  if (!faster.empty()) {
    lines.push_back(faster.front()->sentence);
    faster.erase(faster.begin());
  } else if (of_kind[static_cast<std::size_t>(Kind::kSlower)].size() == all.size()) {
    lines.push_back(
        fmt::format("{} is faster than the other {}{}", arms[0].name, all.size(), basis));
  } else {
    lines.push_back(fmt::format("none of the other {} is shown to be faster than {}{}", all.size(),
                                arms[0].name, basis));
  }
  constexpr std::string_view kWords[] = {"also faster", "slower", "as fast", "cannot tell",
                                         "not compared"};
  for (std::size_t kind = 0; kind < std::size(kWords); ++kind) {
    if (!of_kind[kind].empty()) lines.push_back(listed(kWords[kind], of_kind[kind], arms));
  }
  return lines;
}

}  // namespace duet::bench
