#include "host/cli/bench_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "host/base/escape.h"
#include "host/cli/bench_cells.h"
#include "host/cli/bench_text.h"
#include "host/cli/bench_verdict.h"
#include "host/measure/table.h"
#include "host/report/html.h"
#include "host/report/svg.h"
#include "host/stats/shift_function.h"

namespace duet::cli {

namespace {

using bench::Metric;
using measure::format_duration;
using report::Cell;
using report::Table;
using report::words;

constexpr std::size_t kMostLines = report::kColours;
constexpr double kBucket = 1.04;  // of the shift function: a quantile is known to 2%
constexpr double kBar = 1.12;     // of histograms
constexpr double kMilli = 1e-6;   // from nanoseconds
// The band of the tail may be a hundred times as wide as that of the rest: up to there everything
// is seen, and as much again as a part of it.
constexpr double kSeenUpTo = 0.9, kSeenBeyond = 1.5;

class PageWriter {
 public:
  PageWriter(const bench::Plan& plan, const BenchResult& result) : plan_(plan), result_(result) {
    arms_ = arm_verdicts(plan, result);
    for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
      rounds_.push_back(
          arm_rounds(result.schedule, static_cast<std::uint16_t>(arm), result.rounds));
    }
  }

  std::string write() {
    report::Page page;
    page.title = "duet bench";
    for (const auto& arm : arms_) {
      if (!arm.is_copy) page.title += (&arm == &arms_[0] ? ": " : ", ") + arm.name;
    }
    std::string first;
    for (const std::string& note : bench_notes(plan_, result_)) first += report::warning(note);
    add_verdict(page, first);
    const auto second = static_cast<std::time_t>(result_.started / kSecond);
    page.about =
        fmt::format("{:%F %T} UTC; {}", fmt::gmtime(second), run_description(plan_, result_));
    const auto add = [&page](const char* title, std::string html) {
      if (!html.empty()) page.sections.push_back({title, std::move(html)});
    };
    add("", std::move(first));
    add("Figures", figures());
    if (!result_.steps.empty()) add("Steps of the ramp", steps());
    if (arms_.size() > 1) add(("Ratios to " + arms_[0].name).c_str(), ratios());
    add("How much slower, at each quantile", shift());
    add("Over time", over_time());
    add("How latencies are distributed", histogram());
    add("How this was measured", design());
    return report::page(page);
  }

 private:
  void add_verdict(report::Page& page, std::string& rest) const {
    if (!result_.comparison) {
      page.verdict = "No verdict: the rounds of a ramp or a replay are not alike";
      return;
    }
    std::string others;
    for (const std::string& line : headlines(*result_.comparison, arms_)) {
      if (page.verdict.empty()) {
        page.verdict = line;
      } else {
        others += report::paragraph(line);
      }
    }
    rest = others + rest;
    if (!page.verdict.empty()) return;
    const bench::Figure& median = result_.comparison->arm(0, Metric::kP50);
    page.verdict = arms_[0].name + (median.interval
                                        ? fmt::format(" answers in {} to {} (median, 95%)",
                                                      format_duration(Nanos(median.interval->low)),
                                                      format_duration(Nanos(median.interval->high)))
                                        : ": " + std::string(median.missing));
  }

  // A figure, with its interval in brackets.
  Cell latency(std::size_t arm, double p) const {
    const bench::Summary& summary = result_.arms[arm];
    std::string below;
    for (std::size_t i = 0; result_.comparison && i < bench::kMetrics; ++i) {
      const auto metric = static_cast<Metric>(i);
      const auto& interval = result_.comparison->arm(arm, metric).interval;
      if (bench::quantile_share(metric) != p || !interval) continue;
      below = fmt::format("{} to {}", format_duration(Nanos(interval->low)),
                          format_duration(Nanos(interval->high)));
    }
    return report::number(latency_cell(summary, p), std::move(below));
  }

  static std::string nanos_text(double value) { return format_duration(Nanos(value)); }

  // What `text` makes of the CPU time of a request, with its interval.
  template <class Text>
  Cell cpu(std::size_t arm, const Text& text) const {
    const bench::Figure& figure = result_.comparison->arm(arm, Metric::kCpu);
    if (!figure.interval) return {std::string(figure.missing), true, 0, Cell::Tone::kQuiet};
    return report::number(text(figure.value), fmt::format("{} to {}", text(figure.interval->low),
                                                          text(figure.interval->high)));
  }

