// One line of the log as text: log.cc writes what these make. Apart, so that tests see the text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/base/log.h"

namespace duet::log {

struct Line {
  Nanos time = 0;  // since the Unix epoch
  Level level = Level::kInfo;
  std::string_view message;
  const Field* fields = nullptr;
  std::size_t field_count = 0;
};

std::string_view level_name(Level level);  // "debug", "info", "warn", "error"

// "12:34:56.789 WARN  handler failed  handler=hello route=/x", in local time. A field called
// "stack" follows on lines of its own, indented. `color`: levels coloured, fields dim.
void append_text(std::string& out, const Line& line, bool color);

// {"time":"2026-11-23T12:34:56.789Z","level":"warn","msg":"…","handler":"hello"} on one line.
void append_json(std::string& out, const Line& line);

}  // namespace duet::log
