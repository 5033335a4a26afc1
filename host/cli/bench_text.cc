#include "host/cli/bench_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "host/base/escape.h"
#include "host/cli/text_table.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using bench::Summary;
using measure::format_count;
using measure::format_duration;

double per_second(std::uint64_t count, Nanos time) {
  return time == 0 ? 0 : static_cast<double>(count) * 1e9 / static_cast<double>(time);
}

std::string rate_text(double rate) {
  return rate < 1000 ? fmt::format("{:.4g}", rate)
                     : format_count(static_cast<std::uint64_t>(rate + 0.5));
}

std::string plain(Nanos value) { return value == bench::kNever ? "-" : format_duration(value); }

std::string latency_cell(const Summary& summary, double p) {
  if (summary.requests == 0) return "-";
  const Nanos value = summary.latency_at(p);
  if (value == bench::kNever) return "no answer";
  return summary.lagged_at(p) ? "void" : format_duration(value);
}

std::string quantile_name(double p) { return p == 1 ? "max" : fmt::format("p{:g}", 100 * p); }

std::string conditions(const bench::Plan& plan, const BenchResult& result) {
  const auto& generator = plan.generator;
  const bool closed = plan.schedule.arrivals == bench::Arrivals::kClosed;
  std::string text =
      closed ? "closed loop"
             : fmt::format("{} arrivals, {} requests a second",
                           arrivals_name(plan.schedule.arrivals), rate_text(plan.schedule.rate));
  text += fmt::format(", {} connection{}", generator.connections,
                      generator.connections == 1 ? "" : "s");
  if (plan.arms.size() > 1) text += " each";
  if (!generator.keep_alive) text += ", a new one for each request";
  if (generator.depth > 1) text += fmt::format(" of {} requests in flight", generator.depth);
  text += fmt::format("; {} rounds of blocks of {}", result.rounds.count(),
                      format_duration(plan.schedule.block));
  return text + fmt::format(", seed {}", plan.schedule.seed);
}

// "3 of 5,012 requests to hello.py got no answer: 2 connections closed, 1 not in time"
std::string lost_line(const std::string& name, const Summary& summary, const std::string& trouble) {
  std::string parts;
  const auto add = [&parts](std::uint64_t count, std::string_view what) {
    if (count == 0) return;
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", format_count(count), what);
  };
  add(summary.refused, "refused");
  add(summary.closed, "closed without an answer");
  add(summary.not_http, "answered by what is no HTTP/1.1");
  add(summary.timeouts, "not answered in time");
  add(summary.unsent, "not sent, as no connection was free in time");
  if (parts.empty()) return "";
  std::string line = fmt::format("{}: {} of {} requests have no answer: {}", name,
                                 format_count(summary.lost + summary.unsent),
                                 format_count(summary.requests), parts);
  if (!trouble.empty()) line += " (" + trouble + ")";
  return line;
}

void add_notes(std::vector<std::string>& notes, const bench::Plan& plan, const std::string& name,
               const Summary& summary, const std::string& trouble) {
  if (const std::string lost = lost_line(name, summary, trouble); !lost.empty()) {
    notes.push_back(lost);
  }
  if (summary.bad_status > 0) {
    notes.push_back(fmt::format("{}: {} of {} answers have a status of 400 or above", name,
                                format_count(summary.bad_status), format_count(summary.answered)));
  }
  if (summary.changed > 0) {
    notes.push_back(fmt::format("{}: {} answers differ from the first one", name,
                                format_count(summary.changed)));
  }
  std::string lagged;
  for (const double p : bench::kQuantiles) {
    if (summary.lagged_at(p)) lagged += (lagged.empty() ? "" : ", ") + quantile_name(p);
  }
  if (!lagged.empty()) {
    notes.push_back(fmt::format(
        "{}: void at {}: the generator lagged (its own send lag, {} at p99, is more than 5% of "
        "it): a lower --rate, or a machine with more idle processors",
        name, lagged, plain(bench::quantile_of(summary.lag, 0.99))));
  }
  const Nanos queued = bench::quantile_of(summary.queueing, 0.5);
  if (plan.schedule.arrivals != bench::Arrivals::kClosed && queued != bench::kNever &&
      queued > std::max(kMillisecond, bench::quantile_of(summary.service, 0.5))) {
    notes.push_back(
        fmt::format("{}: the rate is beyond its reach: requests waited {} (median) for a free "
                    "connection, and longer the longer the run lasts",
                    name, plain(queued)));
  }
}

}  // namespace

