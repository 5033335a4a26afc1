// Latencies as HdrHistogram's tools read them: an interval log (version 1.3) whose histograms are
// "V2 compressed", in nanoseconds, to three significant digits up to an hour. One interval is one
// block of one arm, in the order of the rounds. A request without an answer is in none of them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/bench/schedule.h"
#include "host/bench/summary.h"

namespace duet::bench {

struct LogInterval {
  Nanos from = 0, length = 0;                           // since the start of the run
  std::vector<std::pair<Nanos, std::uint64_t>> counts;  // a value and how often, ascending
};

// `started`: when the run began, nanoseconds since 1970. Error: memory for the histogram.
Result<std::string> hdr_log(const Schedule& schedule, std::uint16_t arm, Rounds rounds,
                            Nanos started);

// Error: the line that is no interval of such a log.
Result<std::vector<LogInterval>> read_hdr_log(const std::string& text);

}  // namespace duet::bench
