// The opening handshake: the RFCs' examples, what is refused and how, and what is negotiated.
#include "host/websocket/handshake.h"

#include <gtest/gtest.h>

#include <string>

#include "host/http/request_parser.h"
#include "host/websocket/sha1.h"

namespace duet::websocket {
namespace {

struct Head final : http::RequestParser::Sink {
  http::RequestHead head;
  http::RequestHead* begin_request() override { return &head; }
  http::RequestParser::Next on_head() override { return http::RequestParser::Next::kPause; }
  http::RequestParser::Next on_body(std::string_view) override {
    return http::RequestParser::Next::kPause;
  }
  http::RequestParser::Next on_complete() override { return http::RequestParser::Next::kPause; }
};

Handshake handshake(const std::string& fields, const char* line = "GET /chat HTTP/1.1") {
  Head sink;
  http::RequestParser parser(sink, {});
  parser.feed(std::string(line) + "\r\nHost: server.example.com\r\n" + fields + "\r\n");
  EXPECT_FALSE(parser.refused());
  return Handshake::from(sink.head);
}

const std::string kUpgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string kVersion = "Sec-WebSocket-Version: 13\r\n";

TEST(Handshake, AnswersTheExampleOfTheRfc) {
  const Handshake found =
      handshake(kUpgrade + kKey + "Sec-WebSocket-Protocol: chat, superchat\r\n" + kVersion);
  ASSERT_TRUE(found.ok()) << found.refusal.reason;
  EXPECT_EQ(found.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, 1.3
  EXPECT_EQ(found.protocols, (std::vector<std::string>{"chat", "superchat"}));
  EXPECT_TRUE(found.offers("superchat"));
  EXPECT_FALSE(found.offers("Chat"));
  EXPECT_FALSE(found.deflate);
}

TEST(Handshake, TakesTokensInAnyCaseAndListsInSeveralFields) {
  const Handshake found =
      handshake("Upgrade: h2c, WebSocket\r\nConnection: keep-alive, UPGRADE\r\n" + kKey + kVersion +
                "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: , b ,\r\n");
  EXPECT_TRUE(found.ok()) << found.refusal.reason;
  EXPECT_EQ(found.protocols, (std::vector<std::string>{"a", "b"}));
}

TEST(Handshake, SaysWhatIsWrong) {
  const auto status = [](const Handshake& found) { return found.refusal.status; };
  EXPECT_EQ(status(handshake("")), 426);
  EXPECT_EQ(status(handshake("Upgrade: h2c\r\nConnection: Upgrade\r\n" + kKey + kVersion)), 426);
  EXPECT_EQ(status(handshake("Upgrade: websocket\r\n" + kKey + kVersion)), 426);
  EXPECT_EQ(status(handshake(kUpgrade + kKey)), 426);
  EXPECT_EQ(status(handshake(kUpgrade + kKey + "Sec-WebSocket-Version: 8\r\n")), 426);
  EXPECT_EQ(status(handshake(kUpgrade + kVersion)), 400);
  EXPECT_EQ(status(handshake(kUpgrade + kKey + kKey + kVersion)), 400);
  EXPECT_EQ(status(handshake(kUpgrade + kVersion + "Sec-WebSocket-Key: dG9vIHNob3J0\r\n")), 400);
  EXPECT_EQ(
      status(handshake(kUpgrade + kVersion + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n")),
      400);
  EXPECT_EQ(status(handshake(kUpgrade + kKey + kVersion, "HEAD /chat HTTP/1.1")), 400);
  EXPECT_EQ(status(handshake(kUpgrade + kKey + kVersion, "GET /chat HTTP/1.0")), 400);
  EXPECT_EQ(status(handshake(kUpgrade + kKey + kVersion + "Content-Length: 2\r\n")), 400);
  EXPECT_EQ(status(handshake(kUpgrade + kKey + kVersion + "Sec-WebSocket-Protocol: a b\r\n")), 400);
}

TEST(Deflate, ChoosesTheFirstOfferThatCanBeMet) {
  const auto answer = [](std::string_view offers) {
    const auto agreed = accept_deflate(offers);
    return agreed ? agreed->response() : "";
  };
  const std::string plain =
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  EXPECT_EQ(answer("permessage-deflate"), plain);
  EXPECT_EQ(answer("Permessage-Deflate; client_max_window_bits"), plain);
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=8"), plain);
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=10; server_no_context_takeover"),
            plain + "; server_max_window_bits=10");
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"12\""),
            plain + "; server_max_window_bits=12");
  EXPECT_EQ(answer("x-webkit-deflate-frame, permessage-deflate;server_no_context_takeover"), plain);
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate"), plain);
  for (const char* refused : {"", "permessage-bzip2", "permessage-deflate; unknown",
                              "permessage-deflate; server_max_window_bits",
                              "permessage-deflate; server_max_window_bits=8",
                              "permessage-deflate; server_max_window_bits=16",
                              "permessage-deflate; server_max_window_bits=09",
                              "permessage-deflate; client_max_window_bits=7",
                              "permessage-deflate; client_max_window_bits; client_max_window_bits",
                              "permessage-deflate; server_no_context_takeover=1"}) {
    EXPECT_EQ(answer(refused), "") << refused;
  }
}

TEST(Deflate, GivesBackWhatItTook) {
  DeflateCodec codec;
  std::string out;
  for (const std::uint8_t bits : {9, 12, 15}) {
    std::string message;
    for (int i = 0; i < 40'000; ++i) message += std::to_string(i % 977);
    for (int again = 0; again < 2; ++again) {  // each message stands alone
      const auto made = codec.compress(message, {.window_bits = bits});
      ASSERT_TRUE(made);
      EXPECT_LT(made->size(), message.size() / 2);
      const std::string payload(*made);
      EXPECT_EQ(codec.decompress(payload, message.size(), out), DeflateCodec::Inflated::kOk);
      EXPECT_EQ(out, message);
      EXPECT_EQ(codec.decompress(payload, message.size() - 1, out),
                DeflateCodec::Inflated::kTooLarge);
    }
  }
  EXPECT_FALSE(codec.compress("", {}));
  EXPECT_FALSE(codec.compress("abcdefgh", {}));  // would not be shorter
}

TEST(Sha1, KnowsTheExamplesOfTheStandard) {
  const auto hex = [](const Sha1Digest& digest) {
    std::string text;
    for (const std::uint8_t byte : digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  };
  EXPECT_EQ(hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

}  // namespace
}  // namespace duet::websocket
