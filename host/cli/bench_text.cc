#include "host/cli/bench_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "host/cli/bench_cells.h"
#include "host/cli/bench_environment.h"
#include "host/cli/bench_verdict.h"
#include "host/cli/text_json.h"
#include "host/cli/text_table.h"
#include "host/measure/table.h"

namespace duet::cli {

namespace {

using bench::Summary;
using measure::format_count;
using measure::format_duration;

// "poisson arrivals, 1,000 requests a second"
std::string load_text(const bench::Plan& plan) {
  std::string text = plan.websocket ? "WebSocket messages, " : "";
  if (plan.recording) {
    text = fmt::format("{} recorded requests ({}, {} different)",
                       format_count(plan.recording->entries.size()), plan.recording->format,
                       format_count(plan.recording->requests.size()));
    text += plan.schedule.arrivals == bench::Arrivals::kReplay ? "" : ", ";
  }
  switch (plan.schedule.arrivals) {
    case bench::Arrivals::kClosed:
      return text + "closed loop";
    case bench::Arrivals::kReplay:
      return text + fmt::format(" at {:g}x their times, {} a second on average", plan.replay_speed,
                                rate_text(plan.schedule.rate));
    default:
      break;
  }
  const std::vector<double>& steps = plan.schedule.steps;
  const std::string rate = steps.empty()
                               ? rate_text(plan.schedule.rate)
                               : rate_text(steps.front()) + " to " + rate_text(steps.back());
  return text + fmt::format("{} arrivals, {} requests a second",
                            arrivals_name(plan.schedule.arrivals), rate);
}

// " and 5,000 idle ones", of all or of some.
std::string idle_words(const bench::Plan& plan) {
  std::string text;
  for (const bench::ArmPlan& arm : plan.arms) {
    const std::string idle = format_count(arm.idle);
    const bool all = std::all_of(plan.arms.begin(), plan.arms.end(), [&](const auto& other) {
      return other.idle == plan.arms[0].idle;
    });
    if (all) return " and " + idle + " idle ones";
    if (arm.idle > 0) text += " and " + idle + " idle ones to " + printable(arm.name);
  }
  return text;
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
  if (summary.silent_from != bench::kNever) {
    line += "; nothing was answered after " + format_duration(summary.silent_from);
  }
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
  const bool ramp = !plan.schedule.steps.empty();  // then each step says what is void
  for (const double p : bench::kQuantiles) {
    if (!ramp && !too_few(summary, p) && summary.lagged_at(p))
      lagged += (lagged.empty() ? "" : ", ") + quantile_name(p);
  }
  if (!lagged.empty()) {
    notes.push_back(fmt::format(
        "{}: void at {}: the generator lagged (its own send lag, {} at p99, is more than 5% of "
        "it): a lower --rate, or a machine with more idle processors",
        name, lagged, plain(bench::quantile_of(summary.lag, 0.99))));
  }
  if (summary.beyond_reach) {
    notes.push_back(fmt::format(
        "{}: the rate is beyond its reach: requests waited {} (median) for a free connection, and "
        "longer the longer the run lasts; {} answers a second are what it gave, --objective finds "
        "what it can take",
        name, plain(bench::quantile_of(summary.queueing, 0.5)),
        rate_text(per_second(summary.answered, summary.loaded))));
  }
}

}  // namespace

std::string run_description(const bench::Plan& plan, const BenchResult& result) {
  const auto& generator = plan.generator;
  std::string text = load_text(plan);
  text += fmt::format(", {} connection{}", generator.connections,
                      generator.connections == 1 ? "" : "s");
  if (plan.arms.size() > 1) text += " each";
  if (plan.any_idle()) text += idle_words(plan);
  if (!generator.keep_alive) text += ", a new one for each request";
  if (generator.depth > 1) text += fmt::format(" of {} requests in flight", generator.depth);
  text += fmt::format("; {} rounds of blocks of {}", result.rounds.count(),
                      format_duration(plan.schedule.block));
  if (plan.pinning) text += "; " + pinning_text(plan);
  return text + fmt::format("; seed {}", plan.schedule.seed);
}

std::vector<std::string> bench_notes(const bench::Plan& plan, const BenchResult& result) {
  std::vector<std::string> names;
  for (const bench::ArmPlan& arm : plan.arms) names.push_back(printable(arm.name));
  std::vector<std::string> notes;
  if (std::string note = warm_up_note(plan, result); !note.empty()) notes.push_back(note);
  for (std::size_t i = 0; i < result.states.size(); ++i) {
    const std::uint32_t open = result.states[i].idle_open, idle = plan.arms[i].idle;
    if (open == idle) continue;
    notes.push_back(fmt::format("{}: it closed {} of {} idle connections", names[i],
                                format_count(idle - open), format_count(idle)));
  }
  for (std::string& note : disturbance_notes(result.disturbance, result.schedule.length)) {
    notes.push_back(std::move(note));
  }
  if (result.interrupted) notes.emplace_back("interrupted: the figures are of the complete rounds");
  if (result.full) {
    notes.push_back(fmt::format(
        "ended early: more than {} requests are not kept; the figures are of the complete rounds, "
        "and a shorter --duration has all of its own",
        format_count(bench::kMostRequests)));
  }
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    add_notes(notes, plan, names[i], result.arms[i], result.trouble[i]);
  }
  return notes;
}

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
  // Of all steps together they are of no rate: each step has its own below.
  const bool ramp = !plan.schedule.steps.empty();
  for (const double p : bench::kQuantiles) {
    if (!ramp)
      row("latency  " + quantile_name(p), [p](const Summary& s) { return latency_cell(s, p); });
  }
  for (const double p : {0.5, 0.99}) {
    row("service  " + quantile_name(p), [p](const Summary& s) {
      return too_few(s, p) ? "-" : plain(bench::quantile_of(s.service, p));
    });
  }
  row("queueing p99", [](const Summary& s) { return plain(bench::quantile_of(s.queueing, 0.99)); });
  if (plan.schedule.arrivals != bench::Arrivals::kClosed) {
    row("send lag p99", [](const Summary& s) { return plain(bench::quantile_of(s.lag, 0.99)); });
  }
  for (Row& one : state_rows(plan, result)) rows.push_back(std::move(one));
  std::string out = verdict_text(plan, result, style.color) + run_description(plan, result) +
                    "\n\n" + table(rows, LastColumn::kNumbers) + "\n";
  if (ramp) out += steps_table(names, result) + "\n";
  out += plan.schedule.arrivals == bench::Arrivals::kClosed
             ? "  latency: from asking to the last byte of the answer. A closed loop asks no\n"
               "  more while it waits, so what users at a steady rate would wait is not in it.\n"
             : "  latency: from the intended time to the last byte of the answer = send lag +\n"
               "  queueing (for a free connection) + service (from sending).\n";
  if (const std::string compared = comparison_text(plan, result); !compared.empty()) {
    out += "\n" + compared;
  }
  const std::vector<std::string> notes = bench_notes(plan, result);
  if (!notes.empty() && !out.ends_with("\n\n")) out += '\n';
  for (const std::string& note : notes) {
    out += (style.color ? "\x1b[33m!\x1b[0m " : "! ") + note + "\n";
  }
  return out;
}

