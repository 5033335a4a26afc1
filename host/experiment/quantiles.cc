#include "host/experiment/quantiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "host/experiment/two_digits.h"
#include "host/stats/kernel.h"
#include "host/stats/quantile.h"

namespace duet::experiment {

namespace {

using measure::Histogram;

// How many requests of an arm the tests are tuned for: enough to tell a fifth at p50.
constexpr double kTuned = 2000;

// Counts of the slots that either histogram uses, in ascending order: the empty ones between them
// say nothing that their neighbours do not.
struct Slots {
  std::vector<double> control, variant;
  std::vector<std::size_t> slots;

  Slots(const Histogram& a, const Histogram& b) {
    const std::size_t last = std::max(Histogram::slot_of(static_cast<std::uint64_t>(a.max())),
                                      Histogram::slot_of(static_cast<std::uint64_t>(b.max())));
    for (std::size_t slot = 0; slot <= last; ++slot) {
      if (a.count_in(slot) + b.count_in(slot) == 0) continue;
      control.push_back(static_cast<double>(a.count_in(slot)));
      variant.push_back(static_cast<double>(b.count_in(slot)));
      slots.push_back(slot);
    }
  }
};

double tuned(double alpha) { return std::max(1.0, stats::concentration(kTuned, alpha)); }

// Of one arm's quantile, in nanoseconds.
stats::Interval interval_of(const std::vector<double>& counts,
                            const std::vector<std::size_t>& slots, double p, double alpha) {
  const auto found = stats::quantile_interval(counts, p, tuned(alpha), alpha);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!found) return {0, kInfinity};
  return {found->bounded_below ? static_cast<double>(Histogram::lowest_in(slots[found->first])) : 0,
          found->bounded_above ? static_cast<double>(Histogram::highest_in(slots[found->last]))
                               : kInfinity};
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

// "8-13% slower"; a bound that is not beyond equality is left out.
std::string difference(const stats::Interval& ratio) {
  const bool slower = ratio.high > 1 && (ratio.low >= 1 || ratio.low * ratio.high > 1);
  const double least = slower ? ratio.low - 1 : 1 - ratio.high;
  const double most = slower ? ratio.high - 1 : 1 - ratio.low;
  const std::string_view word = slower ? "slower" : "faster";
  if (std::isinf(most)) {
    return least <= 0 ? std::string(word)
                      : fmt::format("at least {}% {}", percent(100 * least), word);
  }
  if (least <= 0) return fmt::format("up to {}% {}", percent(100 * most), word);
  return fmt::format("{}-{}% {}", percent(100 * least), percent(100 * most), word);
}

std::string rolled_back(const VariantSnapshot& variant, const VariantSnapshot& control) {
  const std::string what = fmt::format("'{}' is rolled back", variant.name);
  for (const GuardrailSnapshot& guardrail : variant.guardrails) {
    if (!guardrail.crossed) continue;
    return fmt::format("{} by the guardrail '{}' ({} of {} of its requests; {} of {} of '{}')",
                       what, guardrail.name, with_commas(guardrail.events),
                       with_commas(guardrail.requests), with_commas(guardrail.control_events),
                       with_commas(guardrail.control_requests), control.name);
  }
  return what + " by a guardrail";
}

}  // namespace

void Quantiles::look(const Histogram& control, const Histogram& variant, double alpha) {
  if (control.count() == 0 || variant.count() == 0) return;
  const Slots slots(control, variant);
  for (std::size_t i = 0; i < kDeclared.size(); ++i) {
    const double log_e =
        stats::quantile_log_e(slots.control, slots.variant, kDeclared[i], tuned(alpha));
    if (log_e > highest_[i]) highest_[i] = log_e;
  }
}

std::vector<QuantileEvidence> Quantiles::show(const Histogram& control, const Histogram& variant,
                                              double alpha) const {
  std::vector<QuantileEvidence> all;
  const Slots slots(control, variant);
  for (std::size_t i = 0; i < kDeclared.size(); ++i) {
    QuantileEvidence& one = all.emplace_back();
    one.p = kDeclared[i];
    one.log_e = highest_[i];
    one.called = highest_[i] >= -std::log(alpha);
    one.ratio = {0, std::numeric_limits<double>::infinity()};
    if (control.count() > 0) one.control = control.quantile(one.p);
    if (variant.count() > 0) one.variant = variant.quantile(one.p);
    if (control.count() == 0 || variant.count() == 0) continue;
    const stats::Interval a = interval_of(slots.control, slots.slots, one.p, alpha / 2);
    const stats::Interval b = interval_of(slots.variant, slots.slots, one.p, alpha / 2);
    if (std::isfinite(a.high) && a.high > 0) one.ratio.low = b.low / a.high;
    if (a.low > 0) one.ratio.high = b.high / a.low;
    if (!one.called) continue;
    // Called by the stronger test of both arms together; the intervals are of each by itself, and
    // what they leave open beyond equality is settled.
    if (*one.variant > *one.control) {
      one.ratio.low = std::max(one.ratio.low, 1.0);
    } else {
      one.ratio.high = std::min(one.ratio.high, 1.0);
    }
  }
  return all;
}

void Quantiles::restore(std::span<const double> highest) {
  std::copy_n(highest.begin(), std::min(highest.size(), highest_.size()), highest_.begin());
}

std::string verdict_of(const VariantSnapshot& variant, const VariantSnapshot& control,
                       double alpha) {
  if (variant.quantiles.empty()) return {};
  const QuantileEvidence& median = variant.quantiles.front();
  const std::uint64_t an_arm = std::min(variant.requests, control.requests);
  const std::string on = fmt::format("{:.4g}%, anytime-valid; {} requests an arm",
                                     100 * (1 - alpha), with_commas(an_arm));
  if (!median.control || !median.variant) {
    if (variant.rolled_back) return rolled_back(variant, control);
    return fmt::format("nothing is known of '{}' yet ({})", variant.name, on);
  }
  const double point = static_cast<double>(*median.variant) / static_cast<double>(*median.control);
  if (median.called) {
    return fmt::format("'{}' is {} than '{}' at p50 ({})", variant.name, difference(median.ratio),
                       control.name, on);
  }
  std::string more;
  if (std::isfinite(median.ratio.high) && median.ratio.low > 0) {
    // An interval narrows with the root of the sample: until it is as wide as what there is to see,
    // or, where nothing is to be seen, as 5%.
    const double half = std::log(median.ratio.high / median.ratio.low) / 2;
    const double effect = std::max(std::abs(std::log(point)), std::log(1.05));
    const double needed = static_cast<double>(an_arm) * ((half / effect) * (half / effect) - 1);
    if (needed > 1) {
      more = fmt::format("; about {} more requests an arm are needed", two_digits(needed));
    }
  }
  return fmt::format("cannot tell '{}' from '{}' at p50{} ({})", variant.name, control.name, more,
                     on);
}

namespace {

// What the medians say of a variant: its value as a part of the control's; nothing: not called.
std::optional<double> called_ratio(const VariantSnapshot& variant) {
  if (variant.quantiles.empty()) return std::nullopt;
  const QuantileEvidence& median = variant.quantiles.front();
  if (!median.called || !median.control || !median.variant) return std::nullopt;
  return static_cast<double>(*median.variant) / static_cast<double>(*median.control);
}

}  // namespace

std::string verdict_of(std::span<const VariantSnapshot> variants, std::size_t control,
                       double alpha) {
  constexpr std::size_t kAllTold = 2;
  const double each = alpha / static_cast<double>(variants.size() - 1);
  if (variants.size() - 1 <= kAllTold) {
    std::string all;
    for (std::size_t v = 0; v < variants.size(); ++v) {
      if (v == control) continue;
      all += (all.empty() ? "" : "; ") + verdict_of(variants[v], variants[control], each);
    }
    return all;
  }
  std::optional<std::size_t> best;
  std::uint64_t requests = variants[control].requests;
  std::size_t compared = 0, faster = 0, slower = 0, out = 0;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    if (v == control || variants[v].aa) continue;
    ++compared;
    requests = std::min(requests, variants[v].requests);
    const auto ratio = called_ratio(variants[v]);
    if (!ratio) {
      out += variants[v].rolled_back ? 1 : 0;
      continue;
    }
    ++(*ratio < 1 ? faster : slower);
    if (*ratio < 1 && (!best || *ratio < *called_ratio(variants[*best]))) best = v;
  }
  const std::string& name = variants[control].name;
  std::string text =
      best ? verdict_of(variants[*best], variants[control], each)
           : fmt::format(
                 "none of {} variants is shown to be faster than '{}' at p50 ({:.4g}%, "
                 "anytime-valid; {} requests an arm)",
                 compared, name, 100 * (1 - each), with_commas(requests));
  std::string counts;
  const auto add = [&](std::size_t count, std::string_view what) {
    if (count > 0) counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count, what);
  };
  add(best ? faster - 1 : 0, "faster");
  add(slower, "slower");
  add(out, "rolled back");
  add(compared - faster - slower - out, "not told apart from it");
  return text + fmt::format("; {}: {}", best ? "the others" : "of them", counts);
}

}  // namespace duet::experiment
