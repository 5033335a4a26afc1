#include "host/bench/server_frames.h"

#include <algorithm>
#include <cstring>

#include "host/base/escape.h"
#include "host/websocket/frame.h"

namespace duet::bench {

using websocket::Opcode;

namespace {

// Any will do (RFC 6455 wants it unpredictable for the sake of proxies between, of which a load on
// one's own server has none); a fixed one makes the bytes of a run the same each time.
constexpr std::uint32_t kMask = 0x5bd1e995;

std::string masked(Opcode opcode, std::string_view payload) {
  std::string frame;
  websocket::append_header(frame, opcode, payload.size());
  frame[1] = static_cast<char>(frame[1] | 0x80);
  frame.append(reinterpret_cast<const char*>(&kMask), sizeof kMask);
  const std::size_t begin = frame.size();
  frame += payload;
  websocket::apply_mask(frame.data() + begin, payload.size(), kMask, 0);
  return frame;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character one = utf8_at(text, at);
    if (!one.valid) return false;
    at += one.length;
  }
  return true;
}

}  // namespace

std::string message_frame(std::string_view payload) {
  return masked(is_utf8(payload) ? Opcode::kText : Opcode::kBinary, payload);
}

std::string pong_frame(std::string_view payload) { return masked(Opcode::kPong, payload); }

void ServerFrames::reset() {
  header_.clear();
  control_.clear();
  in_payload_ = false;
}

// The header is complete: its length, and whether it is one.
bool ServerFrames::begin_frame() {
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(header_[i]); };
  if ((byte(0) & 0x70) != 0 || (byte(1) & 0x80) != 0) return false;  // nothing was negotiated
  left_ = byte(1) & 0x7f;
  if (left_ >= 126) {
    const std::size_t bytes = left_ == 126 ? 2 : 8;
    left_ = 0;
    for (std::size_t i = 0; i < bytes; ++i) left_ = left_ << 8 | byte(2 + i);
  }
  in_payload_ = true;
  return true;
}

bool ServerFrames::feed(std::string_view bytes) {
  while (!bytes.empty() || (in_payload_ && left_ == 0)) {
    if (!in_payload_) {
      header_ += bytes[0];
      bytes.remove_prefix(1);
      if (header_.size() < 2) continue;
      const int length = header_[1] & 0x7f;
      const std::size_t wanted = length < 126 ? 2 : length == 126 ? 4 : 10;
      if (header_.size() == wanted && !begin_frame()) return false;
      continue;
    }
    const auto opcode = static_cast<std::uint8_t>(header_[0] & 0x0f);
    const bool control = websocket::is_control(opcode);
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    const std::string_view piece = bytes.substr(0, size);
    bytes.remove_prefix(size);
    left_ -= size;
    if (control) {
      control_ += piece;
    } else if (size > 0) {
      sink_.on_payload(piece);
    }
    if (left_ > 0) continue;
    const bool last = (header_[0] & 0x80) != 0;
    header_.clear();
    in_payload_ = false;
    if (!control && last) sink_.on_message();
    if (opcode == static_cast<std::uint8_t>(Opcode::kClose)) return false;
    if (opcode == static_cast<std::uint8_t>(Opcode::kPing)) sink_.on_ping(control_);
    if (control) control_.clear();
  }
  return true;
}

}  // namespace duet::bench
