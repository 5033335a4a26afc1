// Where an arm's requests go, and their bytes. Pure, save resolve().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/result.h"
#include "host/net/address.h"
#include "host/net/tls.h"

namespace duet::bench {

// One request as a person describes it.
struct RequestSpec {
  std::string method = "GET";
  std::string path = "/";  // with the query
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

// One request as bytes.
struct RequestText {
  std::string bytes;
  bool head = false;  // its answer has no body, whatever it declares
};

// Adds Host, Content-Length and, without keep-alive, Connection: close, where `spec` does not
// itself give them. Errors: a method, path or field that cannot be sent.
Result<RequestText> request_text(const RequestSpec& spec, std::string_view host, bool keep_alive);

struct Url {
  std::string host;         // without brackets
  std::uint16_t port = 80;  // 443 with TLS
  bool tls = false;
  std::string authority;  // as in Host: "[::1]:8080"
  std::string path = "/";
};
// "http://host[:port][/path?query]", https://, ws:// or wss://; a fragment is dropped.
Result<Url> parse_url(std::string_view text);
// Looks the host's name up when it is one (blocks for that).
Result<net::Address> resolve(const Url& url);

// What a client sends to make a WebSocket of a connection. Errors: as above.
Result<std::string> handshake_text(std::string path,
                                   std::vector<std::pair<std::string, std::string>> fields,
                                   std::string_view host);

struct Target {
  net::Address address;
  std::vector<RequestText> texts;  // at least one
  // Not empty: connections begin with it and are WebSockets then; texts are frames, each of which
  // is answered by one message.
  std::string handshake = {};
  std::shared_ptr<net::TlsClient> tls = {};  // connections are encrypted; nullptr: they are not
  std::string host = {};                     // for whom the certificate must be
};

}  // namespace duet::bench
