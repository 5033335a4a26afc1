// Requests that were recorded elsewhere: a HAR, a server's access log, or JSON lines.
//
// What cannot be sent again is left out and said, with its place: a real log always has such lines.
// Pure, save that bodies of JSON lines may be files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/bench/target.h"

namespace duet::bench {

struct Recording {
  struct Entry {
    Nanos at = 0;               // since the first one; 0 for all when `timed` is false
    std::uint32_t request = 0;  // index in `requests`
  };
  std::string_view format;            // "HAR", "access log", "JSON lines"
  std::vector<RequestSpec> requests;  // each different one once; no path: that of the target
  std::vector<Entry> entries;         // by time when `timed`, otherwise as in the file
  bool timed = false;                 // every entry has a time, and they differ
  std::vector<std::string> left_out;  // "line 17: why", the first kMostReported
  std::size_t left_out_count = 0;
};
inline constexpr std::size_t kMostReported = 10;

// Which format it is, is seen from its first character. `directory`: where relative files of bodies
// are. Access logs have whole seconds: what came in one second is spread evenly over it. Of a HAR
// those to the host of its first entry are taken. Fields that belong to a connection or to the host
// (Host, Content-Length, ...) are left out. Error: nothing in it can be sent.
Result<Recording> read_recording(std::string_view text, const std::string& directory);

// Instants as recordings write them, in nanoseconds since 1970. Nothing for other text.
std::optional<Nanos> parse_iso_time(std::string_view text);  // 2026-11-27T18:39:00.125+01:00
std::optional<Nanos> parse_log_time(std::string_view text);  // 27/Nov/2026:18:39:00 +0100

}  // namespace duet::bench
