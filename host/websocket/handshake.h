// The opening handshake (RFC 6455, 4): what a client asks for, and what it is told. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/message.h"
#include "host/websocket/compression.h"

namespace duet::websocket {

// What is wrong with a request that wants to be a WebSocket's handshake. 400: it is malformed;
// 426: it is no handshake, or one of another version; the answer then says what would be taken.
struct HandshakeRefusal {
  int status = 0;           // 0: nothing is wrong
  const char* reason = "";  // one sentence for the client
};

// Whether the request asks to become a WebSocket at all: HTTP/1.1 with "Upgrade: websocket". For
// whoever has to choose between a WebSocket and an ordinary answer before the handshake is checked.
bool asks_for_websocket(const http::RequestHead& head);

// A client's handshake, checked. Owns what it holds.
struct Handshake {
  HandshakeRefusal refusal;
  std::vector<std::string> protocols;  // as offered, in the client's order
  std::optional<Deflate> deflate;      // the offer that can be met
  std::string accept;                  // value of Sec-WebSocket-Accept

  static Handshake from(const http::RequestHead& head);
  bool ok() const { return refusal.status == 0; }
  bool offers(std::string_view protocol) const;
};

// base64(SHA-1(key + the protocol's GUID)).
std::string accept_value(std::string_view key);

}  // namespace duet::websocket
