// What a server sends: headers, close frames, the mask, UTF-8.
#include "host/websocket/frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "host/websocket/utf8.h"

using namespace std::string_literals;

namespace duet::websocket {
namespace {

std::string header(Opcode opcode, std::uint64_t length, bool compressed = false) {
  std::string out;
  append_header(out, opcode, length, compressed);
  return out;
}

TEST(Frame, WritesTheExamplesOfTheRfc) {
  EXPECT_EQ(header(Opcode::kText, 5), "\x81\x05"s);
  EXPECT_EQ(header(Opcode::kPing, 5), "\x89\x05"s);
  EXPECT_EQ(header(Opcode::kBinary, 125), "\x82\x7d"s);
  EXPECT_EQ(header(Opcode::kBinary, 256), "\x82\x7e\x01\x00"s);
  EXPECT_EQ(header(Opcode::kBinary, 65535), "\x82\x7e\xff\xff"s);
  EXPECT_EQ(header(Opcode::kBinary, 65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(header(Opcode::kText, 7, true), "\xc1\x07"s);
}

TEST(Frame, CutsTheReasonOfACloseBetweenCharacters) {
  std::string out;
  append_close(out, 1000, "bye");
  EXPECT_EQ(out,
            "\x88\x05\x03\xe8"
            "bye"s);
  out.clear();
  append_close(out, 0, "");
  EXPECT_EQ(out, "\x88\x00"s);
  out.clear();
  append_close(out, 4000, std::string(122, 'x') + "\u00fc");
  EXPECT_EQ(out.size(), 2u + 2 + 122);
  EXPECT_TRUE(out.ends_with('x'));
}

TEST(Frame, MasksFromAnyPosition) {
  const char mask_bytes[4] = {'\x01', '\x20', '\x03', '\x40'};
  std::uint32_t mask;
  std::memcpy(&mask, mask_bytes, 4);
  for (std::size_t offset = 0; offset < 9; ++offset) {
    std::string bytes(41, 'a');
    apply_mask(bytes.data(), bytes.size(), mask, offset);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_EQ(bytes[i], static_cast<char>('a' ^ mask_bytes[(offset + i) % 4])) << offset;
    }
  }
}

TEST(Utf8, TakesEveryCharacterAndRefusesEveryWrongForm) {
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string text;
    if (c < 0x80) {
      text = {static_cast<char>(c)};
    } else if (c < 0x800) {
      text = {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    } else if (c < 0x10000) {
      text = {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
              static_cast<char>(0x80 | (c & 63))};
    } else {
      text = {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
              static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    }
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(is_utf8(text), !surrogate) << std::hex << c;
  }
  for (const char* wrong :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "\xc3(", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
  }
}

TEST(Utf8, GoesOnWhereAPieceEnded) {
  const std::string text = "0123456789 \u00e9\u20ac\U0001F600 abcdefghijkl";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Check check;
    EXPECT_TRUE(check.feed(text.substr(0, cut)));
    EXPECT_TRUE(check.feed(text.substr(cut)));
    EXPECT_TRUE(check.complete());
  }
}

}  // namespace
}  // namespace duet::websocket
