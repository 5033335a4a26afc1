#include "host/cli/lab_words.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "host/base/escape.h"
#include "host/cli/bench_cells.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using bench::Metric;
using Kind = LabFigure::Kind;

// A bound of an interval of ratios, rounded away from its middle: three digits at least.
std::string bound(double value, bool up) {
  const double unit = value < 10 ? 100 : value < 100 ? 10 : 1;
  // 2.3 is not 2.2999999: what lies within the noise of the division is not rounded on.
  const double scaled = value * unit;
  const double rounded = up ? std::ceil(scaled - 1e-9) : std::floor(scaled + 1e-9);
  return fmt::format("{:.{}f}", rounded / unit, value < 10 ? 2 : value < 100 ? 1 : 0);
}

std::string range(const stats::BlockInterval& interval) {
  const std::string low = bound(interval.low, false), high = bound(interval.high, true);
  return low == high ? low : low + " to " + high;
}

std::string time_text(double nanos) { return measure::format_duration(static_cast<Nanos>(nanos)); }

std::string time_range(double low, double high) {
  const std::string from = time_text(low), to = time_text(high);
  return from == to ? from : from + " to " + to;
}

std::string rate_range(const stats::BlockInterval& interval) {
  const std::string from = rate_text(interval.low), to = rate_text(interval.high);
  return from == to ? from : from + " to " + to;
}

// `range` times, between two arms of which the first is the better one (or as good).
std::string ratio_words(const LabFigure& figure, const std::string& arm, const std::string& than,
                        const std::string& times) {
  if (figure.kind == Kind::kFirstAnswer) {
    return fmt::format("{} takes {} times as long to its first answer as {}", than, times, arm);
  }
  if (figure.kind == Kind::kSteady) {
    return fmt::format("{} takes {} times as long to a steady state as {}", than, times, arm);
  }
  switch (figure.metric) {
    case Metric::kThroughput:
      return fmt::format("{} answers {} times as many requests a second as {}", arm, times, than);
    case Metric::kCpu:
      return fmt::format("{} takes {} times the CPU time a request of {}", than, times, arm);
    case Metric::kMean:
      return fmt::format("{} takes {} times as long as {} on average", than, times, arm);
    default:
      return fmt::format("{} takes {} times as long as {} at {}", than, times, arm, figure.name);
  }
}

std::string difference_words(const LabCompared& compared, const stats::BlockInterval& interval) {
  const std::string what =
      compared.figure.kind == Kind::kSteady ? "is steady" : "gives its first answer";
  const std::string arm = printable(compared.arm), than = printable(compared.than);
  if (interval.low >= 0) {
    return fmt::format("{} {} {} sooner than {}", arm, what,
                       time_range(interval.low, interval.high), than);
  }
  if (interval.high <= 0) {
    return fmt::format("{} {} {} later than {}", arm, what,
                       time_range(-interval.high, -interval.low), than);
  }
  return fmt::format("{} {} between {} later and {} sooner than {}", arm, what,
                     time_text(-interval.low), time_text(interval.high), than);
}

std::string absolute_words(const LabCompared& compared, const stats::BlockInterval& interval) {
  const LabFigure& figure = compared.figure;
  const std::string arm = printable(compared.arm);
  if (!figure.is_time()) {
    return fmt::format("{} answers {} requests a second", arm, rate_range(interval));
  }
  const std::string time = compared.value.at_most ? "at most " + time_text(interval.high)
                                                  : time_range(interval.low, interval.high);
  if (figure.kind == Kind::kFirstAnswer) return arm + " gives its first answer in " + time;
  if (figure.kind == Kind::kSteady) return arm + " is steady after " + time;
  if (figure.metric == Metric::kCpu) return arm + " takes " + time + " of CPU time a request";
  return arm + " answers in " + time +
         (figure.metric == Metric::kMean ? " on average" : " at " + figure.name);
}

}  // namespace

std::string measured_words(const LabCompared& compared) {
  const LabValue& value = compared.value;
  const std::string arm = printable(compared.arm), than = printable(compared.than);
  if (!value.interval) {
    return fmt::format("{} of {}{} is not known: {}", figure_title(compared.figure), arm,
                       than.empty() ? "" : " beside " + than, printable(value.missing));
  }
  const stats::BlockInterval& interval = *value.interval;
  if (than.empty()) return absolute_words(compared, interval);
  if (compared.is_difference) return difference_words(compared, interval);
  if (interval.high < 1) {
    return ratio_words(compared.figure, than, arm, range({1 / interval.high, 1 / interval.low}));
  }
  return ratio_words(compared.figure, arm, than, range(interval));
}

std::string here_words(const LabCompared& compared) {
  std::string text = compared.about.empty() ? "" : printable(compared.about) + ": ";
  text += measured_words(compared);
  if (!compared.finding) return text;
  text += ": " + found_words(compared);
  if (!compared.doubt.empty()) text += ", for " + compared.doubt;
  return text + " (" + printable(compared.claimed->text) + ")";
}

std::string found_words(const LabCompared& compared) {
  if (!compared.finding) return "not known";
  if (*compared.finding == Finding::kFails && compared.than.empty()) {
    return compared.value.interval->low > compared.claimed->high ? "more than claimed"
                                                                 : "less than claimed";
  }
  return std::string(finding_words(*compared.finding));
}

std::string about_cell(const LabCompared& compared, const std::string& run) {
  const std::string about =
      !compared.about.empty() ? printable(compared.about)
                              : printable(compared.arm) +
                                    (compared.than.empty() ? ", " + figure_title(compared.figure)
                                                           : " beside " + printable(compared.than));
  return run.empty() ? about : printable(run) + "; " + about;
}

std::string split_words(const LabSplitted& split) {
  const auto times = [](const LabValue& value) {
    if (!value.interval) return fmt::format("{:.2f} ({})", value.value, value.missing);
    return fmt::format("{:.2f} ({})", value.value, range(*value.interval));
  };
  std::string text = fmt::format("{} times from {} to {}", times(split.total),
                                 printable(split.from), printable(split.to));
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? " = " : " x ", printable(split.parts[i].name),
                        times(split.parts[i].value));
  }
  return text;
}

std::string value_cell(const LabCompared& compared) {
  if (!compared.value.interval) return "-";
  const stats::BlockInterval& interval = *compared.value.interval;
  if (compared.value.at_most) return "at most " + time_text(interval.high);
  if (compared.than.empty()) {
    return compared.figure.is_time() ? time_range(interval.low, interval.high)
                                     : rate_range(interval);
  }
  if (compared.is_difference) {
    const auto signed_time = [](double nanos) {
      return nanos < 0 ? "-" + time_text(-nanos) : time_text(nanos);
    };
    return signed_time(interval.low) + " to " + signed_time(interval.high);
  }
  return bound(interval.low, false) + "x to " + bound(interval.high, true) + "x";
}

std::string figure_cell(const LabFigure& figure, const LabValue& value) {
  if (!value.interval) return value.missing.empty() ? "-" : value.missing;
  if (!figure.is_time()) return rate_range(*value.interval);
  return time_range(value.interval->low, value.interval->high);
}

std::string figure_title(const LabFigure& figure) {
  if (figure.kind == Kind::kFirstAnswer) return "first answer";
  if (figure.kind == Kind::kSteady) return "steady after";
  switch (figure.metric) {
    case Metric::kThroughput:
      return "requests a second";
    case Metric::kCpu:
      return "CPU a request";
    case Metric::kMean:
      return "mean latency";
    default:
      return "latency " + figure.name;
  }
}

}  // namespace duet::cli
