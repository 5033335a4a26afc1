#include "host/cli/bench_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/cli/text_table.h"
#include "host/measure/table.h"

namespace duet::cli {

using bench::Summary;
using measure::format_bytes;
using measure::format_count;
using measure::format_duration;

double per_second(std::uint64_t count, Nanos time) {
  return time == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(time);
}

std::string rate_text(double rate) {
  return rate < 1000 ? fmt::format("{:.4g}", rate)
                     : format_count(static_cast<std::uint64_t>(std::llround(rate)));
}

std::string plain(Nanos value) { return value == bench::kNever ? "-" : format_duration(value); }

std::string cores_text(double cpu) { return fmt::format("{:.3g}", 1e4 * cpu * 1e-9); }

std::string quantile_name(double p) { return p == 1 ? "max" : fmt::format("p{:g}", 100 * p); }

bool too_few(const Summary& summary, double p) {
  return p < 1 && static_cast<double>(summary.requests) * (1 - p) < 1 - 1e-9;
}

std::string latency_cell(const Summary& summary, double p) {
  if (summary.requests == 0) return "-";
  if (too_few(summary, p)) return "too few";
  const Nanos value = summary.latency_at(p);
  if (value == bench::kNever) return "no answer";
  return summary.lagged_at(p) ? "void" : format_duration(value);
}

std::string steps_table(const std::vector<std::string>& names, const BenchResult& result) {
  std::vector<Row> rows{{"requests a second", "answered", "failed", "p50", "p99", "max"}};
  for (const BenchStep& step : result.steps) {
    for (std::size_t arm = 0; arm < names.size(); ++arm) {
      const Summary& s = step.arms[arm];
      Row row{rate_text(step.rate) + (names.size() > 1 ? "  " + names[arm] : ""),
              rate_text(per_second(s.answered, s.loaded)),
              format_count(s.lost + s.unsent + s.bad_status)};
      for (const double p : {0.5, 0.99, 1.0}) row.push_back(latency_cell(s, p));
      rows.push_back(std::move(row));
    }
  }
  return table(rows, LastColumn::kNumbers);
}

std::optional<std::int64_t> memory_growth(const ArmState& state) {
  if (!state.resident || !state.warm_resident) return std::nullopt;
  return *state.resident - *state.warm_resident;
}

std::vector<Row> state_rows(const bench::Plan& plan, const BenchResult& result) {
  std::vector<Row> rows;
  const auto row = [&](const char* title, const auto& value) {
    Row cells{title};
    for (const ArmState& state : result.states) {
      const std::optional<std::string> text = value(state);
      cells.push_back(text.value_or("-"));
    }
    const bool known =
        std::any_of(cells.begin() + 1, cells.end(), [](const auto& cell) { return cell != "-"; });
    if (known) rows.push_back(std::move(cells));
  };
  using Text = std::optional<std::string>;
  if (plan.any_idle()) {
    const auto idle_of = [&](const ArmState& s) {
      return plan.arms[static_cast<std::size_t>(&s - result.states.data())].idle;
    };
    row("idle, open", [&](const ArmState& s) {
      return idle_of(s) > 0 ? Text(format_count(s.idle_open)) : Text();
    });
    row("memory an idle", [&](const ArmState& s) {
      return s.idle_growth ? Text(format_bytes(*s.idle_growth / idle_of(s))) : Text();
    });
  }
  // That part of a host's account, by request.
  const auto each = [&](const char* title, const auto& part) {
    row(title, [&part](const ArmState& s) {
      const Nanos spent = s.cpu ? part(s.cpu->spent) : 0;
      return spent > 0 ? Text(format_duration(s.cpu->each(spent))) : Text();
    });
  };
  each("CPU, by the ledger", [](const HostCpu& cpu) { return cpu.process(); });
  each("  handler", [](const HostCpu& cpu) { return cpu.handlers; });
  each("  host", [](const HostCpu& cpu) { return cpu.host; });
  each("  engine threads", [](const HostCpu& cpu) { return cpu.engines; });
  each("  unattributed", [](const HostCpu& cpu) { return cpu.unattributed; });
  each("  GC, within these", [](const HostCpu& cpu) { return cpu.gc; });
  row("memory",
      [](const ArmState& s) { return s.resident ? Text(format_bytes(*s.resident)) : Text(); });
  row("  growth", [](const ArmState& s) {
    const auto growth = memory_growth(s);
    return growth ? Text(format_bytes(*growth)) : Text();
  });
  row("  growth a request", [&](const ArmState& s) {
    const auto growth = memory_growth(s);
    const auto arm = static_cast<std::uint16_t>(&s - result.states.data());
    const std::uint64_t requests = requests_since(result.schedule.samples, arm, plan.warmup);
    if (!growth || requests == 0) return Text();
    return Text(format_bytes(*growth / static_cast<std::int64_t>(requests)));
  });
  return rows;
}

}  // namespace duet::cli
