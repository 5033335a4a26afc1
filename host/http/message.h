// Values of HTTP messages: methods, header fields, a request's head. Pure: no I/O, no engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/check.h"

namespace duet::http {

// A request method. kOther: one of the further methods that the parser knows (PROPFIND, QUERY,
// ...); its text is in RequestHead. Methods that it does not know are answered 501 and get nowhere.
enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kPatch,
  kOptions,
  kConnect,
  kTrace,
  kOther
};
std::string_view method_name(Method method);  // "GET"; kOther: ""
Method method_from(std::string_view text);    // case-sensitive, as RFC 9110 has it

// One header field of a request. Views into RequestHead's storage: valid until its clear().
struct Field {
  std::string_view name;   // as sent; compare case-insensitively
  std::string_view value;  // without surrounding white space
};

bool equals_ignoring_case(std::string_view a, std::string_view b);

// A request's head: owns its bytes, so it outlives the read buffer. Reused between requests:
// clear() keeps the memory, unless an unusually large head has made it grow (kKeptBytes). Not
// movable while views are out. Only complete heads have passed the checks that are named below.
class RequestHead {
 public:
  static constexpr std::size_t kKeptBytes = 8 * 1024;
  static constexpr std::size_t kKeptFields = 128;

  void clear();

  Method method() const { return method_; }
  std::string_view method_text() const;  // "GET", or the text of a kOther method
  std::string_view target() const;       // the request-target, as sent; visible ASCII without '#'
  // The target's path up to '?', still percent-encoded; starts with '/', also when the target is
  // absolute ("http://host?x" has "/"). "*" for OPTIONS *, empty for CONNECT.
  std::string_view path() const;
  std::string_view query() const;                       // after '?', without it; may be empty
  int minor_version() const { return minor_version_; }  // HTTP/1.x: 0 or 1
  // What the client's version and Connection ask for. Never for CONNECT, whose rest is no HTTP.
  bool keep_alive() const { return keep_alive_; }
  // The client waits for "100 Continue" before it sends the body that it declared.
  bool expects_continue() const { return expects_continue_; }
  // HTTP/1.1 with "Connection: upgrade" and an Upgrade field: may be ignored (RFC 9110, 7.8).
  bool upgrade() const { return upgrade_; }
  bool chunked() const { return chunked_; }
  // Declared length of the body; nothing when there is none or it is chunked.
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  bool has_body() const { return chunked_ || content_length_.value_or(0) > 0; }

  std::size_t field_count() const { return fields_.size(); }
  Field field(std::size_t index) const {
    DUET_CHECK(index < fields_.size());
    return {view(fields_[index].name), view(fields_[index].value)};
  }
  // The first field of that name (case-insensitive), or null data() when absent.
  std::string_view get(std::string_view name) const;
  // The authority of an absolute-form target or of CONNECT, else the value of Host: a name, an IPv4
  // address or a bracketed IPv6 address, and perhaps ":port". Empty only for HTTP/1.0 without Host.
  std::string_view host() const;

 private:
  friend class RequestParser;
  struct Span {
    std::uint32_t offset, length;
  };
  struct FieldSpan {
    Span name, value;
  };
  std::string_view view(Span span) const { return {bytes_.data() + span.offset, span.length}; }

  std::string bytes_;  // the head as sent, from the method on
  Span method_span_{}, target_{}, path_{}, query_{}, host_{};
  std::vector<FieldSpan> fields_;
  std::optional<std::uint64_t> content_length_;
  Method method_ = Method::kGet;
  std::uint8_t minor_version_ = 1;
  bool keep_alive_ = true, expects_continue_ = false, upgrade_ = false, chunked_ = false;
};

// Why a field cannot be sent, as a sentence for the handler's author, or null when it can: the name
// must be a token, the value free of control characters other than a tab. For trailers and interim
// answers; ResponseHead::add() checks by itself.
[[nodiscard]] const char* check_field(std::string_view name, std::string_view value);

// A response's head, built field by field. Names and values are checked as they are added.
class ResponseHead {
 public:
  // Starts anew. Statuses outside 200..999 are the caller's error. Those above 599 have no class
  // (RFC 9110, 15) and are for applications of Node's http; others check with valid_status().
  void reset(int status);
  static bool valid_status(int status) { return status >= 200 && status <= 599; }

  // Another reason phrase than the usual one. Returns why not, as add() does.
  [[nodiscard]] const char* set_reason(std::string_view phrase);
  // The body is sent in chunks where the client takes them, also when its length is known.
  void set_chunked() { chunked_ = true; }
  // The answer has no Date.
  void leave_date_out() { has_date_ = true; }

  // Adds one field. Returns why not, as a sentence for the handler's author, or null when added:
  // a name that is no token, a value with CR, LF, NUL or another control character (a tab is
  // none), a Content-Length that is no number or differs from an earlier one. White space around
  // the value is left out. Connection, Keep-Alive, Transfer-Encoding and Upgrade belong to the host
  // and are accepted but dropped, save "Connection: close". Content-Length is recorded and
  // compared with what is sent.
  [[nodiscard]] const char* add(std::string_view name, std::string_view value);

  // Adds Upgrade, which a handler may not: for a 426, or where an upgrade is offered.
  void offer_upgrade(std::string_view protocol);

  int status() const { return status_; }
  std::string_view reason() const { return reason_; }  // after a space; empty: the usual one
  bool chunked() const { return chunked_; }
  bool has_content_type() const { return has_content_type_; }
  bool has_date() const { return has_date_; }
  bool close() const { return close_; }
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  // In lower case when the handler spelt it so, as it does its other fields.
  std::string_view content_length_name() const {
    return lower_length_ ? "content-length" : "Content-Length";
  }
  // "name: value\r\n" for each field, in order of adding; without Content-Length.
  std::string_view fields() const { return fields_; }

 private:
  std::string fields_, reason_;
  std::optional<std::uint64_t> content_length_;
  int status_ = 200;
  bool has_content_type_ = false, has_date_ = false, close_ = false, chunked_ = false;
  bool lower_length_ = false;
};

std::string_view reason_phrase(int status);  // "OK"; "" when unknown

}  // namespace duet::http
