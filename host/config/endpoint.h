// Where the host posts something: an http:// URL in parts.
#pragma once

#include <cstdint>
#include <string>

namespace duet::config {

struct Endpoint {
  std::string url;   // as it was written
  std::string host;  // a name, an IPv4 address, or an IPv6 address without its brackets
  std::uint16_t port = 80;
  std::string authority;  // of the field Host
  std::string target;     // path and query, as they were written; "/" at least
};

}  // namespace duet::config
