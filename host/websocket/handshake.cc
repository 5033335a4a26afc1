#include "host/websocket/handshake.h"

#include <algorithm>

#include "host/websocket/sha1.h"

namespace duet::websocket {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      word = word << 8 | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text.push_back(j <= left ? kBase64[word >> (18 - 6 * j) & 63] : '=');
    }
  }
  return text;
}

// A nonce of 16 bytes in base64: 22 digits, of which the last carries 2 bits, and "==".
bool is_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.end() - 2,
                     [](char c) { return kBase64.find(c) != std::string_view::npos; });
}

// Calls `found` with each element of the comma-separated fields of that name; empty ones are
// skipped (RFC 9110, 5.6.1).
template <class Found>
void each_element(const http::RequestHead& head, std::string_view name, Found found) {
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    if (!http::equals_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view element = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) {
        element.remove_prefix(1);
      }
      while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) {
        element.remove_suffix(1);
      }
      if (!element.empty()) found(element);
    }
  }
}

std::size_t count_of(const http::RequestHead& head, std::string_view name) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    count += http::equals_ignoring_case(head.field(i).name, name) ? 1 : 0;
  }
  return count;
}

HandshakeRefusal check(const http::RequestHead& head) {
  if (head.method() != http::Method::kGet) return {400, "A WebSocket handshake is a GET request."};
  if (head.minor_version() < 1) return {400, "A WebSocket handshake needs HTTP/1.1."};
  if (!asks_for_websocket(head)) {
    return {426,
            "This path is a WebSocket: connect with \"Connection: Upgrade\" and "
            "\"Upgrade: websocket\"."};
  }
  if (head.has_body()) return {400, "A WebSocket handshake has no body."};
  if (count_of(head, "Sec-WebSocket-Version") != 1 || head.get("Sec-WebSocket-Version") != "13") {
    return {426, "Sec-WebSocket-Version must be 13: no other version is spoken here."};
  }
  if (count_of(head, "Sec-WebSocket-Key") == 0) return {400, "Sec-WebSocket-Key is missing."};
  if (count_of(head, "Sec-WebSocket-Key") > 1) return {400, "Sec-WebSocket-Key is given twice."};
  if (!is_key(head.get("Sec-WebSocket-Key"))) {
    return {400, "Sec-WebSocket-Key must be 16 bytes in base64."};
  }
  return {};
}

}  // namespace

bool asks_for_websocket(const http::RequestHead& head) {
  if (!head.upgrade()) return false;
  bool found = false;
  each_element(head, "Upgrade", [&](std::string_view element) {
    found = found || http::equals_ignoring_case(element, "websocket");
  });
  return found;
}

Handshake Handshake::from(const http::RequestHead& head) {
  Handshake handshake;
  handshake.refusal = check(head);
  if (!handshake.ok()) return handshake;
  each_element(head, "Sec-WebSocket-Protocol",
               [&](std::string_view element) { handshake.protocols.emplace_back(element); });
  for (const std::string& protocol : handshake.protocols) {
    if (http::check_field(protocol, "") != nullptr) {
      handshake.refusal = {400, "Sec-WebSocket-Protocol must be a list of tokens."};
      return handshake;
    }
  }
  std::string extensions;
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    if (!http::equals_ignoring_case(field.name, "Sec-WebSocket-Extensions")) continue;
    if (!extensions.empty()) extensions += ", ";
    extensions += field.value;
  }
  handshake.deflate = accept_deflate(extensions);
  handshake.accept = accept_value(head.get("Sec-WebSocket-Key"));
  return handshake;
}

bool Handshake::offers(std::string_view protocol) const {
  return std::find(protocols.begin(), protocols.end(), protocol) != protocols.end();
}

std::string accept_value(std::string_view key) {
  const Sha1Digest digest = sha1(std::string(key) + std::string(kGuid));
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace duet::websocket
