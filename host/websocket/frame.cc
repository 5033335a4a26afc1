#include "host/websocket/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace duet::websocket {

void append_header(std::string& out, Opcode opcode, std::uint64_t length, bool compressed) {
  char header[10];
  std::size_t size = 2;
  header[0] = static_cast<char>(0x80 | (compressed ? 0x40 : 0) | static_cast<int>(opcode));
  std::size_t extended = 0;
  if (length <= kMaxControlPayload) {
    header[1] = static_cast<char>(length);
  } else if (length <= 0xFFFF) {
    header[1] = 126;
    extended = 2;
  } else {
    header[1] = 127;
    extended = 8;
  }
  for (std::size_t i = extended; i-- > 0;) {
    header[size++] = static_cast<char>(length >> (8 * i));
  }
  out.append(header, size);
}

void append_close(std::string& out, std::uint16_t code, std::string_view reason) {
  if (code == 0) return append_header(out, Opcode::kClose, 0);
  std::size_t size = std::min(reason.size(), kMaxControlPayload - 2);
  if (size < reason.size()) {
    while (size > 0 && (static_cast<unsigned char>(reason[size]) & 0xC0) == 0x80) --size;
  }
  append_header(out, Opcode::kClose, size + 2);
  out.push_back(static_cast<char>(code >> 8));
  out.push_back(static_cast<char>(code & 0xFF));
  out.append(reason.substr(0, size));
}

void apply_mask(char* bytes, std::size_t size, std::uint32_t mask, std::uint64_t offset) {
  // Turned so that its first byte, in memory, belongs to the first byte here.
  const int turn = static_cast<int>(offset % 4) * 8;
  const std::uint32_t turned =
      std::endian::native == std::endian::little ? std::rotr(mask, turn) : std::rotl(mask, turn);
  const std::uint64_t word = static_cast<std::uint64_t>(turned) << 32 | turned;
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) {  // the compiler makes vectors of it
    std::uint64_t part;
    std::memcpy(&part, bytes + at, 8);
    part ^= word;
    std::memcpy(bytes + at, &part, 8);
  }
  char rest[8];
  std::memcpy(rest, &word, 8);
  for (std::size_t i = 0; at < size; ++at, ++i) {
    bytes[at] = static_cast<char>(bytes[at] ^ rest[i]);
  }
}

}  // namespace duet::websocket
