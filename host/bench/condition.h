// What a pipeline fails on: "p99 > 1.1x", judged by a comparison's intervals. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/bench/comparison.h"

namespace duet::bench {

struct Condition {
  std::string text;              // as it was written
  std::optional<Metric> metric;  // none: errors, requests that failed
  bool above = true;             // ">", otherwise "<"
  // Of the first arm's figure ("1.1x"); a share of the requests ("1%", errors only); otherwise
  // absolute: nanoseconds, answers a second, requests.
  enum class Unit : unsigned char { kRatio, kShare, kAbsolute } unit = Unit::kAbsolute;
  double limit = 0;
};

// METRIC > VALUE or METRIC < VALUE: METRIC is p50, p90, p99, p99.9, mean, cpu, throughput or
// errors; VALUE is "1.1x", a duration, answers a second, a number of requests or "1%". Error: it is
// none of that; the hint has the form.
Result<Condition> parse_condition(std::string_view text);

// An arm's requests and how many of them failed: no answer, or a status of 400 or above.
struct Failures {
  std::uint64_t requests = 0, failed = 0;
};

struct Judgement {
  std::size_t arm = 0;
  enum class Kind : unsigned char { kHolds, kDoesNot, kCannotTell } kind = Kind::kCannotTell;
  std::optional<stats::BlockInterval> interval;  // of the figure that was held against the limit
  std::string_view missing;                      // why there is none
};

// A condition holds when the whole interval is beyond the limit, and does not when the whole
// interval is not; in between it cannot be told. A number of errors is counted, not estimated; a
// share of them has Wilson's interval. Ratios are judged of each arm but the first, everything else
// of each arm; never of copies of the first one. A ratio to or of an arm of which more than 1% of
// the requests fail cannot be told.
std::vector<Judgement> judge(const Condition& condition, const Comparison& comparison,
                             const std::vector<Failures>& failures,
                             const std::vector<bool>& is_copy);

}  // namespace duet::bench
