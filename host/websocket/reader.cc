#include "host/websocket/reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace duet::websocket {

std::size_t FrameReader::feed(char* bytes, std::size_t size) {
  char* at = bytes;
  char* const end = bytes + size;
  while (phase_ != Phase::kOver) {
    if (phase_ == Phase::kHeader) {
      const char* read = at;
      const bool complete = read_header(read, end);
      at = bytes + (read - bytes);
      if (!complete) break;
    }
    // Also without bytes: an empty payload is complete.
    if (phase_ == Phase::kPayload && !read_payload(at, end)) break;
    if (phase_ == Phase::kPayload) break;  // more is to come
  }
  return phase_ == Phase::kOver ? size : static_cast<std::size_t>(at - bytes);
}

// True when the header is complete and right.
bool FrameReader::read_header(const char*& at, const char* end) {
  while (true) {
    std::size_t wanted = 2;
    if (header_size_ >= 2) {
      const int length = header_[1] & 0x7F;
      wanted = 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
    }
    const auto part = std::min(wanted - header_size_, static_cast<std::size_t>(end - at));
    std::memcpy(header_ + header_size_, at, part);
    at += part;
    header_size_ = static_cast<std::uint8_t>(header_size_ + part);
    if (header_size_ < wanted) return false;
    if (wanted > 2) break;
    // Checked as soon as it is there: a peer that sends only this gets its answer.
    if (!accept_header(static_cast<std::uint8_t>(header_[0]),
                       static_cast<std::uint8_t>(header_[1]))) {
      return false;
    }
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(header_);
  std::uint64_t length = bytes[1] & 0x7F;
  const std::size_t extended = header_size_ - 6u;
  if (extended > 0) {
    length = 0;
    for (std::size_t i = 0; i < extended; ++i) length = length << 8 | bytes[2 + i];
    if (extended == 8 && length >> 63 != 0) {
      return violate(kProtocolError, "a frame's length has its highest bit set");
    }
    if (length <= (extended == 2 ? kMaxControlPayload : 0xFFFF)) {
      return violate(kProtocolError, "a frame's length is not in its shortest form");
    }
  }
  if (!accept_length(length)) return false;
  std::memcpy(&mask_, header_ + 2 + extended, 4);
  header_size_ = 0;
  length_ = length;
  taken_ = 0;
  phase_ = Phase::kPayload;
  return true;
}

bool FrameReader::accept_header(std::uint8_t first, std::uint8_t second) {
  const std::uint8_t opcode = first & 0x0F;
  fin_ = (first & 0x80) != 0;
  opcode_ = static_cast<Opcode>(opcode);
  const bool control = is_control(opcode);
  const bool begins = opcode_ == Opcode::kText || opcode_ == Opcode::kBinary;
  const bool rsv1_allowed = codec_ != nullptr && begins;
  if ((first & 0x30) != 0 || ((first & 0x40) != 0 && !rsv1_allowed)) {
    return violate(kProtocolError, "a reserved bit is set in a frame");
  }
  if ((control && opcode > 0xA) || (!control && opcode > 0x2)) {
    return violate(kProtocolError, "a frame has a reserved opcode");
  }
  if ((second & 0x80) == 0) return violate(kProtocolError, "a frame of the client is not masked");
  if (control) {
    if (!fin_) return violate(kProtocolError, "a control frame is fragmented");
    if ((second & 0x7F) > kMaxControlPayload) {
      return violate(kProtocolError, "a control frame has more than 125 bytes");
    }
    return true;
  }
  if (begins == in_message_) {
    return violate(kProtocolError, begins ? "a message begins inside another one"
                                          : "a continuation frame continues no message");
  }
  if (begins) {
    in_message_ = true;
    text_ = opcode_ == Opcode::kText;
    compressed_ = (first & 0x40) != 0;
    utf8_.reset();
  }
  return true;
}

bool FrameReader::accept_length(std::uint64_t length) {
  // A compressed payload may be a little longer than what it holds.
  const std::uint64_t limit = compressed_ ? max_message_ + max_message_ / 1000 + 64 : max_message_;
  if (!is_control(static_cast<std::uint8_t>(opcode_)) &&
      (message_.size() > limit || length > limit - message_.size())) {
    return violate(kTooBig, "a message is larger than this server takes");
  }
  return true;
}

bool FrameReader::read_payload(char*& at, char* end) {
  const auto size = static_cast<std::size_t>(
      std::min<std::uint64_t>(length_ - taken_, static_cast<std::uint64_t>(end - at)));
  apply_mask(at, size, mask_, taken_);
  const std::string_view piece(at, size);
  at += size;
  taken_ += size;
  const bool complete = taken_ == length_;
  const bool control = is_control(static_cast<std::uint8_t>(opcode_));
  if (!control && text_ && !compressed_ && !utf8_.feed(piece)) {
    return violate(kInvalidData, "a text message is not UTF-8");
  }
  const bool ends = control || fin_;  // the message, or the control frame
  std::string& kept = control ? control_ : message_;
  if (complete) phase_ = Phase::kHeader;
  if (!complete || !ends) {
    kept.append(piece);
    return true;
  }
  if (kept.empty()) return control ? control_complete(piece) : data_complete(piece);
  kept.append(piece);
  const std::string whole = std::exchange(kept, {});
  return control ? control_complete(whole) : data_complete(whole);
}

bool FrameReader::data_complete(std::string_view payload) {
  in_message_ = false;
  if (!compressed_) {
    if (text_ && !utf8_.complete()) {
      return violate(kInvalidData, "a text message ends inside a character");
    }
    return deliver(payload);
  }
  std::string inflated;
  switch (codec_->decompress(payload, max_message_, inflated)) {
    case DeflateCodec::Inflated::kOk:
      break;
    case DeflateCodec::Inflated::kMalformed:
      return violate(kInvalidData, "a message cannot be decompressed");
    case DeflateCodec::Inflated::kTooLarge:
      return violate(kTooBig, "a message is larger than this server takes");
  }
  if (text_ && !is_utf8(inflated)) return violate(kInvalidData, "a text message is not UTF-8");
  return deliver(inflated);
}

bool FrameReader::deliver(std::string_view payload) { return sink_.on_message(text_, payload); }

bool FrameReader::control_complete(std::string_view payload) {
  if (opcode_ == Opcode::kPing) return sink_.on_ping(payload);
  if (opcode_ == Opcode::kPong) return sink_.on_pong(payload);
  return accept_close(payload);
}

bool FrameReader::accept_close(std::string_view payload) {
  if (payload.size() == 1) return violate(kProtocolError, "a close frame has half a code");
  std::uint16_t code = kNoStatus;
  if (!payload.empty()) {
    code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                      static_cast<unsigned char>(payload[1]));
    if (!may_be_sent(code)) return violate(kProtocolError, "a close frame has an invalid code");
    payload.remove_prefix(2);
    if (!is_utf8(payload)) return violate(kInvalidData, "a close frame's reason is not UTF-8");
  }
  phase_ = Phase::kOver;
  sink_.on_close(code, payload);
  return false;
}

bool FrameReader::violate(std::uint16_t code, const char* reason) {
  phase_ = Phase::kOver;
  std::string().swap(message_);
  std::string().swap(control_);
  sink_.on_violation(code, reason);
  return false;
}

}  // namespace duet::websocket
