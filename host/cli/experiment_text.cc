#include "host/cli/experiment_text.h"

#include <fmt/format.h>

#include <vector>

#include "host/cli/experiment_words.h"
#include "host/cli/shadow_words.h"
#include "host/cli/text_table.h"

namespace duet::cli {
namespace {

using Json = nlohmann::json;

std::string ratio(const Json& interval) {
  const Json& low = interval["low"];
  const Json& high = interval["high"];
  return fmt::format("{:.3g} to {}", low.is_null() ? 0.0 : low.get<double>(),
                     high.is_null() ? "any" : fmt::format("{:.3g}", high.get<double>()));
}

std::string shares(const Json& one) {
  std::string all;
  for (const Json& variant : one["variants"]) {
    all += fmt::format("{}{} {:.4g}%{}", all.empty() ? "" : ", ", text(variant["name"]),
                       100 * variant["share"].get<double>(),
                       !variant["unavailable"].is_null()    ? " (cannot answer)"
                       : variant["rolled_back"].get<bool>() ? " (rolled back)"
                                                            : "");
  }
  return all;
}

std::string variant_notes(const Json& variant) {
  std::string notes = variant["control"].get<bool>() ? "control" : "";
  const auto add = [&](const std::string& note) { notes += (notes.empty() ? "" : ", ") + note; };
  if (variant["aa"].get<bool>()) add("A/A: the control once more");
  if (variant["rolled_back"].get<bool>()) add("rolled back");
  if (!variant["unavailable"].is_null()) add("cannot answer: " + text(variant["unavailable"]));
  return notes;
}

std::string variants_of(const Json& one) {
  std::vector<std::vector<std::string>> rows = {
      {"variant", "share", "requests", "errors", "p50", "p99", "CPU each", ""}};
  for (const Json& variant : one["variants"]) {
    const Json& total = variant["total_us"];
    const bool none = variant["requests"].get<std::uint64_t>() == 0;
    const auto of_requests = [none](const Json& value) { return none ? "-" : micros(value); };
    rows.push_back({text(variant["name"]),
                    fmt::format("{:.4g}%", 100 * variant["share"].get<double>()),
                    std::to_string(variant["requests"].get<std::uint64_t>()),
                    std::to_string(variant["errors"].get<std::uint64_t>()),
                    of_requests(total["p50"]), of_requests(total["p99"]),
                    of_requests(variant["cpu_us_per_request"]), variant_notes(variant)});
  }
  return table(rows);
}

std::string guardrails_of(const Json& one) {
  std::vector<std::vector<std::string>> rows = {
      {"guardrail", "variant", "events", "control's", "ratio of rates", "p", ""}};
  for (const Json& variant : one["variants"]) {
    for (const Json& guardrail : variant["guardrails"]) {
      const auto of = [&](const char* events, const char* requests) {
        return fmt::format("{} of {}", guardrail[events].get<std::uint64_t>(),
                           guardrail[requests].get<std::uint64_t>());
      };
      rows.push_back({text(guardrail["name"]), text(variant["name"]), of("events", "requests"),
                      of("control_events", "control_requests"), ratio(guardrail["ratio"]),
                      fmt::format("{:.2g}", guardrail["p_value"].get<double>()),
                      guardrail["crossed"].get<bool>() ? "crossed" : ""});
    }
  }
  return rows.size() == 1 ? "" : table(rows);
}

std::string quantiles_of(const Json& one) {
  std::vector<std::vector<std::string>> rows = {
      {"quantile", "variant", "its", "control's", "ratio", ""}};
  for (const Json& variant : one["variants"]) {
    for (const Json& quantile : variant["quantiles"]) {
      if (quantile["variant_us"].is_null() || quantile["control_us"].is_null()) continue;
      rows.push_back({fmt::format("p{:.4g}", 100 * quantile["p"].get<double>()),
                      text(variant["name"]), micros(quantile["variant_us"]),
                      micros(quantile["control_us"]), ratio(quantile["ratio"]),
                      quantile["called"].get<bool>() ? "they differ" : ""});
    }
  }
  return rows.size() == 1 ? "" : table(rows);
}

}  // namespace

std::string experiments_text(const Json& document) {
  const Json& all = document["experiments"];
  if (all.empty()) return "no experiments: [[experiment]] in duet.toml makes one\n";
  std::string out;
  for (const Json& one : all) {
    out += fmt::format("{}  {}  {}\n    {}\n", text(one["name"]), text(one["state"]), shares(one),
                       text(one["verdict"]));
  }
  return out;
}

std::string experiment_text(const Json& one) {
  std::string out =
      fmt::format("{}: {}\n{}\n\n", text(one["name"]), text(one["state"]), text(one["verdict"]));
  out += variants_of(one);
  for (const std::string& part : {guardrails_of(one), quantiles_of(one)}) {
    if (!part.empty()) out += "\n" + part;
  }
  const std::string shadow = shadow_text(shadow_words(one));
  if (!shadow.empty()) out += "\n" + shadow;
  out += fmt::format("\n  assigned by {}; salt '{}'\n", text(one["key"]), text(one["salt"]));
  out += fmt::format(
      "  not counted: {} without the key, {} not eligible, {} that asked or are "
      "pinned\n",
      one["unkeyed"].get<std::uint64_t>(), one["excluded"].get<std::uint64_t>(),
      one["overridden"].get<std::uint64_t>());
  out += fmt::format("  division: {} (p = {:.2g})\n",
                     one["split"]["wrong"].get<bool>() ? "NOT as configured" : "as configured",
                     one["split"]["p_value"].get<double>());
  if (!one["ramp"]["hold"].is_null()) out += "  ramp: " + text(one["ramp"]["hold"]) + "\n";
  if (!one["store"].is_null()) out += "  NOT KEPT: " + text(one["store"]) + "\n";
  if (one["audit"].empty()) return out;
  out += "\n";
  for (const Json& entry : one["audit"]) {
    out +=
        fmt::format("  {} {}: {}\n", instant(entry["at"]), text(entry["who"]), text(entry["what"]));
  }
  return out;
}

}  // namespace duet::cli