namespace {

using Json = nlohmann::ordered_json;

Json nanos(Nanos value) { return value == bench::kNever ? Json() : Json(value); }

Json latency_json(const Summary& s) {
  Json list = Json::array();
  for (const double p : bench::kQuantiles) {
    const bool lagged = s.lagged_at(p);
    const Nanos value = s.latency_at(p);
    const bool few = too_few(s, p);
    Json figure = {{"p", p}, {"ns", lagged || few ? Json() : nanos(value)}};
    if (lagged) figure["void"] = "the generator lagged";
    if (value == bench::kNever && s.requests > 0) figure["void"] = "no answer";
    if (few) figure["void"] = "too few requests";
    list.push_back(std::move(figure));
  }
  return list;
}

Json step_json(const BenchStep& step) {
  Json json = {{"rate", step.rate}, {"arms", Json::array()}};
  for (const Summary& s : step.arms) {
    json["arms"].push_back({{"requests", s.requests},
                            {"answered", s.answered},
                            {"answers_per_second", per_second(s.answered, s.loaded)},
                            {"failed", s.lost + s.unsent + s.bad_status},
                            {"latency", latency_json(s)}});
  }
  return json;
}

Json state_json(const bench::Plan& plan, const BenchResult& result, std::uint16_t arm) {
  const ArmState& state = result.states[arm];
  const auto bytes = [](const auto& value) { return value ? Json(*value) : Json(); };
  Json json = {{"resident_bytes", bytes(state.resident)},
               {"resident_bytes_after_warmup", bytes(state.warm_resident)}};
  const std::uint64_t requests = requests_since(result.schedule.samples, arm, plan.warmup);
  json["requests_after_warmup"] = requests;
  const auto growth = memory_growth(state);
  json["growth_bytes_per_request"] =
      growth && requests > 0 ? Json(static_cast<double>(*growth) / static_cast<double>(requests))
                             : Json();
  if (state.cpu) {
    const CpuUse& cpu = *state.cpu;
    json["cpu_ns_per_request"] = {{"all", cpu.each(cpu.spent.process())},
                                  {"handler", cpu.each(cpu.spent.handlers)},
                                  {"host", cpu.each(cpu.spent.host)},
                                  {"engine_threads", cpu.each(cpu.spent.engines)},
                                  {"unattributed", cpu.each(cpu.spent.unattributed)},
                                  {"gc", cpu.each(cpu.spent.gc)}};
  }
  if (const std::uint32_t idle = plan.arms[arm].idle; idle > 0) {
    json["idle"] = idle;
    json["idle_open"] = state.idle_open;
    json["idle_bytes_each"] = state.idle_growth ? Json(*state.idle_growth / idle) : Json();
  }
  return json;
}

}  // namespace

