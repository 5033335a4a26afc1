// Frames of RFC 6455 as bytes: headers, masking, close codes. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace duet::websocket {

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA,
};
constexpr bool is_control(std::uint8_t opcode) { return (opcode & 0x8) != 0; }

// Close codes (RFC 6455, 7.4.1). Those that are never sent say what an application is told.
enum CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kNoStatus = 1005,  // never sent: the peer's close frame had no code
  kAbnormal = 1006,  // never sent: the connection ended without a close frame
  kInvalidData = 1007,
  kPolicy = 1008,
  kTooBig = 1009,
  kInternalError = 1011,
  kTryAgainLater = 1013,
};

// Whether a close frame may carry the code: the registered ones and 3000 to 4999.
constexpr bool may_be_sent(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != kNoStatus && code != kAbnormal) ||
         (code >= 3000 && code <= 4999);
}

inline constexpr std::size_t kMaxControlPayload = 125;
inline constexpr std::size_t kMaxHeader = 14;  // of a masked frame; 10 without the mask

// Appends the header of a server's frame: whole (FIN), unmasked. `compressed` sets RSV1.
void append_header(std::string& out, Opcode opcode, std::uint64_t length, bool compressed = false);

// Appends a whole close frame; code 0 sends none. The reason is cut, between characters, to the 123
// bytes that fit.
void append_close(std::string& out, std::uint16_t code, std::string_view reason);

// Applies a client's mask in place, or takes it away; `offset` is the payload's position of the
// first byte. `mask`: the four bytes of the frame, as they lie in memory.
void apply_mask(char* bytes, std::size_t size, std::uint32_t mask, std::uint64_t offset);

}  // namespace duet::websocket
