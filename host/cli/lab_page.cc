#include "host/cli/lab_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "host/base/escape.h"
#include "host/cli/lab_words.h"
#include "host/report/html.h"
#include "host/report/svg.h"

namespace duet::cli {

namespace {

using report::Cell;
using report::Table;
using report::words;

Cell::Tone tone_of(Finding finding) {
  switch (finding) {
    case Finding::kHolds:
    case Finding::kMore:
      return Cell::Tone::kGood;
    case Finding::kReverse:
    case Finding::kFails:
      return Cell::Tone::kBad;
    case Finding::kCannotTell:
      return Cell::Tone::kQuiet;
    default:
      return Cell::Tone::kPlain;
  }
}

Cell finding_cell(const LabCompared& compared) {
  if (!compared.claimed) return words("nothing is claimed", Cell::Tone::kQuiet);
  return words(found_words(compared),
               compared.finding ? tone_of(*compared.finding) : Cell::Tone::kQuiet);
}

// How many of what is claimed came out how.
struct Count {
  std::size_t claimed = 0, known = 0;
  std::array<std::size_t, 7> findings{};
  std::size_t of(Finding finding) const { return findings[static_cast<std::size_t>(finding)]; }
};

Count count(const std::vector<LabResult>& results) {
  Count count;
  for (const LabResult& result : results) {
    for (const LabRunResult& run : result.runs) {
      for (const LabCompared& one : run.compares) {
        if (!one.claimed) continue;
        ++count.claimed;
        if (!one.finding) continue;
        ++count.known;
        ++count.findings[static_cast<std::size_t>(*one.finding)];
      }
    }
  }
  return count;
}

std::string summary_of(const std::vector<LabResult>& results) {
  Table rows{{"claim", "about", "claimed", "here", ""}, {}};
  for (const LabResult& result : results) {
    std::string name = result.name;
    const auto row = [&](std::vector<Cell> cells) {
      cells.insert(cells.begin(), words(std::exchange(name, "")));
      rows.rows.push_back(std::move(cells));
    };
    for (const LabRunResult& run : result.runs) {
      if (run.compares.empty()) {
        row({words(run.title), words(""), words("-"),
             words(run.failed ? "it failed" : "not testable here", Cell::Tone::kQuiet)});
      }
      for (const LabCompared& one : run.compares) {
        if (!one.claimed) continue;
        row({words(about_cell(one, run.title)), report::number(one.claimed->text),
             report::number(value_cell(one)), finding_cell(one)});
      }
    }
  }
  return report::table(rows);
}

std::string pair_name(const LabCompared& one) { return one.arm + " / " + one.than; }

// How many times as good, a row for each pair.
std::string ratios_of(const LabRunResult& run) {
  report::RangePlot plot;
  plot.x = {.label = "how many times as good, with 95% intervals", .log = true, .mark = 1};
  plot.description = "Ratios of this run, with intervals";
  for (const LabCompared& one : run.compares) {
    if (one.than.empty() || one.is_difference || !one.value.interval) continue;
    const std::string claimed = one.claimed ? " (" + one.claimed->text + ")" : "";
    plot.rows.push_back({pair_name(one), one.value.interval->low, one.value.interval->high,
                         one.value.value, value_cell(one) + claimed,
                         one.finding && *one.finding == Finding::kHolds ? 1 : 0});
  }
  if (plot.rows.empty()) return "";
  return report::figure(report::draw(plot),
                        "Right of the line at 1 the first is better, left of it the second. In "
                        "brackets: what is claimed.");
}

std::string split_of(const LabSplitted& split) {
  report::RangePlot plot;
  plot.x = {.label = "factor, with 95% intervals", .log = true, .mark = 1};
  plot.description = "The ratio as a product";
  const auto row = [&](const std::string& name, const LabValue& value, int colour) {
    if (!value.interval) return;
    plot.rows.push_back({name, value.interval->low, value.interval->high, value.value,
                         fmt::format("{:.2f}", value.value), colour});
  };
  for (const auto& part : split.parts) row(part.name, part.value, 2);
  row("all together", split.total, 0);
  return report::figure(report::draw(plot), "From " + split.from + " to " + split.to +
                                                ": the factors' product is the "
                                                "whole (" +
                                                figure_title(split.figure) + ").");
}

std::string arms_of(const LabRunResult& run) {
  Table rows{{"95% intervals"}, {}};
  for (const LabFigure& figure : run.figures) rows.head.push_back(figure_title(figure));
  for (const LabMeasured& arm : run.arms) {
    auto& row = rows.rows.emplace_back(1, words(arm.name));
    for (std::size_t i = 0; i < run.figures.size(); ++i) {
      row.push_back(report::number(figure_cell(run.figures[i], arm.values[i])));
    }
  }
  for (const LabLeftOut& one : run.left_out) {
    auto& row = rows.rows.emplace_back(1, words(one.name, Cell::Tone::kQuiet));
    row.push_back(words(one.reason + (one.how.empty() ? "" : " (" + one.how + ")"),
                        one.failed ? Cell::Tone::kBad : Cell::Tone::kQuiet));
  }
  return report::table(rows);
}

std::string run_of(const LabRunResult& run) {
  std::string html;
  if (!run.title.empty()) html += report::paragraph("Run: " + run.title);
  if (run.compares.empty()) {
    return html + report::warning((run.failed ? "It failed: " : "Not testable on this machine: ") +
                                  run.untestable + (run.how.empty() ? "" : " (" + run.how + ")"));
  }
  for (const LabCompared& one : run.compares) html += report::paragraph(here_words(one));
  html += ratios_of(run);
  for (const LabSplitted& split : run.splits) html += split_of(split);
  html += arms_of(run);
  std::string basis = run.basis;
  for (const std::string& note : run.notes) basis += "; " + note;
  return html + report::note(basis);
}

}  // namespace

std::string lab_page(const std::vector<LabResult>& results, const std::string& about) {
  const Count all = count(results);
  report::Page page;
  page.title = "duet lab";
  page.verdict = fmt::format(
      "Of {} claimed figures {} hold here, {} fall short, {} are the other way round or false",
      all.claimed, all.of(Finding::kHolds) + all.of(Finding::kMore),
      all.of(Finding::kLess) + all.of(Finding::kNoDifference),
      all.of(Finding::kReverse) + all.of(Finding::kFails));
  if (const std::size_t open = all.claimed - all.known + all.of(Finding::kCannotTell); open > 0) {
    page.verdict += fmt::format("; {} cannot be told", open);
  }
  page.about = about;
  page.sections.push_back({"All of them", summary_of(results)});
  for (const LabResult& result : results) {
    std::string html = report::paragraph(result.claim) + report::note("Said by: " + result.source);
    for (const LabRunResult& run : result.runs) html += run_of(run);
    if (!result.note.empty()) html += report::note(result.note);
    page.sections.push_back({result.name, std::move(html)});
  }
  return report::page(page);
}

}  // namespace duet::cli
