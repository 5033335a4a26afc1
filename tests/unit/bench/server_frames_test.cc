// Frames of a server, however they are cut, and what is none.
#include "host/bench/server_frames.h"

#include <gtest/gtest.h>

#include <vector>

#include "host/websocket/frame.h"

namespace duet::bench {
namespace {

struct Seen final : ServerFrames::Sink {
  std::vector<std::string> events;
  std::string message;
  void on_payload(std::string_view piece) override { message += piece; }
  void on_message() override {
    events.push_back("message " + std::to_string(message.size()) + " " + message.substr(0, 5));
    message.clear();
  }
  void on_ping(std::string_view payload) override {
    events.push_back("ping " + std::string(payload));
  }
};

std::string frame(websocket::Opcode opcode, std::string_view payload) {
  std::string bytes;
  websocket::append_header(bytes, opcode, payload.size());
  return bytes += payload;
}

TEST(ServerFrames, AreTheSameHoweverTheyAreCut) {
  using websocket::Opcode;
  std::string bytes = frame(Opcode::kText, "hello") + frame(Opcode::kText, "") +
                      frame(Opcode::kPing, "x") + frame(Opcode::kBinary, std::string(300, 'm')) +
                      frame(Opcode::kBinary, std::string(70'000, 'l'));
  std::string first = frame(Opcode::kText, "in "), second = frame(Opcode::kContinuation, "two");
  first[0] = static_cast<char>(first[0] & 0x7f);  // not the last piece
  bytes += first + frame(Opcode::kPing, "") + second;
  const std::vector<std::string> expected = {"message 5 hello",   "message 0 ",          "ping x",
                                             "message 300 mmmmm", "message 70000 lllll", "ping ",
                                             "message 6 in tw"};
  for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
    Seen seen;
    ServerFrames frames(seen);
    for (std::size_t at = 0; at < bytes.size(); at += cut) {
      ASSERT_TRUE(frames.feed(std::string_view(bytes).substr(at, cut)));
    }
    EXPECT_EQ(seen.events, expected) << cut;
  }
}

TEST(ServerFrames, ACloseOrAMaskedFrameEndsThem) {
  for (const std::string& bytes : {frame(websocket::Opcode::kClose, "\x03\xe8"), message_frame("x"),
                                   std::string("\xc1\x01x", 3)}) {
    Seen seen;
    ServerFrames frames(seen);
    EXPECT_FALSE(frames.feed(bytes));
    EXPECT_TRUE(seen.events.empty());
    frames.reset();
    EXPECT_TRUE(frames.feed(frame(websocket::Opcode::kText, "again")));
    EXPECT_EQ(seen.events, std::vector<std::string>{"message 5 again"});
  }
}

TEST(ServerFrames, WhatIsSentIsMaskedTextOrBinary) {
  const std::string text = message_frame("abc"), binary = message_frame("\xff");
  EXPECT_EQ(text[0], '\x81');
  EXPECT_EQ(text[1], '\x83');
  EXPECT_EQ(text.size(), 9u);
  EXPECT_EQ(binary[0], '\x82');
}

}  // namespace
}  // namespace duet::bench
