#include <fmt/format.h>

#include "host/cli/experiment_words.h"
#include "host/cli/report.h"
#include "host/cli/text_table.h"
#include "host/experiment/two_digits.h"

namespace duet::cli {
namespace {

// So that a table fits a terminal; a line below says what it stands for.
constexpr const char* kCell = "too few";

using Rows = std::vector<std::vector<std::string>>;

std::string shown(const std::optional<double>& micros_value) {
  return micros_value ? micros(*micros_value) : kCell;
}

std::string variants_of(const Report& report) {
  Rows rows = {{"variant", "share", "requests", "errors", "p50", "p90", "p99", ""}};
  for (const ReportVariant& one : report.variants) {
    rows.push_back({one.name, fmt::format("{:.4g}%", 100 * one.share), std::to_string(one.requests),
                    failed_share(one), shown(one.p50), shown(one.p90), shown(one.p99), one.notes});
  }
  return table(rows);
}

std::string cpu_of(const Report& report) {
  Rows rows = {{"variant", "CPU a request", "cores per 10,000 requests/s", ""}};
  for (const ReportVariant& one : report.variants) {
    if (one.cpu) {
      rows.push_back({one.name,
                      fmt::format("{} ({} to {})", micros(*one.cpu), micros(*one.cpu_low),
                                  micros(*one.cpu_high)),
                      fmt::format("{:.3g} ({:.3g} to {:.3g})", cores(*one.cpu), cores(*one.cpu_low),
                                  cores(*one.cpu_high)),
                      ""});
    } else {
      rows.push_back({one.name, kCell, kCell, ""});
    }
  }
  return table(rows);
}

std::string quantiles_of(const Report& report) {
  Rows rows = {{"quantile", "variant", "than the control", ""}};
  for (const ReportQuantile& one : report.quantiles) {
    rows.push_back({fmt::format("p{:.4g}", 100 * one.p), one.variant, slower(one.low, one.high),
                    one.called ? "they differ" : ""});
  }
  return rows.size() == 1 ? "" : "\n" + table(rows);
}

std::string guardrails_of(const Report& report) {
  Rows rows = {{"guardrail", "variant", "events", "control's", "ratio of rates", "p", ""}};
  for (const ReportGuardrail& one : report.guardrails) {
    rows.push_back({one.name, one.variant, fmt::format("{} of {}", one.events, one.requests),
                    fmt::format("{} of {}", one.control_events, one.control_requests),
                    factors(one.low, one.high), fmt::format("{:.2g}", one.p_value),
                    one.crossed ? "crossed" : ""});
  }
  return rows.size() == 1 ? "" : "\n" + table(rows);
}

std::string blame_of(const Report& report) {
  if (report.blame.empty()) return "";
  Rows rows = {{"waits on the loop for"}};
  for (const std::string& name : report.handlers) rows[0].push_back(name);
  rows[0].emplace_back();
  for (std::size_t i = 0; i < report.blame.size(); ++i) {
    auto& row = rows.emplace_back(1, report.handlers[i]);
    for (const double part : report.blame[i]) row.push_back(experiment::percent(100 * part) + "%");
    row.emplace_back("of its time");
  }
  Rows memory = {{"memory", "used", "total", "limit", ""}};
  for (auto row : report.memory) {
    row.emplace_back();
    memory.push_back(std::move(row));
  }
  return "\n" + table(rows) + "\n" + table(memory);
}

}  // namespace

std::string report_text(const Report& report) {
  std::string out = fmt::format("{}: {}\n", report.name, report.verdict);
  for (const std::string& warning : report.warnings) out += "  WARNING: " + warning + "\n";
  out += fmt::format("  {}\n  {}, since {}, as of {}; assigned by {}; divided {}\n", report.aa,
                     report.state, report.since, report.as_of, report.key, report.split);
  if (!report.ramp.empty()) out += "  ramp: " + report.ramp + "\n";
  const std::string figures = variants_of(report) + "\n" + cpu_of(report);
  out += "\n" + figures;
  if (figures.find(kCell) != figures.npos) out += fmt::format("\n  {}: {}\n", kCell, kTooFew);
  out += quantiles_of(report) + guardrails_of(report);
  if (!report.shadow.sentences.empty()) out += "\n" + shadow_text(report.shadow);
  out += blame_of(report);
  return out;
}

}  // namespace duet::cli
