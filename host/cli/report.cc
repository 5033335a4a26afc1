#include "host/cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/base/clock.h"
#include "host/cli/experiment_words.h"
#include "host/experiment/two_digits.h"
#include "host/measure/table.h"
#include "host/stats/quantile.h"

namespace duet::cli {
namespace {

using Json = nlohmann::json;

// A quantile of fewer requests beyond it than these is one or two requests' own.
constexpr double kFewestBeyond = 10;
// An interval of a mean that is wider than this part of it tells nothing.
constexpr double kWidest = 0.5;
// An A/A arm that served fewer has not been put to the test.
constexpr std::uint64_t kFewestOfAa = 500;
// A handler that waits for another one's slices for more than this part of its time is disturbed.
constexpr double kDisturbed = 0.1;

std::optional<double> number(const Json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<double>();
}

// Counts by buckets of (low, high, count) in nanoseconds, for quantiles of any order.
class Counts {
 public:
  explicit Counts(const Json& buckets) {
    for (const Json& bucket : buckets) {
      all_ += bucket.at(2).get<double>();
      middles_.push_back((bucket.at(0).get<double>() + bucket.at(1).get<double>()) / 2);
      cumulated_.push_back(all_);
    }
  }
  double all() const { return all_; }
  // Nothing outside of (0, 1).
  std::optional<double> micros_at(double p) const {
    if (!(p > 0 && p < 1) || all_ == 0) return std::nullopt;
    const auto found = std::lower_bound(cumulated_.begin(), cumulated_.end(), p * all_);
    if (found == cumulated_.end()) return std::nullopt;
    return middles_[static_cast<std::size_t>(found - cumulated_.begin())] / 1000;
  }

