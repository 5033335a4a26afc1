// Text of unknown origin, made safe to show: for terminals, inside JSON, and as a word of a shell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace duet {

// One character of a text in UTF-8.
struct Utf8Character {
  char32_t code = 0;       // meaningless when !valid
  std::size_t length = 1;  // bytes; 1 for a byte that begins no valid character
  bool valid = false;      // overlong forms, surrogates and codes above U+10FFFF are not
};

// The character that begins at text[at]; `at` < text.size().
Utf8Character utf8_at(std::string_view text, std::size_t at);

// Whether showing the character could move the cursor, change colours, or reorder the text around
// it: C0 and C1 controls, DEL, line and paragraph separators, bidirectional controls.
bool is_unprintable(char32_t code);

// Appends `text` for a terminal: unprintable characters as \n, \r, \t, \e or \u{..}, bytes that are
// no UTF-8 as \x... A backslash stays as it is: the result is for eyes, not for parsing.
void append_printable(std::string& out, std::string_view text);
std::string printable(std::string_view text);

// Appends `text` as a JSON string, quotes included. The result is valid UTF-8 whatever `text` is
// (U+FFFD for each wrong byte) and holds no unprintable character, so that a log shown on a
// terminal cannot drive it.
void append_json_string(std::string& out, std::string_view text);

// One word for a POSIX shell, whatever is in it but NUL.
std::string shell_word(std::string_view text);

}  // namespace duet
