// Where a service elsewhere is: "http://host:port/prefix", checked and in parts. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace duet {

struct ServiceUrl {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without its brackets
  std::uint16_t port = 80;
  std::string prefix;  // before the path of each request: empty, or "/api" without a '/' at its end

  // Errors: another scheme than http, credentials, a query, a fragment, what is no host or port.
  static Result<ServiceUrl> parse(std::string_view text);
  // Whether the text is meant as a URL, of whatever scheme.
  static bool looks_like(std::string_view text) { return text.find("://") != text.npos; }

  std::string authority() const;  // "api:8080", "[::1]:8080", "api": what Host says
  std::string text() const;       // "http://api:8080/prefix"
};

}  // namespace duet
