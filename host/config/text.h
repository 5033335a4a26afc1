// What the readers of configuration do with words.
#pragma once

#include <string>
#include <string_view>

#include "host/base/escape.h"

namespace duet::config {

// As messages show what a user wrote.
inline std::string in_quotes(std::string_view text) { return "'" + printable(text) + "'"; }

// Within a line: the space at its end may be a carriage return.
constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// ASCII letters.
inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace duet::config
