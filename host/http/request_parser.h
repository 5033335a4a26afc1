// HTTP/1.1 requests from bytes, by llhttp (strict). Pure: no I/O, no clock, no allocation between
// requests beyond the head's own storage.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/http/message.h"

namespace duet::http {

// What is bounded here; bodies are bounded by whoever receives them.
struct RequestLimits {
  // Request line and fields together, up to and with the empty line; above: 431. Trailers are bound
  // by it once more, and so is what chunk sizes and extensions take beyond what is reasonable: 400.
  // At most 1 GiB.
  std::size_t head_bytes = 16 * 1024;
  std::size_t target_bytes = 8 * 1024;  // above: 414, also when head_bytes is reached in the target
};

// Why a request is refused. The status is the answer; the connection closes after it.
//   400  malformed, or its length is ambiguous (RFC 9112, 6.3), or Host is missing or doubled
//   414, 431  too long
//   417  an expectation other than 100-continue
//   501  a method or transfer coding that is not known here
//   505  an HTTP version other than 1.0 and 1.1
struct Refusal {
  int status = 0;           // 0: not refused
  const char* reason = "";  // one sentence for the client
};

class RequestParser {
 public:
  // kPause stops feed() right after the event; feed() then returns how far it got and goes on next
  // time. kUpgrade is an answer to on_head() only: what follows the request is not HTTP.
  enum class Next : std::uint8_t { kContinue, kPause, kUpgrade };

  // What a caller is told, in order: head, body pieces, complete. The sink may destroy neither
  // itself nor the parser in a call, but may end the request: its head is not touched after
  // on_head() has been called.
  class Sink {
   public:
    // Where the next request's head is to be stored: called at its first byte. Null pauses before
    // it (the caller has too many requests in flight). A refusal of a head always comes after it.
    virtual RequestHead* begin_request() = 0;
    virtual Next on_head() = 0;
    virtual Next on_body(std::string_view piece) = 0;  // a view into feed()'s bytes; not empty
    virtual Next on_complete() = 0;

   protected:
    ~Sink() = default;
  };

  RequestParser(Sink& sink, const RequestLimits& limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Parses as much of `bytes` as it may. Returns the number consumed: all of them unless the sink
  // paused, begin_request() gave null, the request was refused, or it upgraded. What the sink is
  // told does not depend on how the bytes are cut into calls, save the cuts between body pieces.
  // After a pause the next call goes on, also one without bytes: an event may be due already.
  // After a request that does not keep the connection alive, bytes are consumed and ignored.
  std::size_t feed(std::string_view bytes);

  bool refused() const { return phase_ == Phase::kRefused; }
  const Refusal& refusal() const { return refusal_; }
  // A request has begun and its head is not complete.
  bool in_head() const { return phase_ == Phase::kHead || phase_ == Phase::kUnknownMethod; }
  // Its head is complete and its body is not (trailers are a part of the body).
  bool in_body() const { return phase_ >= Phase::kBody && phase_ <= Phase::kTrailers; }
  // The trailers of the request that is complete, "name\nvalue\n" each. Valid inside on_complete().
  std::string_view trailers() const { return trailers_; }
  // on_head() answered kUpgrade and that request is complete: feed() takes no more.
  bool upgraded() const { return phase_ == Phase::kUpgraded; }

 private:
  enum class Phase : std::uint8_t {
    kIdle,           // between requests; empty lines are skipped
    kHead,           // in the request line or the fields
    kUnknownMethod,  // in a method that llhttp does not know: its end decides between 501 and 400
    kBody,           // of a declared length
    kChunkLine,      // in a chunk's size and extensions
    kChunkData,
    kChunkEnd,  // in the line break after a chunk
    kTrailers,
    kComplete,  // all read, the sink is to be told
    kIgnoring,  // after a request that ends the connection
    kUpgraded,
    kRefused,
  };
  struct Callbacks;
  friend struct Callbacks;

  bool begin(const char*& at, const char* end);
  const char* read_head(const char* at, const char* end);
  const char* read_unknown_method(const char* at, const char* end);
  void begin_chunks();
  const char* before_white_space(const char* at, const char* end);
  const char* read_chunk_line(const char* at, const char* end);
  const char* read_chunk_end(const char* at, const char* end);
  const char* read_trailers(const char* at, const char* end);
  // Hands a slice to llhttp; consumed says how much of it was taken.
  llhttp_errno_t execute(const char* at, std::size_t size, std::size_t& consumed);

  // In request_head.cc: what is checked when a head is complete, and what to say when it is not.
  void accept_head();
  bool accept_request_line();
  bool accept_target();
  bool accept_absolute_target(std::size_t authority);
  bool accept_fields();
  void read_connection(std::string_view value);
  bool accept_framing(bool has_transfer_encoding);
  bool accept_transfer_coding(std::string_view value, bool& chunked, bool& unknown);
  bool request_line_wrong();
  void refuse_head(llhttp_errno_t error, std::size_t where);

  bool refuse(int status, const char* reason);  // false, for callers that return it
  bool refuse_chunk(llhttp_errno_t error);
  void end_request();

  Sink& sink_;
  RequestHead* head_ = nullptr;  // only while in its head
  llhttp_t llhttp_;
  std::uintptr_t origin_ = 0;    // address that the section's first byte would have in this slice
  std::uint64_t remaining_ = 0;  // of the body, or of the chunk
  std::uint32_t head_limit_, target_limit_;
  std::uint32_t section_ = 0;  // bytes of this head, chunk line or trailers in earlier slices
  struct ChunkLine {           // as far as it has been looked through for white space
    char last = 0;             // that is none
    bool spaced = false;       // white space has followed it
    bool quoted = false, escaped = false;
    bool ended = false;  // its CR is there
  };
  ChunkLine line_;
  std::uint32_t chunk_excess_ = 0;  // bytes of chunk lines beyond what is reasonable
  std::string trailers_;            // bounded like a head
  Refusal refusal_;
  Phase phase_ = Phase::kIdle;
  std::uint8_t empty_lines_ = 0;  // skipped before this request
  enum : std::uint8_t { kCloseOption = 1, kKeepAliveOption = 2, kUpgradeOption = 4 };
  std::uint8_t connection_ = 0;  // options of the Connection fields
  bool half_line_ = false;       // of an empty line the CR was the last byte of a slice
  bool target_ended_ = false;
  bool ends_connection_ = false;  // after this request nothing is read
  bool upgrading_ = false;
};

}  // namespace duet::http
