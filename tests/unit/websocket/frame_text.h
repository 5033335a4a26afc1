// Frames as a client writes them, and what a reader makes of bytes, as text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/websocket/reader.h"

namespace duet::websocket {

// A masked frame; `first` is the whole first byte (FIN, reserved bits, opcode).
inline std::string client_frame(std::uint8_t first, std::string_view payload,
                                std::uint32_t mask = 0x3d21fa37) {
  std::string frame(1, static_cast<char>(first));
  if (payload.size() <= 125) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else if (payload.size() <= 0xFFFF) {
    frame.push_back('\xfe');
    frame.push_back(static_cast<char>(payload.size() >> 8));
    frame.push_back(static_cast<char>(payload.size()));
  } else {
    frame.push_back('\xff');
    for (int i = 7; i >= 0; --i) frame.push_back(static_cast<char>(payload.size() >> (8 * i)));
  }
  const char bytes[4] = {static_cast<char>(mask), static_cast<char>(mask >> 8),
                         static_cast<char>(mask >> 16), static_cast<char>(mask >> 24)};
  frame.append(bytes, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame.push_back(static_cast<char>(payload[i] ^ bytes[i % 4]));
  }
  return frame;
}

// Writes down what it is told: "text(Hello) ping(x) close(1000 bye) violation(1002 ...)".
struct Recorder final : FrameReader::Sink {
  std::string told;
  std::uint16_t violation = 0;
  bool stop_after_each = false;

  bool on_message(bool text, std::string_view payload) override {
    return note(text ? "text" : "binary", payload);
  }
  bool on_ping(std::string_view payload) override { return note("ping", payload); }
  bool on_pong(std::string_view payload) override { return note("pong", payload); }
  void on_close(std::uint16_t code, std::string_view reason) override {
    note("close", std::to_string(code) + " " + std::string(reason));
  }
  void on_violation(std::uint16_t code, const char* reason) override {
    violation = code;
    note("violation", std::to_string(code) + " " + reason);
  }

 private:
  bool note(std::string_view what, std::string_view payload) {
    if (!told.empty()) told += ' ';
    told.append(what).append("(").append(payload).append(")");
    return !stop_after_each;
  }
};

struct Reading {
  std::size_t piece = static_cast<std::size_t>(-1);  // bytes a call
  std::size_t max_message = 1 << 20;
  bool compression = false;
  bool stopping = false;
};

// Everything that a reader says of the bytes.
inline Recorder read_all(std::string bytes, const Reading& how = {}) {
  Recorder recorder;
  recorder.stop_after_each = how.stopping;
  DeflateCodec codec;
  FrameReader reader(recorder, how.max_message, how.compression ? &codec : nullptr);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min(how.piece, bytes.size() - at);
    for (std::size_t taken = 0; taken < size;) {
      taken += reader.feed(bytes.data() + at + taken, size - taken);
    }
    at += size;
  }
  return recorder;
}

}  // namespace duet::websocket
