#include "host/http/response_parser.h"

#include "host/base/check.h"
#include "host/http/characters.h"

namespace duet::http {

namespace {

// One large head must not hold memory as long as the connection lives.
constexpr std::size_t kKeptBytes = 16 * 1024;

}  // namespace

struct ResponseParser::Callbacks {
  static ResponseParser& self(llhttp_t* llhttp) {
    return *static_cast<ResponseParser*>(llhttp->data);
  }

  static int on_message_begin(llhttp_t* llhttp) {
    ResponseParser& parser = self(llhttp);
    parser.in_answer_ = true;
    parser.head_bytes_ = 0;
    parser.forget_fields();
    parser.in_fields_ = parser.keeps_;
    return 0;
  }

  // Spans of the status line, of fields and of trailers: bounded here.
  static int on_head_bytes(llhttp_t* llhttp, const char*, std::size_t length) {
    ResponseParser& parser = self(llhttp);
    parser.head_bytes_ += length;
    if (parser.head_bytes_ <= kHeadBytes) return 0;
    parser.error_ = "the answer's head is longer than 256 KiB";
    return -1;
  }

  // A name or a value comes in as many pieces as it was cut into.
  static int on_field_name(llhttp_t* llhttp, const char* at, std::size_t length) {
    ResponseParser& parser = self(llhttp);
    if (parser.in_fields_) parser.add_name({at, length});
    return on_head_bytes(llhttp, at, length);
  }

  static int on_field_value(llhttp_t* llhttp, const char* at, std::size_t length) {
    ResponseParser& parser = self(llhttp);
    if (parser.in_fields_) parser.add_value({at, length});
    return on_head_bytes(llhttp, at, length);
  }

  // An empty field name or value brings no span, so each field counts by itself, too.
  static int on_field_complete(llhttp_t* llhttp) {
    ResponseParser& parser = self(llhttp);
    parser.field_began_ = false;
    return on_head_bytes(llhttp, nullptr, 4);
  }

  static int on_headers_complete(llhttp_t* llhttp) {
    ResponseParser& parser = self(llhttp);
    const int status = llhttp->status_code;
    if (status == 101) {
      parser.error_ = "the answer switches protocols (101), and nobody asked for that";
      return -1;
    }
    if (status < 100 || status > 599) {
      parser.error_ = "the answer's status is not between 100 and 599";
      return -1;
    }
    parser.in_fields_ = false;
    parser.interim_ = status < 200;
    if (parser.interim_) return 1;
    switch (parser.sink_.on_head(status)) {
      case Body::kAsDeclared:
        return 0;
      case Body::kNone:
        return 1;
      case Body::kRefuse:
        break;
    }
    parser.error_ = "an answer to no request";
    return -1;
  }

  static int on_body(llhttp_t* llhttp, const char* at, std::size_t length) {
    if (length > 0) self(llhttp).sink_.on_body({at, length});
    return 0;
  }

  static int on_message_complete(llhttp_t* llhttp) {
    ResponseParser& parser = self(llhttp);
    parser.in_answer_ = false;
    if (!parser.interim_) parser.sink_.on_complete(llhttp_should_keep_alive(llhttp) != 0);
    return 0;
  }

  static llhttp_settings_t make() {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_message_begin = on_message_begin;
    settings.on_status = on_head_bytes;
    settings.on_header_field = on_field_name;
    settings.on_header_value = on_field_value;
    settings.on_header_value_complete = on_field_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    return settings;
  }

  static llhttp_settings_t settings;
};

llhttp_settings_t ResponseParser::Callbacks::settings = ResponseParser::Callbacks::make();

ResponseParser::ResponseParser(Sink& sink, Fields fields)
    : sink_(sink), keeps_(fields == Fields::kKept) {
  reset();
}

void ResponseParser::reset() {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Callbacks::settings);
  llhttp_.data = this;
  head_bytes_ = 0;
  error_ = "";
  in_answer_ = interim_ = in_fields_ = false;
  forget_fields();
}

void ResponseParser::add_name(std::string_view piece) {
  if (!field_began_) {
    const auto at = static_cast<std::uint32_t>(kept_.size());
    spans_.push_back({at, at, at});
    field_began_ = true;
  }
  kept_ += piece;
  spans_.back().value = spans_.back().end = static_cast<std::uint32_t>(kept_.size());
}

void ResponseParser::add_value(std::string_view piece) {
  kept_ += piece;
  spans_.back().end = static_cast<std::uint32_t>(kept_.size());
}

Field ResponseParser::field(std::size_t index) const {
  DUET_CHECK(index < spans_.size());
  const Span& span = spans_[index];
  const std::string_view all = kept_;
  return {all.substr(span.name, span.value - span.name),
          trim(all.substr(span.value, span.end - span.value))};
}

void ResponseParser::forget_fields() {
  if (kept_.capacity() > kKeptBytes) std::string().swap(kept_);
  kept_.clear();
  spans_.clear();
  field_began_ = false;
}

bool ResponseParser::feed(std::string_view bytes) {
  const llhttp_errno_t code = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
  return code == HPE_OK || fail(code);
}

bool ResponseParser::finish() {
  if (error_[0] != '\0') return false;
  const llhttp_errno_t code = llhttp_finish(&llhttp_);
  if (code != HPE_OK) return fail(code);
  if (!in_answer_) return true;
  error_ = "the connection ended within an answer";
  return false;
}

bool ResponseParser::fail(llhttp_errno_t code) {
  if (error_[0] != '\0') return false;  // a callback has said it better
  switch (code) {
    case HPE_CLOSED_CONNECTION:
      error_ = "bytes after an answer that ends the connection";
      break;
    case HPE_INVALID_EOF_STATE:
      error_ = "the connection ended within an answer";
      break;
    default:
      // llhttp's reasons are literals.
      error_ = llhttp_get_error_reason(&llhttp_);
      if (error_ == nullptr || error_[0] == '\0') error_ = "the answer is not HTTP/1.1";
  }
  return false;
}

}  // namespace duet::http
