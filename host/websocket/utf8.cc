#include "host/websocket/utf8.h"

#include <cstring>

namespace duet::websocket {

bool Utf8Check::feed(std::string_view piece) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end) {
    if (left_ == 0) {
      while (end - at >= 8) {  // most text is ASCII: eight bytes at a time
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        if ((word & 0x8080808080808080u) != 0) break;
        at += 8;
      }
      if (at == end) break;
      const auto lead = static_cast<std::uint8_t>(*at++);
      if (lead < 0x80) continue;
      low_ = 0x80;
      high_ = 0xBF;
      if (lead >= 0xC2 && lead <= 0xDF) {
        left_ = 1;
      } else if (lead >= 0xE0 && lead <= 0xEF) {
        left_ = 2;
        if (lead == 0xE0) low_ = 0xA0;   // else overlong
        if (lead == 0xED) high_ = 0x9F;  // else a surrogate
      } else if (lead >= 0xF0 && lead <= 0xF4) {
        left_ = 3;
        if (lead == 0xF0) low_ = 0x90;   // else overlong
        if (lead == 0xF4) high_ = 0x8F;  // else above U+10FFFF
      } else {
        return false;
      }
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(*at++);
    if (byte < low_ || byte > high_) return false;
    --left_;
    low_ = 0x80;
    high_ = 0xBF;
  }
  return true;
}

bool is_utf8(std::string_view text) {
  Utf8Check check;
  return check.feed(text) && check.complete();
}

}  // namespace duet::websocket
