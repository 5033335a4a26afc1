// What `duet stats` answers to a line: one formula of host/stats, evaluated. Pure.
#pragma once

#include <string>
#include <string_view>

namespace duet::cli {

// `line`: {"fn":"log_e","k":710,"n":1467,"theta":0.5586,"c":1266.5}, in any order. The answer is an
// object on one line, without a line feed: {"log_e":8.4520807946161504}, or {"error":"…"} that
// names what is wrong with the line. Numbers have 17 significant digits, so that reading them gives
// the same double back.
std::string answer_stats_line(std::string_view line);

}  // namespace duet::cli
