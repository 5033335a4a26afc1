// permessage-deflate (RFC 7692), by zlib.
//
// Both directions are always negotiated without context takeover, which a server may ask for in any
// case. So every message stands alone, one compressor and one decompressor serve all sockets of a
// loop, and an open socket costs no memory for it: with takeover it is 300 KiB each (zlib's own
// figure for a window of 32 KiB and level 6). What that costs is the ratio of small messages that
// resemble each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace duet::websocket {

// What was agreed with one client.
struct Deflate {
  std::uint8_t window_bits = 15;  // of what the server sends: 9 to 15
  bool told_window = false;       // the client asked for a limit: the answer repeats it

  // The value of the answer's Sec-WebSocket-Extensions field.
  std::string response() const;
};

// Chooses from the client's Sec-WebSocket-Extensions (all values, joined by commas): the first
// permessage-deflate offer that can be met. An offer with unknown, doubled or wrong parameters is
// passed over (RFC 7692, 5.1), and so is a window of 256 bytes, which zlib cannot make. Nothing:
// messages go uncompressed.
std::optional<Deflate> accept_deflate(std::string_view offers);

// The compressor and decompressor of one loop. Not thread-safe. Memory is taken at first use.
class DeflateCodec {
 public:
  DeflateCodec();
  ~DeflateCodec();
  DeflateCodec(const DeflateCodec&) = delete;
  DeflateCodec& operator=(const DeflateCodec&) = delete;

  // The message as the payload of a compressed frame, or nothing when that would not be shorter.
  // The view is valid until the next call.
  std::optional<std::string_view> compress(std::string_view message, const Deflate& agreed);

  enum class Inflated : std::uint8_t {
    kOk,
    kMalformed,  // close with 1007
    kTooLarge,   // close with 1009
  };
  // The message of a compressed payload into `out`, at most `limit` bytes of it.
  Inflated decompress(std::string_view payload, std::size_t limit, std::string& out);

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
  std::string compressed_;
};

}  // namespace duet::websocket
