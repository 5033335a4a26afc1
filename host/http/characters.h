// Character classes of HTTP as one table: a look-up and a mask for each byte.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace duet::http {

enum CharacterClass : std::uint8_t {
  kTokenChar = 1,   // RFC 9110 5.6.2: names of fields, methods, codings
  kFieldChar = 2,   // of a field's value: visible, space, tab, and 0x80.. (obs-text)
  kHostChar = 4,    // of a registered name: unreserved and sub-delims of RFC 3986, no "%"
  kTargetChar = 8,  // of a request-target: visible ASCII without "#"
  kDigitChar = 16,
  kNameChar = 32,  // of a route parameter's name: letters, digits, "_"
};

namespace characters_detail {

constexpr bool any_of(char c, std::string_view set) { return set.find(c) != set.npos; }

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool digit = i >= '0' && i <= '9';
    const bool alnum = digit || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
    std::uint8_t bits = 0;
    if (alnum || (i < 0x80 && any_of(c, "!#$%&'*+-.^_`|~"))) bits |= kTokenChar;
    if (i == '\t' || (i >= 0x20 && i != 0x7f)) bits |= kFieldChar;
    if (alnum || (i < 0x80 && any_of(c, "-._~!$&'()*+,;="))) bits |= kHostChar;
    if (i > 0x20 && i < 0x7f && i != '#') bits |= kTargetChar;
    if (digit) bits |= kDigitChar;
    if (alnum || i == '_') bits |= kNameChar;
    table[static_cast<std::size_t>(i)] = bits;
  }
  table[0] = 0;  // any_of() must not find the end of the literal
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

}  // namespace characters_detail

constexpr bool is(CharacterClass wanted, char c) {
  return (characters_detail::kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

// Whether every byte is of the class; true for the empty text.
constexpr bool all(CharacterClass wanted, std::string_view text) {
  std::uint8_t common = wanted;
  for (const char c : text) common &= characters_detail::kClasses[static_cast<unsigned char>(c)];
  return common != 0;
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// `text` without spaces and tabs at both ends (OWS of RFC 9110).
constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the first element of a comma-separated list off `rest`, trimmed.
constexpr std::string_view next_element(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view element = trim(rest.substr(0, comma));
  rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
  return element;
}

}  // namespace duet::http
