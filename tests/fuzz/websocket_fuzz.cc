// The WebSocket codec under hostile bytes. An input is what a client sends. Checked:
//   - the reader says the same however the bytes are cut, and when it is stopped after each
//   message,
//     with and without compression, with small and large limits;
//   - messages that arrive are within the limit, and text is UTF-8;
//   - any bytes survive framing, masking and compression;
//   - any offer of extensions is answered by what a client may accept, or passed over.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/base/check.h"
#include "host/websocket/compression.h"
#include "tests/unit/websocket/frame_text.h"

namespace duet::websocket {
namespace {

void check_cuts(const std::string& bytes, bool compression, std::size_t limit) {
  const Reading whole{.max_message = limit, .compression = compression};
  const std::string told = read_all(bytes, whole).told;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, bytes.size() / 2 + 1}) {
    Reading cut = whole;
    cut.piece = piece;
    DUET_CHECK(read_all(bytes, cut).told == told);
    cut.stopping = true;
    DUET_CHECK(read_all(bytes, cut).told == told);
  }
}

void check_round_trip(const std::string& bytes) {
  static DeflateCodec codec;
  const Reading how{.max_message = bytes.size(), .compression = true};
  const std::string expected = "binary(" + bytes + ")";
  DUET_CHECK(read_all(client_frame(0x82, bytes, 0x9c3f01a7), how).told == expected);
  const auto bits = static_cast<std::uint8_t>(9 + bytes.size() % 7);
  if (const auto made = codec.compress(bytes, {.window_bits = bits})) {
    DUET_CHECK(made->size() < bytes.size());
    DUET_CHECK(read_all(client_frame(0xc2, *made), how).told == expected);
  }
  if (is_utf8(bytes)) {
    DUET_CHECK(read_all(client_frame(0x81, bytes), how).told == "text(" + bytes + ")");
  } else {
    DUET_CHECK(read_all(client_frame(0x81, bytes), how).violation == kInvalidData);
  }
}

void check_offer(std::string_view bytes) {
  if (const auto agreed = accept_deflate(bytes)) {
    DUET_CHECK(agreed->window_bits >= 9 && agreed->window_bits <= 15);
    DUET_CHECK(agreed->response().starts_with("permessage-deflate"));
  }
}

}  // namespace
}  // namespace duet::websocket

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace duet::websocket;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const bool compression : {false, true}) {
    check_cuts(bytes, compression, 64);
    check_cuts(bytes, compression, 64 * 1024);
  }
  check_round_trip(bytes);
  check_offer(bytes);
  return 0;
}