  std::string figures() const {
    Table rows{{""}, {}};
    for (const auto& arm : arms_) rows.head.push_back(arm.name);
    const auto row = [&](std::string title, const auto& cell) {
      rows.rows.push_back({words(std::move(title))});
      for (std::size_t arm = 0; arm < arms_.size(); ++arm) rows.rows.back().push_back(cell(arm));
    };
    const auto text = [&](const char* title, const auto& of) {
      row(title, [&](std::size_t arm) { return report::number(of(result_.arms[arm])); });
    };
    text("requests", [](const bench::Summary& s) { return measure::format_count(s.requests); });
    text("answers a second",
         [](const bench::Summary& s) { return rate_text(per_second(s.answered, s.loaded)); });
    row("failed", [&](std::size_t arm) {
      const bench::Summary& s = result_.arms[arm];
      Cell cell = report::number(measure::format_count(s.lost + s.unsent + s.bad_status));
      if (cell.text != "0") cell.tone = Cell::Tone::kBad;
      return cell;
    });
    for (const double p : bench::kQuantiles) {
      if (!result_.steps.empty()) break;  // of all steps together they are of no rate
      row("latency " + quantile_name(p), [&](std::size_t arm) { return latency(arm, p); });
    }
    text("service p50",
         [](const bench::Summary& s) { return plain(bench::quantile_of(s.service, 0.5)); });
    text("queueing p99",
         [](const bench::Summary& s) { return plain(bench::quantile_of(s.queueing, 0.99)); });
    text("send lag p99",
         [](const bench::Summary& s) { return plain(bench::quantile_of(s.lag, 0.99)); });
    if (result_.comparison) {
      row("CPU a request", [&](std::size_t arm) { return cpu(arm, &nanos_text); });
      row("cores for 10,000 a second", [&](std::size_t arm) { return cpu(arm, &cores_text); });
    }
    for (Row& one : state_rows(plan_, result_)) {
      // Parts of what stands above them are set in.
      const bool part = one[0].starts_with(' ');
      const std::string name =
          one[0].substr(std::min(one[0].find_first_not_of(' '), one[0].size()));
      const Cell::Tone tone = part ? Cell::Tone::kQuiet : Cell::Tone::kPlain;
      rows.rows.push_back({{(part ? "\u2003" : "") + name, false, 0, tone}});
      for (std::size_t i = 1; i < one.size(); ++i) {
        rows.rows.back().push_back({std::move(one[i]), true, 0, tone});
      }
    }
    return report::table(rows) +
           report::note(
               "Latency is from the intended time to the last byte of the answer: send lag, "
               "queueing for a free connection, and service. Below a figure: its 95% interval, by "
               "resampling rounds. CPU is of all threads of the server's processes.");
  }

  std::string steps() const {
    Table rows{{"requests a second", "", "answered", "failed", "p50", "p99", "max"}, {}};
    for (const BenchStep& step : result_.steps) {
      for (std::size_t arm = 0; arm < arms_.size(); ++arm) {
        const bench::Summary& s = step.arms[arm];
        auto& row = rows.rows.emplace_back();
        row.push_back(words(rate_text(step.rate)));
        row.push_back(words(arms_[arm].name));
        row.push_back(report::number(rate_text(per_second(s.answered, s.loaded))));
        row.push_back(report::number(measure::format_count(s.lost + s.unsent + s.bad_status)));
        for (const double p : {0.5, 0.99, 1.0}) row.push_back(report::number(latency_cell(s, p)));
      }
    }
    return report::table(rows);
  }

  std::string ratios() const {
    if (!result_.comparison || arms_.size() < 2) return "";
    report::RangePlot plot;
    plot.x = {.label = arms_[0].name + " is 1", .log = true, .mark = 1};
    plot.description = "Ratios to the figures of " + arms_[0].name + ", with 95% intervals";
    std::map<std::string_view, std::string> missing;  // by reason
    const auto add = [&](const std::string& what, const bench::Figures& ratios, std::size_t arm) {
      for (std::size_t i = 0; i < bench::kMetrics; ++i) {
        const bench::Figure& ratio = ratios[i];
        const std::string name =
            what + " " + std::string(bench::metric_name(static_cast<Metric>(i)));
        if (ratio.interval) {
          plot.rows.push_back(
              {name, ratio.interval->low, ratio.interval->high, ratio.value,
               fmt::format("{:.3f} to {:.3f}", ratio.interval->low, ratio.interval->high),
               colour_of(arm)});
        } else if (ratio.missing != bench::kNotKnown) {
          std::string& names = missing[ratio.missing];
          names += (names.empty() ? "" : ", ") + name;
        }
      }
    };
    for (std::size_t arm = 1; arm < arms_.size(); ++arm) {
      add(arms_[arm].name, result_.comparison->ratios[arm], arm);
    }
    for (const bench::PairRatios& pair : result_.comparison->pairs) {
      add(arms_[pair.of].name + "/" + arms_[pair.to].name, pair.figures, pair.of);
    }
    std::string html;
    if (!plot.rows.empty()) {
      html = report::figure(
          report::draw(plot),
          "Right of 1: more than " + arms_[0].name +
              "'s, or than the second one's where there are two names. Each 95% interval holds by "
              "itself, by resampling whole rounds.");
    }
    for (const auto& [reason, names] : missing) {
      html += report::note("Without an interval, " + std::string(reason) + ": " + names + ".");
    }
    const auto aa = aa_record(*result_.comparison, arms_);
    html += report::paragraph(
        aa ? arms_[aa->arm].name + " is " + arms_[0].name +
                 " measured once more, so its ratios are to hold 1: " + aa_words(aa) + "."
           : arms_[0].name + " was not measured once more, so there is no A/A record.");
    return html;
  }

