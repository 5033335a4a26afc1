// Messages from frames: RFC 6455's own examples, every rule that a client can break, and any cut.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/websocket/frame_text.h"

using namespace std::string_literals;

namespace duet::websocket {
namespace {

TEST(FrameReader, ReadsTheExamplesOfTheRfc) {
  // RFC 6455, 5.7: a masked "Hello", and a masked pong with the same body.
  EXPECT_EQ(read_all("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s).told, "text(Hello)");
  EXPECT_EQ(read_all("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s).told, "pong(Hello)");
  // RFC 7692, 7.2.3: "Hello" compressed, in one frame, in two, without and with a final block.
  const Reading deflate{.compression = true};
  EXPECT_EQ(read_all(client_frame(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), deflate).told,
            "text(Hello)");
  EXPECT_EQ(read_all(client_frame(0x41, "\xf2\x48\xcd") + client_frame(0x80, "\xc9\xc9\x07\x00"s),
                     deflate)
                .told,
            "text(Hello)");
  EXPECT_EQ(
      read_all(client_frame(0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), deflate).told,
      "text(Hello)");
  EXPECT_EQ(read_all(client_frame(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), deflate).told,
            "text(Hello)");
  EXPECT_EQ(
      read_all(client_frame(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), deflate)
          .told,
      "text(Hello)");
}

TEST(FrameReader, PutsFragmentsTogetherWithControlFramesBetweenThem) {
  EXPECT_EQ(read_all(client_frame(0x01, "Hel") + client_frame(0x89, "?") + client_frame(0x00, "") +
                     client_frame(0x8a, "!") + client_frame(0x80, "lo") + client_frame(0x82, "x"))
                .told,
            "ping(?) pong(!) text(Hello) binary(x)");
  EXPECT_EQ(read_all(client_frame(0x01, "") + client_frame(0x80, "")).told, "text()");
}

TEST(FrameReader, ReadsEveryLengthAndEveryCutOfTheMask) {
  for (const std::size_t size : {0, 1, 7, 8, 125, 126, 127, 65535, 65536, 70001}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7);
    const std::string frame = client_frame(0x82, payload);
    for (const std::size_t piece : {1, 3, 5, 1000, 1 << 20}) {
      EXPECT_EQ(read_all(frame, {.piece = static_cast<std::size_t>(piece)}).told,
                "binary(" + payload + ")");
    }
  }
}

TEST(FrameReader, SaysTheSameHoweverBytesAreCutAndWhenItIsStopped) {
  const std::string bytes = client_frame(0x01, "gr\xc3") + client_frame(0x89, "p") +
                            client_frame(0x80, "\xbc\xc3\x9f") + client_frame(0x82, "\xff") +
                            client_frame(0x88,
                                         "\x03\xe8"
                                         "bye") +
                            client_frame(0x81, "late");
  const std::string expected = "ping(p) text(gr\u00fc\u00df) binary(\xff) close(1000 bye)";
  for (std::size_t piece = 1; piece < 30; ++piece) {
    EXPECT_EQ(read_all(bytes, {.piece = piece}).told, expected);
    EXPECT_EQ(read_all(bytes, {.piece = piece, .stopping = true}).told, expected);
  }
}

TEST(FrameReader, RefusesWhatTheProtocolForbids) {
  struct Case {
    std::string bytes;
    const char* reason;
  };
  const Case cases[] = {
      {"\x81\x05Hello", "a frame of the client is not masked"},
      {client_frame(0xc1, "x"), "a reserved bit is set in a frame"},
      {client_frame(0xa1, "x"), "a reserved bit is set in a frame"},
      {client_frame(0x91, "x"), "a reserved bit is set in a frame"},
      {client_frame(0x83, "x"), "a frame has a reserved opcode"},
      {client_frame(0x87, ""), "a frame has a reserved opcode"},
      {client_frame(0x8b, ""), "a frame has a reserved opcode"},
      {client_frame(0x8f, ""), "a frame has a reserved opcode"},
      {client_frame(0x09, ""), "a control frame is fragmented"},
      {client_frame(0x89, std::string(126, 'x')), "a control frame has more than 125 bytes"},
      {client_frame(0x80, "x"), "a continuation frame continues no message"},
      {client_frame(0x01, "x") + client_frame(0x81, "y"), "a message begins inside another one"},
      {client_frame(0x88, "x"), "a close frame has half a code"},
      {"\x82\xfe\x00\x05"s + "\x00\x00\x00\x00"s, "a frame's length is not in its shortest form"},
      {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00"s + "\x00\x00\x00\x00"s,
       "a frame's length has its highest bit set"},
  };
  for (const Case& c : cases) {
    const Recorder recorder = read_all(c.bytes);
    EXPECT_EQ(recorder.violation, 1002) << c.reason;
    EXPECT_TRUE(recorder.told.ends_with("violation(1002 "s + c.reason + ")")) << recorder.told;
  }
}

TEST(FrameReader, SeesAnUnmaskedFrameInItsFirstTwoBytes) {
  EXPECT_EQ(read_all("\x81\x7f").violation, 1002);
}

TEST(FrameReader, TakesTheCloseCodesThatMayBeSentAndNoOthers) {
  const auto close = [](int code) {
    return read_all(
        client_frame(0x88, std::string{static_cast<char>(code >> 8), static_cast<char>(code)}));
  };
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4999}) {
    EXPECT_EQ(close(code).told, "close(" + std::to_string(code) + " )");
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    EXPECT_EQ(close(code).violation, 1002) << code;
  }
  EXPECT_EQ(read_all(client_frame(0x88, "")).told, "close(1005 )");
  EXPECT_EQ(read_all(client_frame(0x88, "\x03\xe8\xff")).violation, 1007);
}

TEST(FrameReader, FailsTextThatIsNotUtf8AsSoonAsItIsSeen) {
  EXPECT_EQ(read_all(client_frame(0x81, "a\xc0\xaf")).violation, 1007);
  EXPECT_EQ(read_all(client_frame(0x81, "a\xc3")).violation, 1007);
  EXPECT_EQ(read_all(client_frame(0x01, "a\xff")).violation, 1007);  // more fragments would follow
  std::string begun = client_frame(0x81, "ok\xf4\x90 and a long rest that never arrives");
  EXPECT_EQ(read_all(begun.substr(0, 6 + 4)).violation, 1007);
  EXPECT_EQ(read_all(client_frame(0xc1, "\x00\x01\x00\xfe\xff\xff\x00"s), {.compression = true})
                .violation,
            1007);
}

TEST(FrameReader, BoundsMessages) {
  const Reading ten{.max_message = 10};
  EXPECT_EQ(read_all(client_frame(0x81, "0123456789"), ten).told, "text(0123456789)");
  EXPECT_EQ(read_all(client_frame(0x81, "0123456789a"), ten).violation, 1009);
  EXPECT_EQ(read_all(client_frame(0x01, "012345") + client_frame(0x80, "6789a"), ten).violation,
            1009);
  // By its header alone, long before the bytes could arrive.
  EXPECT_EQ(read_all("\x82\xff\x00\x00\x00\x10\x00\x00\x00\x00\x01\x02\x03\x04"s, ten).violation,
            1009);
  // A message of 100 times "x" is small when compressed.
  DeflateCodec codec;
  const std::string bomb(codec.compress(std::string(100, 'x'), {}).value());
  EXPECT_EQ(read_all(client_frame(0xc1, bomb), {.max_message = 99, .compression = true}).violation,
            1009);
  EXPECT_EQ(read_all(client_frame(0xc1, bomb), {.max_message = 100, .compression = true}).told,
            "text(" + std::string(100, 'x') + ")");
}

TEST(FrameReader, RefusesACompressedPayloadThatIsDamagedOrCut) {
  const Reading deflate{.compression = true};
  EXPECT_EQ(read_all(client_frame(0xc2, "\xff\xff\xff"), deflate).violation, 1007);
  EXPECT_EQ(read_all(client_frame(0xc2, "\xf2\x48\xcd"), deflate).violation, 1007);
  EXPECT_EQ(read_all(client_frame(0xc9, ""), deflate).violation, 1002);  // only data is compressed
  EXPECT_EQ(read_all(client_frame(0x41, "\xf2") + client_frame(0xc0, "\x48"), deflate).violation,
            1002);  // and only the first frame says so
  EXPECT_EQ(read_all(client_frame(0x81, "plain"), deflate).told, "text(plain)");
}

}  // namespace
}  // namespace duet::websocket
