// Structured log on standard error: readable lines on a terminal, one JSON object a line otherwise.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace duet::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kAuto, kText, kJson };  // kAuto: text when standard error is a terminal

// One named value of a line; an empty value is left out. The views are read during the call only.
struct Field {
  std::string_view key;
  std::string_view value;
};

// Sets the format and the least level that is written. Call once, before other threads log.
void configure(Format format, Level least);

// Writes one line with one write(2), so lines of several threads never mix. Any thread.
// A field called "stack" may span lines: on a terminal it is printed indented below the line.
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::kDebug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::kInfo, m, f);
}
inline void warn(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::kWarn, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::kError, m, f);
}

}  // namespace duet::log
