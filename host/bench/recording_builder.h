// Puts a recording together from what the readers of the formats find.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/bench/recording.h"

namespace duet::bench {

class RecordingBuilder {
 public:
  explicit RecordingBuilder(std::string_view format) { recording_.format = format; }

  // `at`: nanoseconds since any instant. `place`: "line 17", for when it cannot be sent.
  void add(RequestSpec spec, std::optional<Nanos> at, const std::string& place);
  void leave_out(const std::string& place, const std::string& why);
  // Entries whose times are equal are spread evenly over `resolution`.
  Result<Recording> finish(Nanos resolution);

 private:
  Recording recording_;
  std::unordered_map<std::string, std::uint32_t> known_;
  bool all_timed_ = true;
};

// Whether a recorded field can be sent again: not those of the connection, the host, or HTTP/2.
bool is_repeatable_field(std::string_view name);

// The readers. They add what they find.
void read_access_log(std::string_view text, RecordingBuilder& builder);
void read_json_lines(std::string_view text, const std::string& directory,
                     RecordingBuilder& builder);
// Error: it is no JSON, or not of that shape.
Result<void> read_har(std::string_view text, RecordingBuilder& builder);

}  // namespace duet::bench
