#include "tests/support/websocket_client.h"

#include <utility>

namespace duet::testing_support {

WebSocketClient::WebSocketClient(HttpClient client, std::string_view target,
                                 std::string_view more_fields)
    : http_(std::move(client)) {
  http_.send(handshake(target, more_fields));
  response_ = http_.read_head();
}

std::string WebSocketClient::handshake(std::string_view target, std::string_view more_fields) {
  std::string text = "GET ";
  text.append(target).append(
      " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n");
  return text.append(more_fields).append("\r\n");
}

std::string WebSocketClient::frame(std::uint8_t first, std::string_view payload) {
  constexpr char kMask[4] = {'\x11', '\x22', '\x33', '\x44'};
  std::string frame(1, static_cast<char>(first));
  if (payload.size() <= 125) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    const int bytes = payload.size() <= 0xFFFF ? 2 : 8;
    frame.push_back(bytes == 2 ? '\xfe' : '\xff');
    for (int i = bytes - 1; i >= 0; --i) {
      frame.push_back(static_cast<char>(payload.size() >> (8 * i)));
    }
  }
  frame.append(kMask, 4);
  const std::size_t start = frame.size();
  frame.append(payload);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame[start + i] = static_cast<char>(frame[start + i] ^ kMask[i % 4]);
  }
  return frame;
}

bool WebSocketClient::close(std::uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  return send(0x88, payload.append(reason));
}

WebSocketClient::Frame WebSocketClient::read() {
  Frame frame;
  const std::string head = http_.read_exactly(2);
  frame.first = static_cast<std::uint8_t>(head[0]);
  std::uint64_t length = static_cast<unsigned char>(head[1]);  // a server's frame has no mask
  if (length >= 126) {
    const std::string more = http_.read_exactly(length == 126 ? 2 : 8);
    length = 0;
    for (const char c : more) length = length << 8 | static_cast<unsigned char>(c);
  }
  frame.payload = http_.read_exactly(length);
  if ((frame.first & 0x0F) == 8 && frame.payload.size() >= 2) {
    frame.code = static_cast<std::uint16_t>(static_cast<unsigned char>(frame.payload[0]) << 8 |
                                            static_cast<unsigned char>(frame.payload[1]));
    frame.payload.erase(0, 2);
  }
  return frame;
}

std::string WebSocketClient::next() {
  const Frame frame = read();
  switch (frame.first) {
    case 0x81:
      return "text " + frame.payload;
    case 0x82:
      return "binary " + frame.payload;
    case 0x88:
      return "close " + std::to_string(frame.code) + " " + frame.payload;
    case 0x89:
      return "ping " + frame.payload;
    case 0x8a:
      return "pong " + frame.payload;
    default:
      return "frame " + std::to_string(frame.first) + " " + frame.payload;
  }
}

}  // namespace duet::testing_support
