// What a client sends, as messages: frames are unmasked, checked and put together. Pure.
//
// Strict: whatever RFC 6455 forbids fails the connection with the code that it names, as early as
// it can be seen (text that is not UTF-8 in the frame where it goes wrong). A message that arrives
// whole in one read is handed on as a view, without a copy; a reader between messages holds no
// memory beyond itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/websocket/compression.h"
#include "host/websocket/frame.h"
#include "host/websocket/utf8.h"

namespace duet::websocket {

class FrameReader {
 public:
  // What a caller is told, in order. Views are valid during the call. The sink may destroy neither
  // itself nor the reader in a call. false: feed() stops after this one.
  class Sink {
   public:
    virtual bool on_message(bool text, std::string_view payload) = 0;  // text is valid UTF-8
    virtual bool on_ping(std::string_view payload) = 0;
    virtual bool on_pong(std::string_view payload) = 0;
    // The peer's close frame, checked. code is kNoStatus when it had none. Nothing follows.
    virtual void on_close(std::uint16_t code, std::string_view reason) = 0;
    // The peer broke the protocol: to be closed with this code. Nothing follows.
    virtual void on_violation(std::uint16_t code, const char* reason) = 0;

   protected:
    ~Sink() = default;
  };

  // max_message: bytes of a message, decompressed; beyond it kTooBig. `codec` is there when
  // compression was agreed, and is shared by the sockets of a loop.
  FrameReader(Sink& sink, std::size_t max_message, DeflateCodec* codec)
      : sink_(sink), max_message_(max_message), codec_(codec) {}
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // Reads as much as it may; unmasks in place. Returns the number of bytes taken: all of them
  // unless the sink stopped it. After a close or a violation, bytes are taken and ignored.
  std::size_t feed(char* bytes, std::size_t size);

 private:
  enum class Phase : std::uint8_t { kHeader, kPayload, kOver };

  bool read_header(const char*& at, const char* end);
  bool accept_header(std::uint8_t first, std::uint8_t second);
  bool accept_length(std::uint64_t length);
  // Takes what is there of the payload. False: the sink stops, or nothing may follow.
  bool read_payload(char*& at, char* end);
  bool data_complete(std::string_view payload);
  bool deliver(std::string_view payload);
  bool control_complete(std::string_view payload);
  bool accept_close(std::string_view payload);
  bool violate(std::uint16_t code, const char* reason);  // false, for callers that return it

  Sink& sink_;
  const std::size_t max_message_;
  DeflateCodec* const codec_;
  std::string message_;                   // what has arrived of a message in pieces
  std::string control_;                   // likewise of a control frame
  std::uint64_t length_ = 0, taken_ = 0;  // of the frame's payload
  std::uint32_t mask_ = 0;
  char header_[kMaxHeader];
  std::uint8_t header_size_ = 0;
  Utf8Check utf8_;
  Phase phase_ = Phase::kHeader;
  Opcode opcode_ = Opcode::kContinuation;  // of the frame
  bool fin_ = false;
  bool in_message_ = false;                 // a message has begun and is not complete
  bool text_ = false, compressed_ = false;  // of that message
};

}  // namespace duet::websocket
