#include "host/bench/target.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

#include "host/base/escape.h"

namespace duet::bench {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace

Result<RequestText> request_text(const RequestSpec& spec, std::string_view host, bool keep_alive) {
  if (!is_token(spec.method)) {
    return Error{"'" + printable(spec.method) + "' is no HTTP method", {}, {}, {}};
  }
  if (!is_visible(spec.path) || (spec.path[0] != '/' && spec.path != "*")) {
    return Error{"'" + printable(spec.path) + "' is no path",
                 {},
                 "it begins with / and has no spaces (write %20)",
                 {}};
  }
  std::string bytes = spec.method + " " + spec.path + " HTTP/1.1\r\n";
  bool has_host = false, has_length = false, has_connection = false;
  for (const auto& [name, value] : spec.fields) {
    if (!is_token(name) || !is_field_value(value)) {
      return Error{fmt::format("'{}: {}' is no header field", printable(name), printable(value)),
                   {},
                   {},
                   {}};
    }
    has_host |= same_name(name, "host");
    has_connection |= same_name(name, "connection");
    has_length |= same_name(name, "content-length") || same_name(name, "transfer-encoding");
    bytes.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_host) bytes += "Host: " + std::string(host) + "\r\n";
  if (!keep_alive && !has_connection) bytes += "Connection: close\r\n";
  const bool takes_body = spec.method != "GET" && spec.method != "HEAD";
  if (!has_length && (takes_body || !spec.body.empty())) {
    bytes += "Content-Length: " + std::to_string(spec.body.size()) + "\r\n";
  }
  bytes += "\r\n" + spec.body;
  return RequestText{std::move(bytes), spec.method == "HEAD"};
}

Result<std::string> handshake_text(std::string path,
                                   std::vector<std::pair<std::string, std::string>> fields,
                                   std::string_view host) {
  fields.emplace_back("Upgrade", "websocket");
  fields.emplace_back("Connection", "Upgrade");
  fields.emplace_back("Sec-WebSocket-Version", "13");
  fields.emplace_back("Sec-WebSocket-Key", "ZHVldCBiZW5jaCwgYSBrZQ==");
  auto text = request_text({"GET", std::move(path), std::move(fields), ""}, host, true);
  if (!text) return std::move(text).error();
  return std::move(text->bytes);
}

Result<Url> parse_url(std::string_view text) {
  const auto wrong = [text](std::string hint) {
    return Error{"'" + printable(text) + "' is no address of a server", {}, std::move(hint), {}};
  };
  constexpr struct {
    std::string_view scheme;
    bool tls;
  } kSchemes[] = {{"http://", false}, {"https://", true}, {"ws://", false}, {"wss://", true}};
  const auto* const scheme = std::find_if(std::begin(kSchemes), std::end(kSchemes),
                                          [&](auto& one) { return text.starts_with(one.scheme); });
  if (scheme == std::end(kSchemes)) return wrong("write http://127.0.0.1:8000/path");
  Url url;
  url.tls = scheme->tls;
  if (url.tls) url.port = 443;
  std::string_view rest = text.substr(scheme->scheme.size());
  const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, path);
  rest.remove_prefix(path);
  rest = rest.substr(0, rest.find('#'));
  url.path = rest.empty() || rest[0] != '/' ? "/" + std::string(rest) : std::string(rest);
  if (authority.find('@') != std::string_view::npos) {
    return wrong("give credentials as a header: --header 'Authorization: …'");
  }
  url.authority = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return wrong("the bracket of [address] is not closed");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (url.host.empty()) return wrong("the host is missing");
  if (!port.empty()) {
    unsigned number = 0;
    const auto [end, failure] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
    if (port[0] != ':' || failure != std::errc() || end != port.data() + port.size() ||
        number == 0 || number > 65535) {
      return wrong("a port is a number from 1 to 65535");
    }
    url.port = static_cast<std::uint16_t>(number);
  }
  return url;
}

Result<net::Address> resolve(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (code != 0) {
    return Error{
        "'" + printable(url.host) + "' cannot be found: " + gai_strerror(code), {}, {}, {}};
  }
  const net::Address address = net::Address::from(found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

}  // namespace duet::bench
