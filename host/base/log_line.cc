#include "host/base/log_line.h"

#include <cstdio>
#include <ctime>

#include "host/base/escape.h"

namespace duet::log {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kDim = "\x1b[2m";

struct LevelLook {
  std::string_view name;
  std::string_view padded;  // messages begin in one column
  std::string_view color;
};

constexpr LevelLook kLooks[] = {
    {"debug", "DEBUG", "\x1b[35m"},
    {"info", "INFO ", "\x1b[32m"},
    {"warn", "WARN ", "\x1b[33m"},
    {"error", "ERROR", "\x1b[31m"},
};

const LevelLook& look(Level level) { return kLooks[static_cast<int>(level)]; }

void append_clock(std::string& out, Nanos time) {
  const time_t seconds = static_cast<time_t>(time / kSecond);
  tm t{};
  localtime_r(&seconds, &t);
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", t.tm_hour, t.tm_min,
                                   t.tm_sec, static_cast<int>(time % kSecond / kMillisecond));
  out.append(text, static_cast<std::size_t>(length));
}

void append_rfc3339(std::string& out, Nanos time) {
  const time_t seconds = static_cast<time_t>(time / kSecond);
  tm t{};
  gmtime_r(&seconds, &t);
  char text[96];  // room for any int that gcc imagines in a tm
  const int length = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                                   t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
                                   t.tm_sec, static_cast<int>(time % kSecond / kMillisecond));
  out.append(text, static_cast<std::size_t>(length));
}

// Values that could be taken for two fields are quoted.
bool needs_quotes(std::string_view value) {
  return value.find_first_of(" =\"\t\n\r") != std::string_view::npos;
}

void append_value(std::string& out, std::string_view value) {
  if (!needs_quotes(value)) return append_printable(out, value);
  out += '"';
  std::size_t at = 0;
  while (at < value.size()) {
    const std::size_t quote = value.find('"', at);
    append_printable(out, value.substr(at, quote - at));
    if (quote == std::string_view::npos) break;
    out += "\\\"";
    at = quote + 1;
  }
  out += '"';
}

void append_stack(std::string& out, std::string_view stack, bool color) {
  while (!stack.empty()) {
    const std::size_t end = stack.find('\n');
    std::string_view row = stack.substr(0, end);
    stack.remove_prefix(end == std::string_view::npos ? stack.size() : end + 1);
    if (!row.empty() && row.back() == '\r') row.remove_suffix(1);
    if (row.empty()) continue;
    out += "    ";
    if (color) out += kDim;
    for (std::size_t at = 0; at < row.size();) {  // engines indent with tabs
      const std::size_t tab = row.find('\t', at);
      append_printable(out, row.substr(at, tab - at));
      if (tab == std::string_view::npos) break;
      out += "  ";
      at = tab + 1;
    }
    if (color) out += kReset;
    out += '\n';
  }
}

}  // namespace

std::string_view level_name(Level level) { return look(level).name; }

void append_text(std::string& out, const Line& line, bool color) {
  if (color) out += kDim;
  append_clock(out, line.time);
  if (color) out += kReset;
  out += ' ';
  if (color) out += look(line.level).color;
  out += look(line.level).padded;
  if (color) out += kReset;
  out += ' ';
  append_printable(out, line.message);

  bool first = true;
  for (std::size_t i = 0; i < line.field_count; ++i) {
    const Field& field = line.fields[i];
    if (field.key == "stack" || field.value.empty()) continue;
    out += first ? "  " : " ";
    if (first && color) out += kDim;
    first = false;
    append_printable(out, field.key);
    out += '=';
    append_value(out, field.value);
  }
  if (!first && color) out += kReset;
  out += '\n';
  for (std::size_t i = 0; i < line.field_count; ++i) {
    if (line.fields[i].key == "stack") append_stack(out, line.fields[i].value, color);
  }
}

void append_json(std::string& out, const Line& line) {
  out += "{\"time\":\"";
  append_rfc3339(out, line.time);
  out += "\",\"level\":\"";
  out += level_name(line.level);
  out += "\",\"msg\":";
  append_json_string(out, line.message);
  for (std::size_t i = 0; i < line.field_count; ++i) {
    if (line.fields[i].value.empty()) continue;
    out += ',';
    append_json_string(out, line.fields[i].key);
    out += ':';
    append_json_string(out, line.fields[i].value);
  }
  out += "}\n";
}

}  // namespace duet::log