std::string bench_text(const bench::Plan& plan, const BenchResult& result, const TextStyle& style) {
  std::vector<std::string> names;
  for (const bench::ArmPlan& arm : plan.arms) names.push_back(printable(arm.name));
  std::vector<std::vector<std::string>> rows{names};
  rows[0].insert(rows[0].begin(), "");
  const auto row = [&](std::string title, const auto& cell) {
    rows.push_back({std::move(title)});
    for (const Summary& summary : result.arms) rows.back().push_back(cell(summary));
  };
  row("requests", [](const Summary& s) { return format_count(s.requests); });
  row("answers a second",
      [](const Summary& s) { return rate_text(per_second(s.answered, s.loaded)); });
  row("failed", [](const Summary& s) { return format_count(s.lost + s.unsent + s.bad_status); });
  for (const double p : bench::kQuantiles) {
    row("latency  " + quantile_name(p), [p](const Summary& s) { return latency_cell(s, p); });
  }
  for (const double p : {0.5, 0.99}) {
    row("service  " + quantile_name(p),
        [p](const Summary& s) { return plain(bench::quantile_of(s.service, p)); });
  }
  row("queueing p99", [](const Summary& s) { return plain(bench::quantile_of(s.queueing, 0.99)); });
  if (plan.schedule.arrivals != bench::Arrivals::kClosed) {
    row("send lag p99", [](const Summary& s) { return plain(bench::quantile_of(s.lag, 0.99)); });
  }
  std::string out = conditions(plan, result) + "\n\n" + table(rows, LastColumn::kNumbers) + "\n";
  out += plan.schedule.arrivals == bench::Arrivals::kClosed
             ? "  latency: from asking to the last byte of the answer. A closed loop asks no more "
               "while it\n"
               "  waits, so what users at a steady rate would wait is not in it.\n"
             : "  latency: from the intended time to the last byte of the answer = send lag + "
               "queueing (for\n"
               "  a free connection) + service (from sending).\n";
  std::vector<std::string> notes;
  if (result.interrupted) notes.emplace_back("interrupted: the figures are of the complete rounds");
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    add_notes(notes, plan, names[i], result.arms[i], result.trouble[i]);
  }
  if (!notes.empty()) out += '\n';
  for (const std::string& note : notes) {
    out += (style.color ? "\x1b[33m!\x1b[0m " : "! ") + note + "\n";
  }
  return out;
}

nlohmann::ordered_json bench_json(const bench::Plan& plan, const BenchResult& result) {
  using Json = nlohmann::ordered_json;
  const auto nanos = [](Nanos value) { return value == bench::kNever ? Json() : Json(value); };
  const auto text = [](const std::string& value) {
    std::string quoted;
    append_json_string(quoted, value);
    return Json::parse(quoted);
  };
  Json json;
  const auto& schedule = plan.schedule;
  json["load"] = {{"arrivals", arrivals_name(schedule.arrivals)},
                  {"connections", plan.generator.connections},
                  {"pipeline", plan.generator.depth},
                  {"keep_alive", plan.generator.keep_alive},
                  {"warmup_ns", plan.warmup},
                  {"block_ns", schedule.block},
                  {"rounds", result.rounds.count()},
                  {"seed", schedule.seed}};
  if (schedule.arrivals != bench::Arrivals::kClosed) json["load"]["rate"] = schedule.rate;
  json["interrupted"] = result.interrupted;
  json["arms"] = Json::array();
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    const Summary& s = result.arms[i];
    Json arm;
    arm["name"] = text(plan.arms[i].name);
    arm["target"] = text(plan.arms[i].target);
    arm["requests"] = s.requests;
    arm["answered"] = s.answered;
    arm["answers_per_second"] = per_second(s.answered, s.loaded);
    arm["bad_status"] = s.bad_status;
    arm["changed"] = s.changed;
    arm["no_answer"] = {{"unsent", s.unsent},
                        {"refused", s.refused},
                        {"closed", s.closed},
                        {"not_http", s.not_http},
                        {"timeout", s.timeouts}};
    for (const double p : bench::kQuantiles) {
      const bool lagged = s.lagged_at(p);
      const Nanos value = s.latency_at(p);
      Json figure = {{"p", p}, {"ns", lagged ? Json() : nanos(value)}};
      if (lagged) figure["void"] = "the generator lagged";
      if (value == bench::kNever && s.requests > 0) figure["void"] = "no answer";
      arm["latency"].push_back(figure);
    }
    const auto add = [&](const char* name, const std::vector<Nanos>& values) {
      for (const double p : bench::kQuantiles) {
        arm[name].push_back(Json{{"p", p}, {"ns", nanos(bench::quantile_of(values, p))}});
      }
    };
    add("service", s.service);
    add("queueing", s.queueing);
    add("send_lag", s.lag);
    json["arms"].push_back(std::move(arm));
  }
  return json;
}

}  // namespace duet::cli
