#include "host/upstream/forward.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "host/http/characters.h"

namespace duet::upstream {

namespace {

using http::equals_ignoring_case;

// Of the connection, not of the message (RFC 9110, 7.6.1), and what this host says anew.
constexpr std::string_view kOfTheConnection[] = {"Connection",
                                                 "Keep-Alive",
                                                 "Proxy-Connection",
                                                 "Proxy-Authenticate",
                                                 "Proxy-Authorization",
                                                 "TE",
                                                 "Trailer",
                                                 "Transfer-Encoding",
                                                 "Upgrade"};
constexpr std::string_view kSaidAnew[] = {
    "Host", "Content-Length", "Expect", "X-Forwarded-For", "Forwarded", "Duet-Variant"};

template <class Names>
bool names(const Names& list, std::string_view name) {
  return std::any_of(std::begin(list), std::end(list),
                     [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

// The fields that Connection lists are the connection's as well.
void add_listed(std::vector<std::string_view>& listed, std::string_view value) {
  while (!value.empty()) listed.push_back(http::next_element(value));
}

void field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// All fields of that name as one list, with ", " at its end when there is any.
std::string list_so_far(const http::RequestHead& head, std::string_view name) {
  std::string list;
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field one = head.field(i);
    if (!one.value.empty() && equals_ignoring_case(one.name, name)) {
      list.append(one.value).append(", ");
    }
  }
  return list;
}

// A value of RFC 7239: quoted where it is no token.
std::string forwarded_value(std::string_view value) {
  if (!value.empty() && http::all(http::kTokenChar, value)) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

void append_forwarded(std::string& out, Exchange& exchange) {
  const http::RequestHead& head = exchange.head();
  ExchangeTransport& transport = exchange.transport();
  const std::string_view remote = transport.remote_address();
  const bool v6 = remote.find(':') != remote.npos;
  const std::string_view proto = transport.secure() ? "https" : "http";

  field(out, "X-Forwarded-For", list_so_far(head, "X-Forwarded-For") + std::string(remote));
  if (head.get("X-Forwarded-Proto").data() == nullptr) field(out, "X-Forwarded-Proto", proto);
  if (head.get("X-Forwarded-Host").data() == nullptr && !head.host().empty()) {
    field(out, "X-Forwarded-Host", head.host());
  }
  std::string element = list_so_far(head, "Forwarded") + "for=" +
                        (remote == "unix" ? "unknown"
                         : v6             ? "\"[" + std::string(remote) + "]\""
                                          : std::string(remote));
  if (!head.host().empty()) element += ";host=" + forwarded_value(head.host());
  field(out, "Forwarded", element.append(";proto=").append(proto));
}

}  // namespace

void append_request_head(std::string& out, Exchange& exchange, const ServiceUrl& url) {
  const http::RequestHead& head = exchange.head();
  out.append(head.method_text()).append(" ").append(url.prefix).append(head.path());
  if (!head.query().empty()) out.append("?").append(head.query());
  out += " HTTP/1.1\r\n";
  field(out, "Host", url.authority());

  std::vector<std::string_view> listed;
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field one = head.field(i);
    if (equals_ignoring_case(one.name, "Connection")) add_listed(listed, one.value);
  }
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field one = head.field(i);
    if (names(kOfTheConnection, one.name) || names(kSaidAnew, one.name) ||
        names(listed, one.name)) {
      continue;
    }
    field(out, one.name, one.value);
  }
  append_forwarded(out, exchange);
  field(out, "Via", head.minor_version() == 0 ? "1.0 duet" : "1.1 duet");
  if (!exchange.assignment().name().empty()) {
    field(out, "Duet-Variant", exchange.assignment().name());
  }
  if (head.chunked()) {
    field(out, "Transfer-Encoding", "chunked");
  } else if (head.content_length()) {
    field(out, "Content-Length", std::to_string(*head.content_length()));
  }
  out += "\r\n";
}

const char* to_response_head(int status, const http::ResponseParser& answer,
                             http::ResponseHead& head) {
  head.reset(status);
  std::vector<std::string_view> listed;
  for (std::size_t i = 0; i < answer.field_count(); ++i) {
    const http::Field one = answer.field(i);
    if (equals_ignoring_case(one.name, "Connection")) add_listed(listed, one.value);
  }
  for (std::size_t i = 0; i < answer.field_count(); ++i) {
    const http::Field one = answer.field(i);
    if (names(kOfTheConnection, one.name) || names(listed, one.name)) continue;
    if (const char* problem = head.add(one.name, one.value)) return problem;
  }
  return nullptr;
}

bool is_idempotent(http::Method method) {
  using enum http::Method;
  return method == kGet || method == kHead || method == kPut || method == kDelete ||
         method == kOptions || method == kTrace;
}

}  // namespace duet::upstream
