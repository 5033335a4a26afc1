// Figures for people: aligned text, from a snapshot. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/measure/snapshot.h"

namespace duet::measure {

struct TableStyle {
  bool color = false;         // emphasis by ANSI sequences: for a terminal
  std::size_t columns = 100;  // that there are; with fewer than 100, tables are made for 80
};

// "0", "812 ns", "6.1 µs", "61 µs", "1.2 ms", "12.0 s", "3 min 20 s".
std::string format_duration(Nanos duration);
// "1,234,567".
std::string format_count(std::uint64_t count);
// "812 B", "6.1 KiB", "12 MiB".
std::string format_bytes(std::int64_t bytes);

// What the host prints when it stops: a line for each handler that had requests, the medians of its
// phases, who waited because of whom, and the division of CPU time.
std::string summary_table(const Snapshot& snapshot, const TableStyle& style = {});

// One line for each pair that matters (at least 1 ms and a thousandth of what that handler's
// requests took), the longest first, at most `most`:
// "country_js waited 1.2 s because of country_py".
std::vector<std::string> blame_lines(const Snapshot& snapshot, std::size_t most = 5);

}  // namespace duet::measure
