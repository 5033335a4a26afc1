// Responses as bytes: status line, fields, framing and chunks, appended to a caller's buffer.
// Pure and allocation-free beyond the growth of `out`. Any thread, as long as arguments are not
// shared.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "host/http/message.h"

namespace duet::http {

// How an answer is delimited; decided by the connection, which knows the request and the body.
struct Framing {
  bool http11 = true;         // the request was HTTP/1.1; false: HTTP/1.0
  bool keep_alive = true;     // the connection stays open after this answer
  bool head_request = false;  // HEAD: fields as for GET, no body
  // Length of the body that follows (of the one that GET would get, for HEAD). Nothing: unknown.
  std::optional<std::uint64_t> content_length;
  // The body is sent in chunks. Only for HTTP/1.1; a body of unknown length to an HTTP/1.0 client
  // ends with the connection, so keep_alive must be false there.
  bool chunked = false;
};

// Whether a response of that status never has a body: 1xx, 204, 304 (RFC 9112, 6.3).
constexpr bool status_forbids_body(int status) {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

// Whether body bytes may follow the head: not for HEAD and not for the statuses above.
constexpr bool body_follows(int status, bool head_request) {
  return !head_request && !status_forbids_body(status);
}

// Appends the whole head, with the empty line that ends it: status line (always "HTTP/1.1", also
// to 1.0 clients, as RFC 9110 6.2 asks), the handler's fields, the framing, "Connection: close" or,
// for an HTTP/1.0 client whose connection stays, "Connection: keep-alive", the
// host's `own_fields` (pieces of "name: value\r\n" lines, or empty), and `date_line` ("Date:
// ...\r\n", or empty) unless the handler set a Date. 1xx and 204 get neither Content-Length nor
// Transfer-Encoding; 304 only the Content-Length that the handler declared in `head`; HEAD the one
// in `framing`, and never Transfer-Encoding.
void append_response_head(std::string& out, const ResponseHead& head, const Framing& framing,
                          std::string_view date_line,
                          std::initializer_list<std::string_view> own_fields = {});

// Appends an interim answer (100, 103): status line, `fields` as "name: value\r\n" lines, empty
// line. Only for HTTP/1.1 clients.
void append_interim(std::string& out, int status, std::string_view fields = {});

// Appends one chunk. Empty `bytes` append nothing: an empty chunk would end the body.
void append_chunk(std::string& out, std::string_view bytes);

// Appends what comes before and after a chunk's bytes, for callers that send these themselves.
void append_chunk_size(std::string& out, std::uint64_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";

// Appends the last chunk and the trailers, given as "name: value\r\n" lines (checked by whoever
// made them, see check_field()).
void append_last_chunk(std::string& out, std::string_view trailers = {});

// Appends an answer made by the host itself: text/plain, "404 Not Found\n" and, when it is not
// empty, `sentence` on a line of its own. `close` adds "Connection: close". `extra_fields` are
// "name: value\r\n" lines ("Allow: GET\r\n"). With `head_request` the body is left out.
void append_simple_response(std::string& out, int status, std::string_view sentence, bool close,
                            std::string_view date_line, std::string_view extra_fields = {},
                            bool head_request = false);

// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", made once a second. One thread.
class DateCache {
 public:
  // For that many seconds since the Unix epoch (negative: as 0; after year 9999: its last second).
  // Valid until the next call.
  std::string_view line(std::int64_t unix_seconds);

 private:
  std::int64_t second_ = -1;
  char text_[40];
};

}  // namespace duet::http
