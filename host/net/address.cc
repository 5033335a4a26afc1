#include "host/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace duet::net {

namespace {

Error bad(std::string_view text, std::string why) {
  return Error{"'" + std::string(text) + "' is not an address: " + std::move(why), "",
               "write 127.0.0.1:8080, [::1]:8080, :8080 or unix:/path", ""};
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  Address address;
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    auto* to = reinterpret_cast<sockaddr_un*>(&address.storage_);
    if (path.empty()) return bad(text, "the path is missing");
    if (path.size() >= sizeof to->sun_path) {
      return bad(text, "a socket's path has at most " + std::to_string(sizeof to->sun_path - 1) +
                           " bytes");
    }
    to->sun_family = AF_UNIX;
    std::memcpy(to->sun_path, path.data(), path.size());
    address.length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return address;
  }

  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad(text, "the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  unsigned port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc{} || end != digits.data() + digits.size() || port > 65535) {
    return bad(text, "the port must be a number from 0 to 65535");
  }

  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() && !bracketed) host = "::";
  if (host == "localhost") host = "127.0.0.1";
  const std::string terminated(host);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage_);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage_);
  if (!bracketed && inet_pton(AF_INET, terminated.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(port));
    address.length_ = sizeof *v4;
    return address;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<std::uint16_t>(port));
    address.length_ = sizeof *v6;
    return address;
  }
  return bad(text, "'" + terminated + "' is neither an IPv4 nor an IPv6 address");
}

Address Address::from(const sockaddr* from, socklen_t length) {
  Address address;
  std::memcpy(&address.storage_, from, length);
  address.length_ = length;
  return address;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET:
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text,
                sizeof text);
      return text;
    case AF_INET6: {
      const auto& v6 = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
      // A client of IPv4 on a socket for both families is shown as what it is.
      if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
      } else {
        inet_ntop(AF_INET6, &v6, text, sizeof text);
      }
      return text;
    }
    case AF_UNIX:
      if (length_ <= offsetof(sockaddr_un, sun_path)) return "";
      return reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
    default:
      return "";
  }
}

std::uint16_t Address::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    default:
      return 0;
  }
}

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + host();
  const std::string name = host();
  const bool brackets = name.find(':') != std::string::npos;
  return (brackets ? "[" + name + "]" : name) + ":" + std::to_string(port());
}

std::string Address::url(std::string_view scheme) const {
  return is_unix() ? to_string() : std::string(scheme) + "://" + to_string();
}

}  // namespace duet::net
