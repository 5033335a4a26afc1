#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/cli/experiment_words.h"
#include "host/cli/report.h"
#include "host/experiment/two_digits.h"
#include "host/report/html.h"
#include "host/report/svg.h"

namespace duet::cli {
namespace {

using report::Cell;
using report::Table;
using report::words;

Cell cell_of(const std::optional<double>& micros_value) {
  return micros_value ? report::number(micros(*micros_value)) : words(kTooFew, Cell::Tone::kQuiet);
}

std::string tiles_of(const Report& report) {
  std::vector<report::Tile> tiles;
  for (const ReportVariant& one : report.variants) {
    tiles.push_back({one.name, fmt::format("{:.4g}%", 100 * one.share),
                     fmt::format("of the traffic; {} requests", one.requests), Cell::Tone::kPlain});
  }
  const bool wrong = report.split.starts_with("NOT");
  tiles.push_back({"division", wrong ? "wrong" : "as configured",
                   report.split.substr(report.split.find('(')),
                   wrong ? Cell::Tone::kBad : Cell::Tone::kGood});
  return report::tiles(tiles);
}

std::string shift_of(const Report& report) {
  double largest = 0;
  std::vector<double> bounds;
  report::LinePlot plot;
  int colour = -1;  // as in quantiles_chart()
  std::string left_out;
  for (const ReportVariant& one : report.variants) {
    if (!one.control) ++colour;
    if (one.shift.empty()) continue;
    if (plot.lines.size() == report::kColours) {
      left_out += (left_out.empty() ? "" : ", ") + one.name;
      continue;
    }
    report::Line& line = plot.lines.emplace_back();
    line.name = one.name;
    line.colour = colour;
    for (const ShiftPoint& point : one.shift) {
      line.points.push_back({point.p, point.difference, point.low, point.high});
      largest = std::max(largest, std::abs(point.difference));
      bounds.insert(bounds.end(), {std::abs(point.low), std::abs(point.high)});
    }
  }
  if (plot.lines.empty()) {
    return report::note(
        fmt::format("Slower or faster at each quantile: {}. A band around all of them takes some "
                    "hundred requests of each variant.",
                    kTooFew));
  }
  // The band of the slowest requests is so wide that it would hide all else: it may leave the
  // drawing.
  std::sort(bounds.begin(), bounds.end());
  largest = 1.1 * std::max(largest, bounds[(bounds.size() - 1) * 9 / 10]);
  const bool small = largest < 1000;
  plot.x = {.label = "quantile of the time of a request", .suffix = "%", .scale = 100};
  plot.y = {.label = small ? "slower by, microseconds" : "slower by, milliseconds",
            .scale = small ? 1 : 1e-3,
            .mark = 0,
            .low = -largest,
            .high = largest};
  plot.description = "How much slower than the control each variant is, by quantile";
  return report::figure(
      report::draw(plot),
      "Above the line at 0: slower than the control. The band holds at all quantiles at once and "
      "at all times; where it includes 0, or ends, nothing is known; it may leave the drawing. "
      "Present stage of constant shares only." +
          (left_out.empty() ? "" : " Not drawn, for want of room: " + left_out + "."));
}

std::string quantiles_chart(const Report& report) {
  if (report.quantiles.empty()) return "";
  report::RangePlot plot;
  plot.x = {.label = "time of a request, as a part of the control's", .log = true, .mark = 1};
  plot.description = "Ratio of quantiles to the control's, with intervals";
  std::string last;
  int colour = -1;
  for (const ReportQuantile& one : report.quantiles) {
    if (one.variant != last) ++colour;
    last = one.variant;
    if (!one.low || !one.high) {
      continue;
    }
    plot.rows.push_back({fmt::format("{} p{:.4g}", one.variant, 100 * one.p), *one.low, *one.high,
                         one.ratio, slower(one.low, one.high), colour});
  }
  Table rows{{"quantile", "variant", "than the control", "verdict"}, {}};
  for (const ReportQuantile& one : report.quantiles) {
    rows.rows.push_back(
        {words(fmt::format("p{:.4g}", 100 * one.p)), words(one.variant),
         words(slower(one.low, one.high),
               one.called || (one.low && one.high) ? Cell::Tone::kPlain : Cell::Tone::kQuiet),
         words(one.called ? "they differ" : "cannot tell")});
  }
  std::string out;
  if (!plot.rows.empty()) {
    out = report::figure(report::draw(plot), "Each interval holds at all times, by itself.");
  }
  return out + report::table(rows);
}

std::string variants_table(const Report& report) {
  Table rows{{"variant", "share", "requests", "errors", "p50", "p90", "p99", ""}, {}};
  for (const ReportVariant& one : report.variants) {
    rows.rows.push_back({words(one.name), report::number(fmt::format("{:.4g}%", 100 * one.share)),
                         report::number(std::to_string(one.requests)),
                         report::number(failed_share(one)), cell_of(one.p50), cell_of(one.p90),
                         cell_of(one.p99), words(one.notes, Cell::Tone::kQuiet)});
  }
  return report::table(rows);
}

std::string cpu_table(const Report& report) {
  Table rows{
      {"variant", "CPU a request", "cores per 10,000 requests a second", "at least", "at most"},
      {}};
  for (const ReportVariant& one : report.variants) {
    auto& row = rows.rows.emplace_back(1, words(one.name));
    if (!one.cpu) {
      row.push_back(words(kTooFew, Cell::Tone::kQuiet));
      continue;
    }
    row.push_back(report::number(micros(*one.cpu)));
    for (const double cpu : {*one.cpu, *one.cpu_low, *one.cpu_high}) {
      row.push_back(report::number(fmt::format("{:.3g}", cores(cpu))));
    }
  }
  return report::table(rows) +
         report::note(
             "CPU time of all threads for a request, the host's work for it included. The "
             "bounds are those of the mean time on the loop, at all times.");
}

std::string guardrails_table(const Report& report) {
  Table rows{{"guardrail", "variant", "events", "control's", "ratio of rates", "p", ""}, {}};
  for (const ReportGuardrail& one : report.guardrails) {
    rows.rows.push_back(
        {words(one.name), words(one.variant),
         report::number(fmt::format("{} of {}", one.events, one.requests)),
         report::number(fmt::format("{} of {}", one.control_events, one.control_requests)),
         one.high || one.crossed ? report::number(factors(one.low, one.high))
                                 : words(factors(one.low, one.high), Cell::Tone::kQuiet),
         report::number(fmt::format("{:.2g}", one.p_value)),
         one.crossed ? words("crossed", Cell::Tone::kBad) : words("")});
  }
  return report::table(rows);
}

std::string blame_table(const Report& report) {
  Table rows{{"waits for"}, {}};
  for (const std::string& name : report.handlers) rows.head.push_back(name);
  for (std::size_t i = 0; i < report.blame.size(); ++i) {
    auto& row = rows.rows.emplace_back(1, words(report.handlers[i]));
    for (const double part : report.blame[i]) {
      Cell cell = report::number(experiment::percent(100 * part) + "%");
      cell.shade = part;
      row.push_back(std::move(cell));
    }
  }
  return report::table(rows) +
         report::note(
             "The part of a handler's time in which its requests waited while another's held "
             "the loop. Since the host started.");
}

std::string rows_of(std::vector<std::string> head,
                    const std::vector<std::vector<std::string>>& all) {
  Table rows{std::move(head), {}};
  for (const auto& one : all) {
    auto& row = rows.rows.emplace_back();
    for (const std::string& cell : one) row.push_back(words(cell));
  }
  return report::table(rows);
}

}  // namespace

std::string report_page(const Report& report) {
  report::Page page;
  page.title = "duet report: " + report.name;
  page.verdict = report.verdict;
  page.about = fmt::format("{}, since {}; assigned by {}; as of {}", report.state, report.since,
                           report.key, report.as_of);
  const auto add = [&](std::string title, std::string html) {
    if (!html.empty()) page.sections.push_back({std::move(title), std::move(html)});
  };
  std::string first;
  for (const std::string& warning : report.warnings) first += report::warning(warning);
  first += report::paragraph(report.aa);
  if (!report.ramp.empty()) first += report::paragraph(report.ramp);
  add("", first + tiles_of(report));
  add("How much slower, at each quantile", shift_of(report));
  add("Declared quantiles", quantiles_chart(report));
  add("Variants", variants_table(report));
  add("CPU", cpu_table(report));
  if (!report.guardrails.empty()) add("Guardrails", guardrails_table(report));
  if (!report.shadow.sentences.empty()) {
    std::string shadow;
    for (const std::string& sentence : report.shadow.sentences) {
      shadow += report::paragraph(sentence);
    }
    if (!report.shadow.rows.empty()) {
      shadow += rows_of(kShadowHead, report.shadow.rows);
    }
    add("Shadow traffic: do they answer alike?", std::move(shadow));
  }
  if (!report.blame.empty()) {
    add("Who waits for whom", blame_table(report));
    add("Memory", rows_of({"", "used", "total", "limit"}, report.memory));
  }
  if (!report.audit.empty()) add("Audit", rows_of({"when", "who", "what"}, report.audit));
  return report::page(page);
}

}  // namespace duet::cli
