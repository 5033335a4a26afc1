#include "host/base/escape.h"

#include <cstdio>

namespace duet {

Utf8Character utf8_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  if (first < 0x80) return {first, 1, true};

  std::size_t length = 0;
  char32_t code = 0;
  char32_t least = 0;  // a smaller code in this length is overlong
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2, code = first & 0x1fu, least = 0x80;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3, code = first & 0x0fu, least = 0x800;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4, code = first & 0x07u, least = 0x10000;
  } else {
    return {};
  }
  if (text.size() - at < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0u) != 0x80) return {};
    code = (code << 6) | (byte(at + i) & 0x3fu);
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length, true};
}

bool is_unprintable(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ||        // C0, DEL, C1 (U+009B is a CSI)
         code == 0x2028 || code == 0x2029 ||                    // line and paragraph separator
         code == 0x061c || code == 0x200e || code == 0x200f ||  // bidirectional controls
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void append_printable(std::string& out, std::string_view text) {
  char escape[16];
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character c = utf8_at(text, at);
    if (!c.valid) {
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(text[at]));
      out += escape;
    } else if (!is_unprintable(c.code)) {
      out.append(text, at, c.length);
    } else if (c.code == '\n') {
      out += "\\n";
    } else if (c.code == '\r') {
      out += "\\r";
    } else if (c.code == '\t') {
      out += "\\t";
    } else if (c.code == 0x1b) {
      out += "\\e";
    } else {
      std::snprintf(escape, sizeof escape, "\\u{%x}", static_cast<unsigned>(c.code));
      out += escape;
    }
    at += c.length;
  }
}

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  char escape[8];
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character c = utf8_at(text, at);
    if (!c.valid) {
      out += "\xef\xbf\xbd";
    } else if (c.code == '"' || c.code == '\\') {
      out += '\\';
      out += text[at];
    } else if (c.code == '\n') {
      out += "\\n";
    } else if (c.code == '\r') {
      out += "\\r";
    } else if (c.code == '\t') {
      out += "\\t";
    } else if (is_unprintable(c.code)) {  // all of them are below U+10000: one \u suffices
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c.code));
      out += escape;
    } else {
      out.append(text, at, c.length);
    }
    at += c.length;
  }
  out += '"';
}

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace duet