  // Edges of buckets that hold all latencies, each `factor` times the one before.
  std::vector<double> edges(double factor) const {
    double low = INFINITY, high = 0;
    for (const bench::ArmRounds& arm : rounds_) {
      for (const stats::Observation& one : arm.latency.ascending()) {
        if (!std::isfinite(one.value)) continue;
        low = std::min(low, std::max(1.0, one.value));
        high = std::max(high, one.value);
      }
    }
    std::vector<double> found;
    if (high == 0) return found;
    for (double edge = low;; edge *= factor) {
      found.push_back(edge);
      if (edge > high) return found;
    }
  }

  static std::size_t bucket_of(const std::vector<double>& edges, double value) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), value);
    const auto at = above - edges.begin() - 1;
    return static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(at, 0, static_cast<std::ptrdiff_t>(edges.size()) - 2));
  }

  std::string shift() const {
    if (!result_.comparison || arms_.size() < 2) return "";
    const std::vector<double> at = edges(kBucket);
    if (at.size() < 2) return "";
    report::LinePlot plot;
    double largest = 0, seen = 0;
    for (std::size_t arm = 1; arm < arms_.size() && plot.lines.size() < kMostLines; ++arm) {
      const std::vector<double> ps = shown_quantiles(arm);
      std::vector<stats::PairedBlock> blocks(result_.rounds.count());
      for (auto& block : blocks) {
        block.a.assign(at.size() - 1, 0);
        block.b.assign(at.size() - 1, 0);
      }
      for (const stats::Observation& one : rounds_[0].latency.ascending()) {
        blocks[one.block].a[bucket_of(at, one.value)] += one.count;
      }
      for (const stats::Observation& one : rounds_[arm].latency.ascending()) {
        blocks[one.block].b[bucket_of(at, one.value)] += one.count;
      }
      const auto points = stats::shift_function(blocks, at, ps, {.seed = plan_.schedule.seed});
      if (!points || points->empty()) continue;
      report::Line& line = plot.lines.emplace_back();
      line.name = arms_[arm].name;
      line.colour = colour_of(arm);
      for (const stats::ShiftPoint& point : *points) {
        line.points.push_back({point.p, point.difference, point.low, point.high});
        const double far = std::max(std::abs(point.low), std::abs(point.high));
        largest = std::max(largest, far);
        if (point.p <= kSeenUpTo) seen = std::max(seen, kSeenBeyond * far);
      }
    }
    if (plot.lines.empty()) {
      return report::note(
          "Too few requests or rounds for a band around all quantiles, or all are void.");
    }
    const bool small = largest < 1e6;
    plot.x = {.label = "quantile of the latency", .suffix = "%", .scale = 100};
    plot.y = {.label = "slower than " + arms_[0].name + " by, " +
                       (small ? "microseconds" : "milliseconds"),
              .scale = small ? 1e-3 : kMilli,
              .mark = 0};
    const bool cut = seen > 0 && largest > seen;
    if (cut) {
      plot.y.low = -seen;
      plot.y.high = seen;
    }
    plot.description = "By how much each quantile differs from that of " + arms_[0].name;
    return report::figure(report::draw(plot),
                          std::string("Above the line at 0: slower. The 95% band holds at all "
                                      "quantiles at once; where it includes 0, nothing is known. "
                                      "Void ones are left out.") +
                              (cut ? " What goes beyond the drawing is drawn at its edge." : ""));
  }

  // Quantiles of which both arms have ten requests on the far side, answered ones, and which are no
  // void figure of either.
  std::vector<double> shown_quantiles(std::size_t arm) const {
    std::vector<double> ps;
    const auto add = [&](double p) {
      for (const std::size_t one : {std::size_t{0}, arm}) {
        const bench::Summary& s = result_.arms[one];
        const auto all = static_cast<double>(s.requests);
        const auto lost = static_cast<double>(s.lost + s.unsent);
        if ((1 - p) * all < lost + stats::kFewestBeyond || p * all < stats::kFewestBeyond) return;
        if (s.lagged_at(p)) return;
      }
      ps.push_back(p);
    };
    for (int percent = 2; percent <= 98; percent += 2) add(percent / 100.0);
    for (const double p : {0.99, 0.995, 0.999}) add(p);
    return ps;
  }

  std::string over_time() const {
    report::LinePlot plot;
    plot.x = {.label = "seconds since the start"};
    plot.y = {.label = "latency, milliseconds", .scale = kMilli, .log = true};
    plot.description = "The median latency of each block, from the first decile to the ninth";
    const bench::Rounds all{0, result_.rounds.end};
    for (std::uint16_t arm = 0; arm < arms_.size() && arm < kMostLines; ++arm) {
      const bench::ArmRounds rounds = arm_rounds(result_.schedule, arm, all);
      const auto low = rounds.latency.block_quantiles(0.1);
      const auto middle = rounds.latency.block_quantiles(0.5);
      const auto high = rounds.latency.block_quantiles(0.9);
      report::Line line{arms_[arm].name, {}, colour_of(arm)};
      for (const bench::Block& block : result_.schedule.blocks) {
        if (block.arm != arm || !all.contains(block.round)) continue;
        const std::size_t i = block.round;
        if (!std::isfinite(middle[i])) continue;  // none, or most without an answer
        line.points.push_back({static_cast<double>(block.from) / 1e9, middle[i], low[i],
                               std::isfinite(high[i]) ? high[i] : middle[i]});
      }
      plot.lines.push_back(std::move(line));
    }
    const double from = static_cast<double>(first_measured()) / 1e9;
    plot.x.mark = from;
    return report::figure(
        report::draw(plot),
        fmt::format("The median of each block, with a band from the first decile to the ninth. "
                    "Figures are of what came after {:.3g} s{}.",
                    from, from > 0 ? ", at the line, when the warm-up was over" : ""));
  }

  static int colour_of(std::size_t arm) { return static_cast<int>(arm % kMostLines); }

  Nanos first_measured() const {
    for (const bench::Block& block : result_.schedule.blocks) {
      if (block.round == result_.rounds.first) return block.from;
    }
    return 0;
  }

  std::string histogram() const {
    const std::vector<double> at = edges(kBar);
    if (at.size() < 2) return "";
    report::LinePlot plot;
    plot.x = {.label = "latency, milliseconds", .scale = kMilli, .log = true};
    plot.y = {.label = "share of the requests", .suffix = "%", .scale = 100};
    plot.description = "How the latencies are distributed";
    for (std::size_t arm = 0; arm < arms_.size() && arm < kMostLines; ++arm) {
      std::vector<double> shares(at.size() - 1);
      const auto all = static_cast<double>(std::max<std::uint64_t>(1, rounds_[arm].latency.size()));
      for (const stats::Observation& one : rounds_[arm].latency.ascending()) {
        if (std::isfinite(one.value)) shares[bucket_of(at, one.value)] += one.count / all;
      }
      report::Line line{arms_[arm].name, {}, colour_of(arm)};
      for (std::size_t i = 0; i < shares.size(); ++i) {
        // A staircase: a bar from edge to edge.
        for (const double x : {at[i], at[i + 1]}) {
          line.points.push_back({x, shares[i], 0, shares[i]});
        }
      }
      plot.lines.push_back(std::move(line));
    }
    return report::figure(report::draw(plot),
                          "Each step is 12% wide. Requests without an answer are not in it.");
  }

  std::string design() const {
    Table rows{{"", ""}, {}};
    const auto add = [&rows](std::string name, std::string value) {
      rows.rows.push_back({words(std::move(name)), words(std::move(value))});
    };
    for (std::size_t i = 0; i < arms_.size(); ++i) {
      add(arms_[i].name, printable(plan_.arms[i].target) +
                             (arms_[i].is_copy ? " (the first one once more: the A/A arm)" : ""));
    }
    add("load", run_description(plan_, result_));
    add("turns",
        fmt::format("in blocks of {}, each target once a round, in random order; {} rounds "
                    "count, {} before them do not",
                    format_duration(plan_.schedule.block), result_.rounds.count(),
                    result_.rounds.first));
    add("seed", std::to_string(plan_.schedule.seed));
    for (const bench::Fact& fact : result_.fingerprint) add(fact.name, printable(fact.value));
    return report::table(rows) +
           report::note(
               "Every request had an intended time before the run began, and its latency counts "
               "from there; what the generator itself sent late is subtracted from nothing. "
               "Intervals: whole rounds drawn again, with replacement.");
  }

  const bench::Plan& plan_;
  const BenchResult& result_;
  std::vector<bench::ArmVerdict> arms_;
  std::vector<bench::ArmRounds> rounds_;  // by arm
};

}  // namespace

std::string bench_page(const bench::Plan& plan, const BenchResult& result) {
  return PageWriter(plan, result).write();
}

}  // namespace duet::cli
