#include "host/cli/lab_text.h"

#include <fmt/format.h>

#include <cmath>
#include <sstream>

#include "host/base/wrap.h"
#include "host/cli/lab_words.h"
#include "host/cli/text_json.h"
#include "host/cli/text_table.h"

namespace duet::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kIndent = 11;

// "  label    text", with the text's later lines below its first one.
struct Paragraph {
  std::size_t columns;
  std::string operator()(std::string_view label, std::string_view text) const {
    return wrap(fmt::format("  {:<{}} {}", label, kIndent - 3, text), columns, kIndent) + "\n";
  }
};

std::string how_words(const std::string& how) {
  return how.empty() ? "" : " (" + printable(how) + ")";
}

std::string arms_table(const LabRunResult& run) {
  std::vector<std::vector<std::string>> rows{{"95% intervals"}};
  for (const LabFigure& figure : run.figures) rows[0].push_back(figure_title(figure));
  for (const LabMeasured& arm : run.arms) {
    auto& row = rows.emplace_back(1, printable(arm.name));
    for (std::size_t i = 0; i < run.figures.size(); ++i) {
      row.push_back(figure_cell(run.figures[i], arm.values[i]));
    }
  }
  std::istringstream lines(table(rows, LastColumn::kNumbers));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    out += std::string(kIndent - 2, ' ') + line + "\n";
  }
  return out;
}

std::string run_text(const LabRunResult& run, const Paragraph& paragraph) {
  std::string text;
  if (!run.title.empty()) text += "\n" + paragraph("run", printable(run.title));
  if (run.compares.empty()) {
    text += paragraph("here", std::string(run.failed ? "it failed: "
                                                     : "not testable on this "
                                                       "machine: ") +
                                  printable(run.untestable) + how_words(run.how));
  }
  for (std::size_t i = 0; i < run.compares.size(); ++i) {
    text += paragraph(i == 0 ? "here" : "", here_words(run.compares[i]));
  }
  for (const LabSplitted& split : run.splits) text += paragraph("split", split_words(split));
  if (!run.compares.empty()) text += paragraph("", "95%; " + run.basis);
  if (!run.arms.empty() && !run.figures.empty()) text += arms_table(run);
  for (const LabLeftOut& one : run.left_out) {
    const bool said = run.compares.empty() && run.untestable == one.name + ": " + one.reason;
    if (!said) {
      text += paragraph("without",
                        printable(one.name) + ": " + printable(one.reason) + how_words(one.how));
    }
  }
  for (const std::string& note : run.notes) text += paragraph("!", printable(note));
  return text;
}

Json value_json(const LabValue& value) {
  Json json;
  json["value"] = std::isfinite(value.value) ? Json(value.value) : Json();
  json["low"] = value.interval ? Json(value.interval->low) : Json();
  json["high"] = value.interval ? Json(value.interval->high) : Json();
  if (!value.missing.empty()) json["missing"] = text_json(value.missing);
  return json;
}

Json compared_json(const LabCompared& compared) {
  Json json = {{"about", text_json(compared.about)}, {"arm", text_json(compared.arm)}};
  if (!compared.than.empty()) json["than"] = text_json(compared.than);
  json["figure"] = compared.figure.name;
  json["kind"] = compared.than.empty()    ? "figure"
                 : compared.is_difference ? "sooner_by"
                                          : "times_as_good";
  json["measured"] = value_json(compared.value);
  if (compared.claimed) json["claimed"] = text_json(compared.claimed->text);
  if (compared.finding) json["finding"] = finding_name(*compared.finding);
  json["sentence"] = text_json(here_words(compared));
  return json;
}

Json run_json(const LabRunResult& run) {
  Json json = {{"title", text_json(run.title)}, {"compares", Json::array()}};
  for (const LabCompared& one : run.compares) json["compares"].push_back(compared_json(one));
  json["splits"] = Json::array();
  for (const LabSplitted& split : run.splits) {
    Json one = {{"from", text_json(split.from)},
                {"to", text_json(split.to)},
                {"figure", split.figure.name},
                {"total", value_json(split.total)},
                {"parts", Json::array()}};
    for (const auto& part : split.parts) {
      Json each = value_json(part.value);
      each["name"] = text_json(part.name);
      one["parts"].push_back(std::move(each));
    }
    json["splits"].push_back(std::move(one));
  }
  json["arms"] = Json::array();
  for (const LabMeasured& arm : run.arms) {
    Json one = {{"name", text_json(arm.name)}};
    for (std::size_t i = 0; i < run.figures.size(); ++i) {
      one[run.figures[i].name] = value_json(arm.values[i]);
    }
    json["arms"].push_back(std::move(one));
  }
  json["left_out"] = Json::array();
  for (const LabLeftOut& one : run.left_out) {
    json["left_out"].push_back({{"name", text_json(one.name)},
                                {"reason", text_json(one.reason)},
                                {"how", text_json(one.how)},
                                {"failed", one.failed}});
  }
  json["basis"] = run.basis;
  json["notes"] = Json::array();
  for (const std::string& note : run.notes) json["notes"].push_back(text_json(note));
  if (!run.untestable.empty()) {
    json["not_testable"] = {
        {"reason", text_json(run.untestable)}, {"how", text_json(run.how)}, {"failed", run.failed}};
  }
  return json;
}

}  // namespace

std::string lab_text(const LabResult& result, bool color, std::size_t columns) {
  const Paragraph paragraph{columns};
  const std::string name = printable(result.name);
  std::string text = color ? "\x1b[1m" + name + "\x1b[0m\n" : name + "\n";
  text += paragraph("claimed", printable(result.claim));
  text += paragraph("by", printable(result.source));
  for (const LabRunResult& run : result.runs) text += run_text(run, paragraph);
  const bool several = !result.runs.empty() && !result.runs.back().title.empty();
  if (!result.note.empty())
    text += (several ? "\n" : "") + paragraph("note", printable(result.note));
  return text;
}

std::string lab_table(const std::vector<LabResult>& results) {
  std::vector<std::vector<std::string>> rows{{"claim", "claimed", "here", ""}};
  for (const LabResult& result : results) {
    std::string name = printable(result.name);
    for (const LabRunResult& run : result.runs) {
      if (run.compares.empty()) {
        rows.push_back({name, "", "-", run.failed ? "it failed" : "not testable here"});
        name.clear();
      }
      for (const LabCompared& one : run.compares) {
        if (!one.claimed) continue;
        rows.push_back({name, printable(one.claimed->text), value_cell(one),
                        found_words(one) + "  [" + about_cell(one, run.title) + "]"});
        name.clear();
      }
    }
  }
  return table(rows);
}

Json lab_json(const std::vector<LabResult>& results) {
  Json json = {{"claims", Json::array()}};
  for (const LabResult& result : results) {
    Json one = {{"name", text_json(result.name)},
                {"claim", text_json(result.claim)},
                {"source", text_json(result.source)},
                {"interrupted", result.interrupted},
                {"runs", Json::array()}};
    for (const LabRunResult& run : result.runs) one["runs"].push_back(run_json(run));
    json["claims"].push_back(std::move(one));
  }
  return json;
}

}  // namespace duet::cli
