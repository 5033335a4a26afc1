#include "host/base/service_url.h"

#include <algorithm>
#include <charconv>

#include "host/base/escape.h"

namespace duet {

namespace {

constexpr std::size_t kLongestHost = 253;  // of a name in the DNS

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= kLongestHost &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_v6(std::string_view host) {
  return host.find(':') != host.npos &&
         host.find_first_not_of("0123456789abcdefABCDEF:.") == host.npos;
}

Error bad(std::string_view text, std::string_view why, std::string hint) {
  return Error{"'" + printable(text) + "' " + std::string(why), {}, std::move(hint), {}};
}

constexpr const char* kExample = "write \"http://127.0.0.1:8080\" or \"http://name:8080/prefix\"";

}  // namespace

Result<ServiceUrl> ServiceUrl::parse(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  if (text.starts_with("https://")) {
    return bad(text, "is reached by https, which duet does not speak",
               "name it by http://, or put a proxy that speaks TLS in between");
  }
  if (!text.starts_with(kScheme)) return bad(text, "is no http:// URL", kExample);
  std::string_view rest = text.substr(kScheme.size());
  if (rest.find_first_of("?#") != rest.npos) {
    return bad(text, "has a query or a fragment: a service is a host and a prefix of paths",
               "remove what follows '?' or '#'");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view prefix = rest.substr(slash);
  if (authority.find('@') != authority.npos) {
    return bad(text, "holds credentials", "remove them: whoever asks brings its own fields");
  }
  ServiceUrl url;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(prefix.begin(), prefix.end(), visible)) {
    return bad(text, "has characters in its path that a request cannot have",
               "percent-encode them: %20 for a space");
  }
  url.prefix = prefix;

  const bool bracketed = authority.starts_with('[');
  const std::size_t end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && end == authority.npos) return bad(text, "has a '[' without its ']'", kExample);
  url.host = bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  authority.remove_prefix(std::min(authority.size(), bracketed ? end + 1 : end));
  if (!(bracketed ? is_v6(url.host) : is_name(url.host))) {
    return bad(text, url.host.empty() ? "names no host" : "has no valid host", kExample);
  }
  if (authority.empty()) return url;
  unsigned port = 0;
  const char* const last = authority.data() + authority.size();
  const auto parsed = std::from_chars(authority.data() + 1, last, port);
  if (authority.front() != ':' || parsed.ec != std::errc() || parsed.ptr != last || port == 0 ||
      port > 65535) {
    return bad(text, "has no valid port: a number from 1 to 65535", kExample);
  }
  url.port = static_cast<std::uint16_t>(port);
  return url;
}

std::string ServiceUrl::authority() const {
  std::string text = host.find(':') != host.npos ? "[" + host + "]" : host;
  if (port != 80) text += ":" + std::to_string(port);
  return text;
}

std::string ServiceUrl::text() const { return "http://" + authority() + prefix; }

}  // namespace duet