nlohmann::ordered_json bench_json(const bench::Plan& plan, const BenchResult& result) {
  Json json;
  const auto& schedule = plan.schedule;
  json["load"] = {{"arrivals", arrivals_name(schedule.arrivals)},
                  {"connections", plan.generator.connections},
                  {"pipeline", plan.generator.depth},
                  {"keep_alive", plan.generator.keep_alive},
                  {"pinned", pinning_json(plan)},
                  {"warmup_ns", plan.warmup},
                  {"block_ns", schedule.block},
                  {"rounds", result.rounds.count()},
                  {"seed", schedule.seed}};
  if (schedule.arrivals != bench::Arrivals::kClosed) json["load"]["rate"] = schedule.rate;
  if (plan.recording) {
    const bench::Recording& recording = *plan.recording;
    json["recording"] = {{"format", recording.format},
                         {"requests", recording.entries.size()},
                         {"different", recording.requests.size()},
                         {"left_out", recording.left_out_count}};
    if (schedule.arrivals == bench::Arrivals::kReplay)
      json["recording"]["speed"] = plan.replay_speed;
  }
  json["fingerprint"] = fingerprint_json(result.fingerprint);
  json["disturbance"] = {{"throttled_periods", result.disturbance.throttled_periods},
                         {"throttled_ns", result.disturbance.throttled},
                         {"stolen_ns", result.disturbance.stolen}};
  json["interrupted"] = result.interrupted;
  json["ended_early"] = result.full;
  json["arms"] = Json::array();
  for (std::size_t i = 0; i < result.arms.size(); ++i) {
    const Summary& s = result.arms[i];
    Json arm;
    arm["name"] = text_json(plan.arms[i].name);
    arm["target"] = text_json(plan.arms[i].target);
    arm["requests"] = s.requests;
    arm["answered"] = s.answered;
    arm["answers_per_second"] = per_second(s.answered, s.loaded);
    arm["beyond_reach"] = s.beyond_reach;
    arm["bad_status"] = s.bad_status;
    arm["changed"] = s.changed;
    arm["no_answer"] = {{"unsent", s.unsent},
                        {"refused", s.refused},
                        {"closed", s.closed},
                        {"not_http", s.not_http},
                        {"timeout", s.timeouts}};
    arm["gone"] = result.gone[i].empty() ? Json() : text_json(result.gone[i]);
    arm["latency"] = latency_json(s);
    const auto add = [&](const char* name, const std::vector<Nanos>& values) {
      for (const double p : bench::kQuantiles) {
        arm[name].push_back(Json{{"p", p}, {"ns", nanos(bench::quantile_of(values, p))}});
      }
    };
    add("service", s.service);
    add("queueing", s.queueing);
    add("send_lag", s.lag);
    arm["state"] = state_json(plan, result, static_cast<std::uint16_t>(i));
    json["arms"].push_back(std::move(arm));
  }
  if (result.comparison) json["comparison"] = comparison_json(plan, result);
  for (const BenchStep& step : result.steps) json["steps"].push_back(step_json(step));
  return json;
}

}  // namespace duet::cli
