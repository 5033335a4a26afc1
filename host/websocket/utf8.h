// UTF-8 checked piece by piece: wrong bytes are found as soon as they are seen. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace duet::websocket {

class Utf8Check {
 public:
  // False: the text so far is not the beginning of any UTF-8 text (RFC 3629: no surrogates, no
  // overlong forms, nothing above U+10FFFF).
  bool feed(std::string_view piece);
  // Whether the text may end here: no character is cut.
  bool complete() const { return left_ == 0; }
  void reset() { left_ = 0; }

 private:
  std::uint8_t left_ = 0;                  // continuation bytes that the character still needs
  std::uint8_t low_ = 0x80, high_ = 0xBF;  // range of the next one
};

bool is_utf8(std::string_view text);

}  // namespace duet::websocket
