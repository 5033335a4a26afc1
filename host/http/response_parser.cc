#include "host/http/response_parser.h"

namespace duet::http {

struct ResponseParser::Callbacks {
  static ResponseParser& self(llhttp_t* llhttp) {
    return *static_cast<ResponseParser*>(llhttp->data);
  }

  static int on_message_begin(llhttp_t* llhttp) {
    self(llhttp).in_answer_ = true;
    self(llhttp).head_bytes_ = 0;
    return 0;
  }

  // Spans of the status line, of fields and of trailers: bounded here, kept nowhere.
  static int on_head_bytes(llhttp_t* llhttp, const char*, std::size_t length) {
    ResponseParser& parser = self(llhttp);
    parser.head_bytes_ += length;
    if (parser.head_bytes_ <= kHeadBytes) return 0;
    parser.error_ = "the answer's head is longer than 256 KiB";
    return -1;
  }

  // An empty field name or value brings no span, so each field counts by itself, too.
  static int on_field_complete(llhttp_t* llhttp) { return on_head_bytes(llhttp, nullptr, 4); }

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
    settings.on_header_field = on_head_bytes;
    settings.on_header_value = on_head_bytes;
    settings.on_header_value_complete = on_field_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    return settings;
  }

  static llhttp_settings_t settings;
};

llhttp_settings_t ResponseParser::Callbacks::settings = ResponseParser::Callbacks::make();

ResponseParser::ResponseParser(Sink& sink) : sink_(sink) { reset(); }

void ResponseParser::reset() {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Callbacks::settings);
  llhttp_.data = this;
  head_bytes_ = 0;
  error_ = "";
  in_answer_ = interim_ = false;
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
