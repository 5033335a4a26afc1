// What `duet report` says of an experiment: worked out of the admin API's documents, then written
// as text or as a page. A number that the requests do not back is "too few requests to say".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/shadow_words.h"

namespace duet::cli {

// Where a quantile of a variant is compared with the control's, with a band that holds at all of
// them and at all times. In microseconds.
struct ShiftPoint {
  double p = 0;
  double difference = 0, low = 0, high = 0;
};

struct ReportVariant {
  std::string name, handler, notes;
  bool control = false, aa = false;
  double share = 0;
  std::uint64_t requests = 0, errors = 0;
  std::optional<double> p50, p90, p99;           // microseconds
  std::optional<double> cpu, cpu_low, cpu_high;  // likewise, a request
  std::vector<ShiftPoint> shift;                 // of the present stage; not of the control
};

struct ReportQuantile {
  std::string variant;
  double p = 0;
  std::optional<double> low, high, ratio;  // variant / control; low and high are the interval
  bool called = false, aa = false;
};

struct ReportGuardrail {
  std::string variant, name;
  std::uint64_t requests = 0, events = 0, control_requests = 0, control_events = 0;
  std::optional<double> low, high;  // ratio of the rates
  double p_value = 1;
  bool crossed = false, called = false;
};

struct Report {
  std::string name, state, verdict, key, since;
  std::string as_of;                  // when the figures were taken; of a database: written
  std::vector<std::string> warnings;  // what makes the verdict worth less
  std::string aa;                     // the record of the A/A arm
  std::string split;                  // whether the requests are divided as configured
  std::string ramp;                   // why the ramp waits; empty: it does not
  std::vector<ReportVariant> variants;
  std::vector<ReportQuantile> quantiles;
  std::vector<ReportGuardrail> guardrails;
  // Who waited for whom on the loop, as a part of the waiting handler's total time; empty: the
  // host does not run.
  std::vector<std::string> handlers;
  std::vector<std::vector<double>> blame;
  std::vector<std::vector<std::string>> memory;  // engine, used, total, limit
  std::vector<std::vector<std::string>> audit;   // when, who, what
  ShadowWords shadow;
};

// `experiment`: of GET /api/experiments/NAME; `host`: of GET /api/handlers, or null. Throws
// nlohmann::json::exception when a document is of another version.
Report report_of(const nlohmann::json& experiment, const nlohmann::json& host);
std::string report_text(const Report& report);
// One self-contained page.
std::string report_page(const Report& report);

// "12 to 15% slower", "12% slower or more", "not known yet": of a ratio of times.
std::string slower(const std::optional<double>& low, const std::optional<double>& high);
// "1.05 to 3.2", "1.05 or more", "not known yet": of a ratio of rates.
std::string factors(const std::optional<double>& low, const std::optional<double>& high);
// "0", "15 (3.1%)": how many of its requests failed.
std::string failed_share(const ReportVariant& variant);
// Cores that 10,000 requests a second take, by CPU time a request in microseconds.
inline double cores(double cpu_us) { return cpu_us * 1e4 / 1e6; }
inline constexpr const char* kTooFew = "too few requests to say";

}  // namespace duet::cli
