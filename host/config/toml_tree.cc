#include "host/config/toml_tree.h"

// toml++ 3.4 asserts (and in optimised builds assumes, which is undefined behaviour) that a table
// header begins with a key, although a file may say "[:x]"; the code below that assertion reports
// the error as it should. A file must not end the process: no assertions for this translation unit.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.hpp>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "host/config/toml_syntax.h"

namespace duet::config {
namespace {

// A file with more errors than this is probably no TOML at all.
constexpr std::size_t kMostErrors = 20;
// How far back the beginning of a broken statement is looked for. Each step parses anew.
constexpr std::size_t kLongestStatement = 40;

Place place_of(const toml::source_region& region) {
  Place place{region.begin.line, region.begin.column, 1};
  if (region.end.line == region.begin.line && region.end.column > region.begin.column) {
    place.length = region.end.column - region.begin.column;
  } else if (region.end.line > region.begin.line) {
    place.length = static_cast<std::size_t>(-1) / 2;  // to the end of its first line
  }
  return place;
}

TomlValue convert(const toml::node& node);

void convert_table(const toml::table& table, TomlValue& value) {
  value.type = TomlValue::Type::kTable;
  for (const auto& [key, child] : table) {
    if (is_lost_header(key.str())) continue;
    value.entries.push_back({std::string(key.str()), place_of(key.source()), convert(child)});
  }
  std::stable_sort(
      value.entries.begin(), value.entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
        return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
      });
}

// Without an offset: as if it were UTC.
double seconds_since_1970(const toml::date_time& at) {
  const auto day = std::chrono::sys_days(std::chrono::year_month_day(
      std::chrono::year(at.date.year), std::chrono::month(at.date.month),
      std::chrono::day(at.date.day)));
  const double minutes = at.offset ? at.offset->minutes : 0;
  return static_cast<double>(day.time_since_epoch().count()) * 86400 + at.time.hour * 3600.0 +
         (at.time.minute - minutes) * 60.0 + at.time.second + at.time.nanosecond * 1e-9;
}

TomlValue convert(const toml::node& node) {
  using Type = TomlValue::Type;
  TomlValue value;
  value.place = place_of(node.source());
  if (const auto* table = node.as_table()) {
    convert_table(*table, value);
  } else if (const auto* array = node.as_array()) {
    value.type = Type::kArray;
    for (const toml::node& item : *array) value.items.push_back(convert(item));
  } else if (const auto* string = node.as_string()) {
    value.type = Type::kString;
    value.string = string->get();
  } else if (const auto* integer = node.as_integer()) {
    value.type = Type::kInteger;
    value.integer = integer->get();
  } else if (const auto* floating = node.as_floating_point()) {
    value.type = Type::kFloat;
    value.floating = floating->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.type = Type::kBoolean;
    value.boolean = boolean->get();
  } else {
    value.type = Type::kDate;
    if (const auto* instant = node.as_date_time()) {
      const toml::date_time& at = instant->get();
      value.boolean = at.offset.has_value();
      value.floating = seconds_since_1970(at);
    }
  }
  return value;
}

bool parses(const std::vector<std::string>& lines, std::size_t count) {
  return toml::parse(join_lines(lines, count)).succeeded();
}

// The line (from 0) in which the statement begins that is found broken in `line`: the first one
// such that all before it can be read.
std::size_t statement_begin(const std::vector<std::string>& lines, std::size_t line) {
  for (std::size_t back = 0; back < kLongestStatement && back <= line; ++back) {
    if (parses(lines, line - back)) return line - back;
  }
  return line;
}

}  // namespace

const TomlEntry* TomlValue::find(std::string_view key) const {
  for (const TomlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string_view toml_type_name(TomlValue::Type type) {
  switch (type) {
    case TomlValue::Type::kString:
      return "text";
    case TomlValue::Type::kInteger:
      return "an integer";
    case TomlValue::Type::kFloat:
      return "a decimal number";
    case TomlValue::Type::kBoolean:
      return "true or false";
    case TomlValue::Type::kDate:
      return "a date or time";
    case TomlValue::Type::kArray:
      return "a list";
    case TomlValue::Type::kTable:
      return "a table";
  }
  return "";
}

TomlTree parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  TomlTree tree;
  std::vector<std::string> lines = split_lines(text);
  for (std::size_t errors = 0; errors < kMostErrors; ++errors) {
    std::size_t line = 0;
    std::size_t begin = 0;
    SyntaxError error;
    // Looked for first: for some of these toml++ 3.4 reaches code that it declares unreachable
    // (is_non_ascii_horizontal_whitespace), which is undefined behaviour.
    if (const auto foreign = find_foreign_character(lines)) {
      line = foreign->line;
      begin = statement_begin(lines, line);
      error = foreign->error;
    } else {
      const toml::parse_result parsed = toml::parse(join_lines(lines, lines.size()));
      if (parsed) {
        tree.root = convert(parsed.table());
        return tree;
      }
      const toml::source_region& where = parsed.error().source();
      line =
          std::clamp<std::size_t>(where.begin.line, 1, std::max<std::size_t>(lines.size(), 1)) - 1;
      begin = statement_begin(lines, line);
      error =
          explain_syntax_error({parsed.error().description(), place_of(where), lines, begin, line});
    }
    tree.incomplete = true;
    diagnostics.add({Severity::kError, file, error.place, error.message, error.hint});
    if (!leave_out(lines, begin, line)) break;
  }
  return tree;
}

}  // namespace duet::config
