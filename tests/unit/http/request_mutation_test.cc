// Every byte of some requests replaced by every other byte: whatever comes of it does not depend on
// how the bytes are cut, and what is accepted is clean.
#include <algorithm>

#include "tests/unit/http/request_case.h"

namespace duet::http {
namespace {

// Checks the heads that are accepted.
struct Inspector final : RequestParser::Sink {
  RequestHead head;
  int accepted = 0;

  static bool clean(std::string_view text, char least) {
    return std::none_of(text.begin(), text.end(), [least](char c) {
      return (static_cast<unsigned char>(c) < static_cast<unsigned char>(least) && c != '\t') ||
             c == 0x7f;
    });
  }
  RequestHead* begin_request() override { return &head; }
  RequestParser::Next on_head() override {
    ++accepted;
    EXPECT_TRUE(clean(head.target(), '!') && head.target().find('\t') == std::string_view::npos);
    EXPECT_TRUE(clean(head.host(), '!'));
    EXPECT_FALSE(head.chunked() && head.content_length().has_value());
    int hosts = 0;
    for (std::size_t i = 0; i < head.field_count(); ++i) {
      EXPECT_EQ(check_field(head.field(i).name, head.field(i).value), nullptr);
      hosts += equals_ignoring_case(head.field(i).name, "host") ? 1 : 0;
    }
    EXPECT_TRUE(hosts == 1 || (hosts == 0 && head.minor_version() == 0));
    return RequestParser::Next::kContinue;
  }
  RequestParser::Next on_body(std::string_view) override { return RequestParser::Next::kContinue; }
  RequestParser::Next on_complete() override { return RequestParser::Next::kContinue; }
};

class Mutation : public testing::TestWithParam<const char*> {};

TEST_P(Mutation, OfEveryByte) {
  const std::string original = GetParam();
  for (std::size_t at = 0; at < original.size(); ++at) {
    std::string bytes = original;
    for (int c = 0; c < 256; ++c) {
      bytes[at] = static_cast<char>(c);
      const std::string whole = transcript(bytes);
      ASSERT_EQ(transcript(bytes, {.piece = 1}), whole) << printable(bytes);
      ASSERT_EQ(transcript(bytes, {.first_cut = at, .pausing = true}), whole) << printable(bytes);
      Inspector inspector;
      RequestParser(inspector, {}).feed(bytes);
      ASSERT_FALSE(HasFailure()) << printable(bytes);
    }
  }
}

TEST_P(Mutation, OfEveryCutAndDoubledByte) {
  const std::string original = GetParam();
  for (std::size_t at = 0; at < original.size(); ++at) {
    std::string without = original, doubled = original;
    without.erase(at, 1);
    doubled.insert(at, 1, original[at]);
    expect_same_however_cut(without, {});
    expect_same_however_cut(doubled, {});
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfRequests, Mutation,
    testing::Values(
        "GET /a?b HTTP/1.1\r\nHost: a:80\r\nX: y\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "GET http://[::1]/ HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"));

}  // namespace
}  // namespace duet::http
