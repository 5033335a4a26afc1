// Addresses to listen on: "127.0.0.1:8080", "[::1]:0", "localhost:80", ":8080", "unix:/run/x.sock".
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace duet::net {

class Address {
 public:
  // Numeric addresses and "localhost" (127.0.0.1) only: no name is looked up. An empty host means
  // every interface, IPv4 and IPv6.
  static Result<Address> parse(std::string_view text);
  static Address from(const sockaddr* address, socklen_t length);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }

  std::string host() const;       // "127.0.0.1", "::1"; the path of a unix socket
  std::uint16_t port() const;     // 0 for unix sockets
  std::string to_string() const;  // as parse() takes it: "[::1]:80"
  // "http://127.0.0.1:8080", "http://[::1]:80", "unix:/run/x.sock": for a person to open.
  std::string url(std::string_view scheme) const;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace duet::net
