// A blocking WebSocket client for tests: sends frames as it is told, also what no client should,
// and reads frames by a parser of its own. Everything has a deadline, as for HttpClient.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/http_client.h"

namespace duet::testing_support {

class WebSocketClient {
 public:
  // Connects and sends the handshake; what came back is in response().
  WebSocketClient(std::string_view address, std::string_view target,
                  std::string_view more_fields = {})
      : WebSocketClient(HttpClient(address), target, more_fields) {}
  WebSocketClient(HttpClient client, std::string_view target, std::string_view more_fields = {});

  const HttpResponse& response() const { return response_; }

  // The text of a handshake for that target.
  static std::string handshake(std::string_view target, std::string_view more_fields = {});
  // One masked frame; `first` is its first byte: FIN, reserved bits, opcode.
  static std::string frame(std::uint8_t first, std::string_view payload);

  bool send(std::uint8_t first, std::string_view payload) {
    return http_.send(frame(first, payload));
  }
  bool text(std::string_view payload) { return send(0x81, payload); }
  bool binary(std::string_view payload) { return send(0x82, payload); }
  bool close(std::uint16_t code, std::string_view reason = {});
  HttpClient& http() { return http_; }

  struct Frame {
    std::uint8_t first = 0;  // FIN, reserved bits, opcode
    std::string payload;
    std::uint16_t code = 0;  // of a close frame; its reason is then the payload
  };
  Frame read();
  // The next frame as text: "text Hello", "close 1000 bye", "ping x", "pong x", "binary ...".
  std::string next();

 private:
  HttpClient http_;
  HttpResponse response_;
};

}  // namespace duet::testing_support