 private:
  double all_ = 0;
  std::vector<double> middles_, cumulated_;
};

// Each arm's distribution lies within its radius everywhere, so a quantile lies between those that
// are a radius away; where such a one does not exist, nothing is known.
std::vector<ShiftPoint> shift_of(const Counts& control, const Counts& variant, double alpha) {
  std::vector<ShiftPoint> points;
  if (control.all() < 1 || variant.all() < 1) return points;
  const double a = stats::uniform_radius(control.all(), alpha / 2);
  const double b = stats::uniform_radius(variant.all(), alpha / 2);
  for (int percent = 1; percent <= 99; ++percent) {
    const double p = percent / 100.0;
    const auto low = variant.micros_at(p - b), high = variant.micros_at(p + b);
    const auto most = control.micros_at(p + a), least = control.micros_at(p - a);
    if (!low || !high || !most || !least) continue;
    points.push_back(
        {p, *variant.micros_at(p) - *control.micros_at(p), *low - *most, *high - *least});
  }
  return points;
}

std::string notes_of(const Json& variant) {
  if (!variant.at("unavailable").is_null()) return "cannot answer";
  if (variant.at("rolled_back").get<bool>()) return "rolled back by a guardrail";
  if (variant.at("aa").get<bool>()) return "A/A: the control once more";
  return variant.at("control").get<bool>() ? "control" : "";
}

ReportVariant variant_of(const Json& json, const Json& control, double alpha) {
  ReportVariant one;
  one.name = text(json.at("name"));
  one.handler = text(json.at("handler"));
  one.notes = notes_of(json);
  one.control = json.at("control").get<bool>();
  one.aa = json.at("aa").get<bool>();
  one.share = json.at("share").get<double>();
  json.at("requests").get_to(one.requests);
  json.at("errors").get_to(one.errors);
  const auto n = static_cast<double>(one.requests);
  const auto backed = [&](const char* name, double p) -> std::optional<double> {
    if (n * (1 - p) < kFewestBeyond) return std::nullopt;
    return json.at("total_us").at(name).get<double>();
  };
  one.p50 = backed("p50", 0.5);
  one.p90 = backed("p90", 0.9);
  one.p99 = backed("p99", 0.99);
  const auto within = number(json.at("cpu_within"));
  if (within && *within < kWidest) {
    one.cpu = json.at("cpu_us_per_request").get<double>();
    one.cpu_low = *one.cpu * (1 - *within);
    one.cpu_high = *one.cpu * (1 + *within);
  }
  if (!one.control) {
    one.shift =
        shift_of(Counts(control.at("stage_histogram")), Counts(json.at("stage_histogram")), alpha);
  }
  return one;
}

void read_evidence(const Json& variant, Report& report) {
  for (const Json& json : variant.at("guardrails")) {
    ReportGuardrail& one = report.guardrails.emplace_back();
    one.variant = text(variant.at("name"));
    one.name = text(json.at("name"));
    json.at("requests").get_to(one.requests);
    json.at("events").get_to(one.events);
    json.at("control_requests").get_to(one.control_requests);
    json.at("control_events").get_to(one.control_events);
    one.low = number(json.at("ratio").at("low"));
    one.high = number(json.at("ratio").at("high"));
    json.at("p_value").get_to(one.p_value);
    json.at("crossed").get_to(one.crossed);
    one.called = one.p_value <= json.at("alpha").get<double>();
  }
  for (const Json& json : variant.at("quantiles")) {
    ReportQuantile& one = report.quantiles.emplace_back();
    one.variant = text(variant.at("name"));
    one.aa = variant.at("aa").get<bool>();
    json.at("p").get_to(one.p);
    json.at("called").get_to(one.called);
    one.low = number(json.at("ratio").at("low"));
    one.high = number(json.at("ratio").at("high"));
    if (one.low && *one.low == 0) one.low.reset();
    const auto its = number(json.at("variant_us")), controls = number(json.at("control_us"));
    if (one.low && one.high && its && controls && *controls > 0) one.ratio = *its / *controls;
  }
}

std::string record_of_aa(const Report& report) {
  for (const ReportVariant& variant : report.variants) {
    if (!variant.aa) continue;
    std::string called;
    const auto add = [&](const std::string& what) {
      called += (called.empty() ? "" : ", ") + what;
    };
    for (const ReportQuantile& one : report.quantiles) {
      if (one.aa && one.called) add(fmt::format("p{:.4g}", 100 * one.p));
    }
    for (const ReportGuardrail& one : report.guardrails) {
      if (one.variant == variant.name && one.called) add(one.name);
    }
    if (called.empty() && variant.requests < kFewestOfAa) {
      return fmt::format("A/A: {} ({})", kTooFew, variant.requests);
    }
    if (called.empty()) {
      return fmt::format("A/A clean: nothing was called against '{}' in {} requests", variant.name,
                         variant.requests);
    }
    return fmt::format(
        "A/A FALSE ALARM: '{}' is the control once more, and was called by {}; "
        "do not trust what is called of the others",
        variant.name, called);
  }
  return "no A/A arm runs: aa = \"10%\" in [[experiment]] adds one";
}

std::string bytes(const Json& value) {
  return value.is_null() ? "unknown" : measure::format_bytes(value.get<std::int64_t>());
}

void read_host(const Json& host, Report& report) {
  if (host.is_null()) return;
  std::vector<const Json*> rows;
  for (const Json& handler : host.at("handlers")) {
    const std::string name = text(handler.at("name"));
    for (const ReportVariant& variant : report.variants) {
      if (variant.handler != name) continue;
      report.handlers.push_back(name);
      rows.push_back(&handler);
      break;
    }
  }
  for (const Json* row : rows) {
    auto& parts = report.blame.emplace_back();
    const double all =
        row->at("total_us").at("mean").get<double>() * row->at("requests").get<double>();
    for (const Json* other : rows) {
      const double waited =
          row->at("waited_for_us").value(other->at("name").get<std::string>(), 0.0);
      parts.push_back(all > 0 ? std::min(1.0, waited / all) : 0);
      if (other == row || parts.back() < kDisturbed) continue;
      report.warnings.push_back(
          fmt::format("'{}' spends {:.0f}% of its time waiting for '{}' on the loop: they disturb "
                      "each other, and "
                      "the difference would be another one if each had a process of its own",
                      text(row->at("name")), 100 * parts.back(), text(other->at("name"))));
    }
  }
  for (const Json& engine : host.at("engines")) {
    const Json &used = engine.at("heap_used_bytes"), &total = engine.at("heap_total_bytes"),
               &limit = engine.at("heap_limit_bytes");
    // Services elsewhere and plug-ins have no memory of their own here.
    if (used.is_null() && total.is_null() && limit.is_null()) continue;
    report.memory.push_back({text(engine.at("name")), bytes(used), bytes(total), bytes(limit)});
  }
  report.memory.push_back(
      {"the process, resident", bytes(host.at("memory").at("resident_bytes")), "", ""});
}

}  // namespace

std::string slower(const std::optional<double>& low, const std::optional<double>& high) {
  using experiment::percent;
  if (!low && high && *high < 1) return percent(100 * (1 - *high)) + "% faster or more";
  if (low && !high && *low > 1) return percent(100 * (*low - 1)) + "% slower or more";
  if (!low || !high) return "not known yet";
  const double least = 100 * (*low - 1), most = 100 * (*high - 1);
  if (least > 0) return fmt::format("{} to {}% slower", percent(least), percent(most));
  if (least == 0) return fmt::format("up to {}% slower", percent(most));
  if (most == 0) return fmt::format("up to {}% faster", percent(-least));
  if (most < 0) return fmt::format("{} to {}% faster", percent(-most), percent(-least));
  return fmt::format("{}% faster to {}% slower", percent(-least), percent(most));
}

std::string factors(const std::optional<double>& low, const std::optional<double>& high) {
  const auto digits = [](double factor) {
    return factor < 999.5 ? fmt::format("{:.3g}", factor) : fmt::format("{:.0f}", factor);
  };
  if (high) return digits(low.value_or(0)) + " to " + digits(*high);
  return low.value_or(0) > 0 ? digits(*low) + " or more" : "not known yet";
}

std::string failed_share(const ReportVariant& variant) {
  if (variant.errors == 0) return "0";
  return fmt::format("{} ({}%)", variant.errors,
                     experiment::percent(100 * static_cast<double>(variant.errors) /
                                         static_cast<double>(variant.requests)));
}

Report report_of(const Json& experiment, const Json& host) {
  Report report;
  report.name = text(experiment.at("name"));
  report.state = text(experiment.at("state"));
  report.verdict = text(experiment.at("verdict"));
  report.key = text(experiment.at("key"));
  const auto since = number(experiment.at("first_request"));
  report.since = since ? instant(*since) : "no request yet";
  const auto kept_at = experiment.find("kept_at");
  report.as_of = kept_at == experiment.end()
                     ? instant(static_cast<double>(wall_now()) * 1e-9)
                     : instant(kept_at->get<double>()) + ", when it was kept";
  const Json& variants = experiment.at("variants");
  const Json* control = nullptr;
  for (const Json& variant : variants) {
    if (variant.at("control").get<bool>()) control = &variant;
  }
  if (control == nullptr) control = &variants.at(0);
  const double alpha = experiment.at("alpha").get<double>() /
                       std::max<double>(1, static_cast<double>(variants.size()) - 1);
  for (const Json& variant : variants) {
    report.variants.push_back(variant_of(variant, *control, alpha));
    read_evidence(variant, report);
  }
  const Json& split = experiment.at("split");
  const bool wrong = split.at("wrong").get<bool>();
  report.split = fmt::format("{} (p = {:.2g})", wrong ? "NOT as configured" : "as configured",
                             split.at("p_value").get<double>());
  if (wrong) {
    report.warnings.push_back(
        "the requests are not divided as configured: nothing that follows can be trusted");
  }
  if (!experiment.at("store").is_null()) {
    report.warnings.push_back("what is counted is not kept: " + text(experiment.at("store")));
  }
  for (const ReportGuardrail& one : report.guardrails) {
    if (one.crossed) {
      report.warnings.push_back(
          fmt::format("'{}' has crossed the guardrail '{}'", one.variant, one.name));
    }
  }
  report.aa = record_of_aa(report);
  const Json& hold = experiment.at("ramp").at("hold");
  if (!hold.is_null()) report.ramp = text(hold);
  report.shadow = shadow_words(experiment);
  read_host(host, report);
  for (const Json& entry : experiment.at("audit")) {
    report.audit.push_back(
        {instant(entry.at("at").get<double>()), text(entry.at("who")), text(entry.at("what"))});
  }
  return report;
}

}  // namespace duet::cli
