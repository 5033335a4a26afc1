// HTTP/1.1 answers from bytes, by llhttp (strict): for whoever sends requests.
// Pure: no I/O, no clock. Allocates only for fields that are to be kept.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/http/message.h"

namespace duet::http {

class ResponseParser {
 public:
  // What follows an answer's head. kRefuse: nobody asked for this answer, so parsing ends.
  enum class Body : std::uint8_t { kAsDeclared, kNone, kRefuse };

  // What a caller is told of each final answer, in order: head, body pieces, complete. Interim
  // answers (100, 103) are skipped. Called from feed() and finish(); the sink may destroy neither
  // itself nor the parser in a call.
  class Sink {
   public:
    // kNone for an answer to HEAD, whose declared length is that of a body that does not come.
    virtual Body on_head(int status) = 0;
    virtual void on_body(std::string_view piece) = 0;  // a view into feed()'s bytes; not empty
    // keep_alive: the connection takes another request. Otherwise bytes that follow are an error.
    virtual void on_complete(bool keep_alive) = 0;

   protected:
    ~Sink() = default;
  };

  // Status line, fields and trailers of one answer may take this much together; more is an error,
  // so that an endless head ends.
  static constexpr std::size_t kHeadBytes = 256 * 1024;

  // Whether field() has an answer's fields. They are checked either way.
  enum class Fields : std::uint8_t { kDropped, kKept };

  explicit ResponseParser(Sink& sink, Fields fields = Fields::kDropped);
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Parses all of `bytes`. False: they are no HTTP, and error() says why; feed no more. What the
  // sink is told does not depend on how the bytes are cut into calls, save the cuts between pieces.
  bool feed(std::string_view bytes);
  // The server has closed. Ends an answer whose body lasts until then. False: it ended within an
  // answer.
  bool finish();
  // A new connection: everything of the old one is forgotten.
  void reset();

  // The fields of the final answer at hand, in order, without its trailers: from Sink::on_head()
  // until the next answer begins or reset().
  std::size_t field_count() const { return spans_.size(); }
  Field field(std::size_t index) const;

  // A part of an answer has come, but not all.
  bool in_answer() const { return in_answer_; }
  const char* error() const { return error_; }  // "" when there is none; valid for ever

 private:
  struct Callbacks;
  struct Span {
    std::uint32_t name, value, end;  // offsets in kept_
  };
  bool fail(llhttp_errno_t code);
  void add_name(std::string_view piece);
  void add_value(std::string_view piece);
  void forget_fields();

  Sink& sink_;
  llhttp_t llhttp_;
  std::string kept_;  // names and values, one after the other
  std::vector<Span> spans_;
  std::size_t head_bytes_ = 0;
  const char* error_ = "";
  const bool keeps_;
  bool in_answer_ = false;
  bool interim_ = false;
  bool in_fields_ = false;    // of the head, not of trailers
  bool field_began_ = false;  // spans_.back() is not complete
};

}  // namespace duet::http
