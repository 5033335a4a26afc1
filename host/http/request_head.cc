// What a complete head must fulfil beyond llhttp's grammar: the request line's form, the target,
// Host, the body's length, expectations. And which sentence a client gets for what is wrong.
#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "host/http/characters.h"
#include "host/http/request_parser.h"

namespace duet::http {

namespace {

constexpr const char* kTargetTooLong = "The request's target is longer than this server takes.";
constexpr const char* kBadRequestLine =
    "The request line is not \"METHOD target HTTP/1.1\", with single spaces.";
constexpr const char* kBadTarget = "The request's target is malformed.";
constexpr const char* kBadHost = "Host is not a name or an address, with or without a port.";
constexpr const char* kUnknownMethod = "The request's method is not known to this server.";

// llhttp's numbers to ours. Those that it knows from RTSP are no methods of HTTP.
Method method_of(std::uint8_t number) {
  switch (number) {
    case HTTP_GET:
      return Method::kGet;
    case HTTP_HEAD:
      return Method::kHead;
    case HTTP_POST:
      return Method::kPost;
    case HTTP_PUT:
      return Method::kPut;
    case HTTP_DELETE:
      return Method::kDelete;
    case HTTP_PATCH:
      return Method::kPatch;
    case HTTP_OPTIONS:
      return Method::kOptions;
    case HTTP_CONNECT:
      return Method::kConnect;
    case HTTP_TRACE:
      return Method::kTrace;
    default:
      return Method::kOther;
  }
}

bool http_has_method(std::uint8_t number) {
  return number < HTTP_PRI || number > HTTP_FLUSH;  // PRI and RTSP's lie between
}

// `lower` is a lower-case literal of letters and '-': then setting bit 5 of a token's character
// gives a letter of it only for that letter in either case.
template <std::size_t N>
bool named(std::string_view name, const char (&lower)[N]) {
  for (std::size_t i = 0; i < N - 1; ++i) {
    if ((name[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

// Any number of digits (RFC 3986 3.2.3): "000080" is 80, as URL parsers have it.
bool valid_port(std::string_view port) {
  unsigned value = 0;
  for (const char c : port) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
    if (value > 65535) return false;
  }
  return true;
}

bool valid_ipv6(std::string_view address) {
  char text[INET6_ADDRSTRLEN];
  if (address.empty() || address.size() >= sizeof text) return false;
  std::memcpy(text, address.data(), address.size());
  text[address.size()] = '\0';
  in6_addr parsed;
  return std::strlen(text) == address.size() && inet_pton(AF_INET6, text, &parsed) == 1;
}

// uri-host [":" port] of RFC 9110 7.2, not empty. Percent-encoding in names (which RFC 3986 allows
// and nobody sends) is refused: the name would mean one thing here and another in a URL parser.
bool valid_authority(std::string_view authority, bool port_required) {
  std::size_t host = 0;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == authority.npos || !valid_ipv6(authority.substr(1, close - 1))) return false;
    host = close + 1;
  } else {
    while (host < authority.size() && is(kHostChar, authority[host])) ++host;
    if (host == 0) return false;
  }
  if (host == authority.size()) return !port_required;
  if (authority[host] != ':') return false;
  const std::string_view port = authority.substr(host + 1);
  return !(port_required && port.empty()) && valid_port(port);
}

}  // namespace

// --- a head that is complete -------------------------------------------------------------------

void RequestParser::accept_head() {
  if (!accept_request_line() || !accept_fields()) return;
  RequestHead& head = *head_;
  section_ = 0;
  ends_connection_ = !head.keep_alive_;
  if (head.chunked_) {
    begin_chunks();
  } else {
    remaining_ = head.content_length_.value_or(0);
    phase_ = remaining_ > 0 ? Phase::kBody : Phase::kComplete;
  }
}

// llhttp takes more than one form: several spaces, HTTP/0.9, RTSP. This one takes
// "METHOD SP target SP HTTP/1.x CRLF" with the method at the first byte.
bool RequestParser::accept_request_line() {
  RequestHead& head = *head_;
  const std::string& bytes = head.bytes_;
  const std::size_t end = head.target_.offset + head.target_.length;
  if (!target_ended_ || end + 11 > bytes.size() ||
      std::memcmp(bytes.data() + end, " HTTP/1.", 8) != 0 || bytes[end + 9] != '\r' ||
      head.target_.offset < 2 || bytes[head.target_.offset - 2] == ' ') {
    return refuse(400, kBadRequestLine);
  }
  head.method_ = method_of(llhttp_.method);
  head.method_span_ = {0, head.target_.offset - 1};
  // RFC 9110 2.5: a higher minor version is treated as the highest one that is known.
  head.minor_version_ = std::min<std::uint8_t>(llhttp_.http_minor, 1);
  return accept_target();
}

bool RequestParser::accept_target() {
  RequestHead& head = *head_;
  const std::string_view target = head.target();
  if (!all(kTargetChar, target)) {
    return refuse(400, "The request's target contains a character that must be percent-encoded.");
  }
  if (head.method_ == Method::kConnect) {
    head.host_ = head.target_;
    return valid_authority(target, true) ||
           refuse(400, "The target of CONNECT is not \"host:port\".");
  }
  if (target[0] == '/') {
    const std::size_t path = std::min(target.find('?'), target.size());
    head.path_ = {head.target_.offset, static_cast<std::uint32_t>(path)};
    if (path < target.size()) {
      head.query_ = {static_cast<std::uint32_t>(head.target_.offset + path + 1),
                     static_cast<std::uint32_t>(target.size() - path - 1)};
    }
    return true;
  }
  if (target == "*") {
    head.path_ = head.target_;
    return head.method_ == Method::kOptions || refuse(400, "The target \"*\" is for OPTIONS only.");
  }
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos) return refuse(400, kBadTarget);
  const std::string_view name = target.substr(0, scheme);
  if (!equals_ignoring_case(name, "http") && !equals_ignoring_case(name, "https")) {
    return refuse(400, "The request's target is neither a path nor an http URL.");
  }
  return accept_absolute_target(scheme + 3);
}

// "http://authority/path?query", whose authority starts there. It stands for Host (RFC 9112 3.2.2).
bool RequestParser::accept_absolute_target(std::size_t authority) {
  RequestHead& head = *head_;
  const std::string_view target = head.target();
  const std::size_t path = std::min(target.find_first_of("/?", authority), target.size());
  const auto base = head.target_.offset;
  head.host_ = {static_cast<std::uint32_t>(base + authority),
                static_cast<std::uint32_t>(path - authority)};
  if (!valid_authority(target.substr(authority, path - authority), false)) {
    return refuse(400, "The authority in the request's target is malformed.");
  }
  const std::size_t query = std::min(target.find('?', path), target.size());
  if (query < target.size()) {
    head.query_ = {static_cast<std::uint32_t>(base + query + 1),
                   static_cast<std::uint32_t>(target.size() - query - 1)};
  }
  if (query > path) {
    head.path_ = {static_cast<std::uint32_t>(base + path),
                  static_cast<std::uint32_t>(query - path)};
  } else {  // no path: the root, or the server itself for OPTIONS (RFC 9112 3.2.4)
    head.path_ = {static_cast<std::uint32_t>(head.bytes_.size()), 1};
    const bool server = head.method_ == Method::kOptions && query == target.size();
    head.bytes_.push_back(server ? '*' : '/');
  }
  return true;
}

bool RequestParser::accept_fields() {
  RequestHead& head = *head_;
  const char* const bytes = head.bytes_.data();
  connection_ = 0;
  bool has_host = false, has_transfer_encoding = false;
  bool chunked = false, unknown_coding = false, expects = false;
  for (RequestHead::FieldSpan& field : head.fields_) {
    while (field.value.length > 0 && (bytes[field.value.offset + field.value.length - 1] == ' ' ||
                                      bytes[field.value.offset + field.value.length - 1] == '\t')) {
      --field.value.length;
    }
    const std::string_view name = head.view(field.name);
    switch (name.size()) {
      case 4:
        if (!named(name, "host")) break;
        if (has_host) return refuse(400, "Host is given more than once.");
        has_host = true;
        if (!valid_authority(head.view(field.value), false)) return refuse(400, kBadHost);
        if (head.host_.length == 0) head.host_ = field.value;
        break;
      case 6:
        if (!named(name, "expect")) break;
        if (!equals_ignoring_case(head.view(field.value), "100-continue")) {
          return refuse(417, "The only expectation that is met here is 100-continue.");
        }
        expects = true;
        break;
      case 10:
        if (named(name, "connection")) read_connection(head.view(field.value));
        break;
      case 17:
        if (!named(name, "transfer-encoding")) break;
        has_transfer_encoding = true;
        if (!accept_transfer_coding(head.view(field.value), chunked, unknown_coding)) return false;
        break;
      default:
        break;
    }
  }
  if (unknown_coding) return refuse(501, "The only transfer coding known here is chunked.");
  if (!accept_framing(has_transfer_encoding)) return false;
  if (!has_host && head.minor_version_ >= 1) return refuse(400, "Host is missing.");
  head.expects_continue_ = expects && head.minor_version_ >= 1 && head.has_body();
  return true;
}

// llhttp goes by the last of several options; "close" anywhere must win (RFC 9112, 9.3).
void RequestParser::read_connection(std::string_view value) {
  while (!value.empty()) {
    const std::string_view option = next_element(value);
    if (equals_ignoring_case(option, "close")) {
      connection_ |= kCloseOption;
    } else if (equals_ignoring_case(option, "keep-alive")) {
      connection_ |= kKeepAliveOption;
    } else if (equals_ignoring_case(option, "upgrade")) {
      connection_ |= kUpgradeOption;
    }
  }
}

// One field's list of codings. "chunked" must be the last of all fields together, and only once
// (RFC 9112, 6.1); empty elements are refused because implementations disagree about them.
bool RequestParser::accept_transfer_coding(std::string_view value, bool& chunked, bool& unknown) {
  do {
    const std::string_view element = next_element(value);
    const std::string_view coding = trim(element.substr(0, element.find(';')));
    if (coding.empty() || !all(kTokenChar, coding)) {
      return refuse(400, "Transfer-Encoding is malformed.");
    }
    if (chunked) return refuse(400, "In Transfer-Encoding, chunked is not the last coding.");
    if (!equals_ignoring_case(coding, "chunked")) {
      unknown = true;
    } else if (coding.size() != element.size()) {
      return refuse(400, "In Transfer-Encoding, chunked has parameters.");
    } else {
      chunked = true;
    }
  } while (!value.empty());
  return true;
}

// The rest from llhttp's flags, which have seen the same fields.
bool RequestParser::accept_framing(bool has_transfer_encoding) {
  RequestHead& head = *head_;
  const auto has = [flags = llhttp_.flags](int flag) { return (flags & flag) != 0; };
  if (has_transfer_encoding) {
    if (head.minor_version_ == 0) {
      return refuse(400, "Transfer-Encoding does not exist in HTTP/1.0.");
    }
    if (has(F_CONTENT_LENGTH)) {
      return refuse(400, "The request has both Content-Length and Transfer-Encoding.");
    }
    if (!has(F_CHUNKED)) return refuse(400, "Transfer-Encoding is malformed.");
    head.chunked_ = true;
  } else if (has(F_CONTENT_LENGTH)) {
    head.content_length_ = llhttp_.content_length;
  }
  const bool persistent = head.minor_version_ >= 1 || (connection_ & kKeepAliveOption) != 0;
  head.keep_alive_ = persistent && (connection_ & kCloseOption) == 0;
  head.upgrade_ = head.minor_version_ >= 1 && has(F_UPGRADE) && (connection_ & kUpgradeOption) != 0;
  if (head.method_ == Method::kConnect) {  // has no body; what follows is the tunnel's
    head.chunked_ = head.keep_alive_ = head.upgrade_ = false;
    head.content_length_.reset();
  }
  return true;
}

// --- a head that is not ------------------------------------------------------------------------

// What can be said before the head is complete, or when llhttp stopped for another reason: refuses
// and returns true when the target is too long or is not followed by a version.
bool RequestParser::request_line_wrong() {
  RequestHead& head = *head_;
  const std::size_t end = head.target_.offset + head.target_.length;
  const bool limit = section_ >= head_limit_ && !target_ended_ && head.target_.length > 0;
  if (head.target_.length > target_limit_ || limit) {
    refuse(414, kTargetTooLong);
    return true;
  }
  if (head.target_.length > 0 && end < head.bytes_.size() && head.bytes_[end] == '\r') {
    refuse(400, kBadRequestLine);  // HTTP/0.9, whose requests end here
    return true;
  }
  return false;
}

// `where`: offset in the head at which llhttp stopped.
void RequestParser::refuse_head(llhttp_errno_t error, std::size_t where) {
  if (error == HPE_INVALID_URL) {  // the span up to there has not been reported
    const std::string_view line = std::string_view(head_->bytes_).substr(0, where);
    const std::size_t space = line.find(' ');
    const std::size_t end = line.find('\r');
    if (space < line.size() && std::min(end, where) - space - 1 > target_limit_) {
      refuse(414, kTargetTooLong);
    } else {
      refuse(400, end < line.size() ? kBadRequestLine : kBadTarget);
    }
    return;
  }
  if (request_line_wrong()) return;
  switch (error) {
    case HPE_CB_VERSION_COMPLETE:
    case HPE_PAUSED_H2_UPGRADE:
      refuse(505, "This server speaks HTTP/1.1 and HTTP/1.0 here.");
      return;
    case HPE_INVALID_CONSTANT:
      if (!http_has_method(llhttp_.method)) {
        refuse(501, kUnknownMethod);
      } else {
        refuse(400, kBadRequestLine);
      }
      return;
    case HPE_INVALID_VERSION:
      refuse(400, kBadRequestLine);
      return;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      refuse(400, "The body's length is given twice.");
      return;
    case HPE_INVALID_CONTENT_LENGTH:
      refuse(400, "Content-Length is not a number of bytes.");
      return;
    case HPE_INVALID_TRANSFER_ENCODING:
      refuse(400, "Transfer-Encoding is malformed, or given beside Content-Length.");
      return;
    default:
      refuse(400, "A header field is malformed.");
      return;
  }
}

}  // namespace duet::http
