#include "host/http/message.h"

#include <cstring>

#include "host/base/check.h"
#include "host/http/characters.h"

namespace duet::http {

namespace {

// In the order of Method.
constexpr std::string_view kMethodNames[] = {"GET",   "HEAD",    "POST",    "PUT",   "DELETE",
                                             "PATCH", "OPTIONS", "CONNECT", "TRACE", ""};

// Any byte of the eight below 0x20, or 0x7f; false alarms are allowed, misses are not.
bool maybe_control(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101u;
  constexpr std::uint64_t kHigh = 0x8080808080808080u;
  const std::uint64_t below_space = (eight - kOnes * 0x20) & ~eight;
  const std::uint64_t deleted = eight ^ (kOnes * 0x7f);
  return ((below_space | ((deleted - kOnes) & ~deleted)) & kHigh) != 0;
}

bool valid_field_value(std::string_view value) {
  const char* at = value.data();
  std::size_t left = value.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t eight;
    std::memcpy(&eight, at, sizeof eight);
    if (maybe_control(eight) && !all(kFieldChar, {at, 8})) return false;
  }
  return all(kFieldChar, {at, left});
}

const char* bad_value(std::string_view value) {
  for (const char c : value) {
    if (c == '\0') return "the value of a header field contains a NUL character";
    if (c == '\r' || c == '\n') return "the value of a header field contains a line break";
  }
  return "the value of a header field contains a control character";
}

// A decimal number of digits only, without overflow.
std::optional<std::uint64_t> parse_length(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is(kDigitChar, c)) return std::nullopt;
    if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) {
      return std::nullopt;
    }
  }
  return value;
}

bool lists_close(std::string_view value) {
  while (!value.empty()) {
    if (equals_ignoring_case(next_element(value), "close")) return true;
  }
  return false;
}

}  // namespace

std::string_view method_name(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

Method method_from(std::string_view text) {
  for (std::size_t i = 0; i + 1 < std::size(kMethodNames); ++i) {
    if (text == kMethodNames[i]) return static_cast<Method>(i);
  }
  return Method::kOther;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

// --- requests ----------------------------------------------------------------------------------

void RequestHead::clear() {
  if (bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);
  if (fields_.capacity() > kKeptFields) std::vector<FieldSpan>().swap(fields_);
  bytes_.clear();
  fields_.clear();
  method_span_ = target_ = path_ = query_ = host_ = {};
  content_length_.reset();
  method_ = Method::kGet;
  minor_version_ = 1;
  keep_alive_ = true;
  expects_continue_ = upgrade_ = chunked_ = false;
}

std::string_view RequestHead::method_text() const {
  return method_ == Method::kOther ? view(method_span_) : method_name(method_);
}

std::string_view RequestHead::target() const { return view(target_); }
std::string_view RequestHead::path() const { return view(path_); }
std::string_view RequestHead::query() const { return view(query_); }
std::string_view RequestHead::host() const { return view(host_); }

std::string_view RequestHead::get(std::string_view name) const {
  for (const FieldSpan& field : fields_) {
    if (field.name.length == name.size() && equals_ignoring_case(view(field.name), name)) {
      return view(field.value);
    }
  }
  return {};
}

// --- responses ---------------------------------------------------------------------------------

const char* check_field(std::string_view name, std::string_view value) {
  if (name.empty()) return "the name of a header field is empty";
  if (!all(kTokenChar, name)) {
    return "the name of a header field contains a character that is not allowed there";
  }
  if (!valid_field_value(value)) return bad_value(value);
  return nullptr;
}

void ResponseHead::reset(int status) {
  DUET_CHECK(status >= 200 && status <= 999);
  fields_.clear();
  reason_.clear();
  content_length_.reset();
  status_ = status;
  has_content_type_ = has_date_ = close_ = chunked_ = lower_length_ = false;
}

const char* ResponseHead::set_reason(std::string_view phrase) {
  if (!valid_field_value(phrase)) return "a reason phrase contains a control character";
  reason_ = " ";  // so that an empty one differs from none
  reason_ += phrase;
  return nullptr;
}

const char* ResponseHead::add(std::string_view name, std::string_view value) {
  if (const char* problem = check_field(name, value)) return problem;
  value = trim(value);
  switch (name.size()) {  // of the names that mean something here
    case 4:
      has_date_ |= equals_ignoring_case(name, "date");
      break;
    case 7:
      if (equals_ignoring_case(name, "upgrade")) return nullptr;
      break;
    case 10:
      if (equals_ignoring_case(name, "keep-alive")) return nullptr;
      if (equals_ignoring_case(name, "connection")) {
        close_ |= lists_close(value);
        return nullptr;
      }
      break;
    case 12:
      has_content_type_ |= equals_ignoring_case(name, "content-type");
      break;
    case 14:
      if (equals_ignoring_case(name, "content-length")) {
        const std::optional<std::uint64_t> length = parse_length(value);
        if (!length) return "the value of Content-Length is not a number of bytes";
        if (content_length_ && *content_length_ != *length) {
          return "Content-Length was given twice with different values";
        }
        content_length_ = length;
        lower_length_ = name.front() == 'c';
        return nullptr;
      }
      break;
    case 17:
      if (equals_ignoring_case(name, "transfer-encoding")) return nullptr;
      break;
    default:
      break;
  }
  // One growth at most, then plain copies.
  const std::size_t before = fields_.size();
  fields_.resize(before + name.size() + value.size() + 4);
  char* at = fields_.data() + before;
  std::memcpy(at, name.data(), name.size());
  at += name.size();
  *at++ = ':';
  *at++ = ' ';
  if (!value.empty()) std::memcpy(at, value.data(), value.size());
  at += value.size();
  *at++ = '\r';
  *at = '\n';
  return nullptr;
}

void ResponseHead::offer_upgrade(std::string_view protocol) {
  fields_.append("Upgrade: ").append(protocol).append("\r\nConnection: Upgrade\r\n");
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 203:
      return "Non-Authoritative Information";
    case 204:
      return "No Content";
    case 205:
      return "Reset Content";
    case 206:
      return "Partial Content";
    case 207:
      return "Multi-Status";
    case 208:
      return "Already Reported";
    case 226:
      return "IM Used";
    case 300:
      return "Multiple Choices";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 305:
      return "Use Proxy";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a Teapot";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 423:
      return "Locked";
    case 424:
      return "Failed Dependency";
    case 425:
      return "Too Early";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 506:
      return "Variant Also Negotiates";
    case 507:
      return "Insufficient Storage";
    case 508:
      return "Loop Detected";
    case 510:
      return "Not Extended";
    case 511:
      return "Network Authentication Required";
    default:
      return "";
  }
}

}  // namespace duet::http
