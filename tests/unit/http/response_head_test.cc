#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "host/http/message.h"

namespace duet::http {
namespace {

using namespace std::string_view_literals;

TEST(ResponseHead, KeepsFieldsInOrder) {
  ResponseHead head;
  head.reset(201);
  EXPECT_EQ(head.add("X-B", "1"), nullptr);
  EXPECT_EQ(head.add("a", " \t two words\t"), nullptr);
  EXPECT_EQ(head.add("x-b", ""), nullptr);
  EXPECT_EQ(head.add("X-Latin", "\xe4"), nullptr);
  EXPECT_EQ(head.add("X-Tab", "a\tb"), nullptr);
  EXPECT_EQ(head.fields(), "X-B: 1\r\na: two words\r\nx-b: \r\nX-Latin: \xe4\r\nX-Tab: a\tb\r\n");
  EXPECT_EQ(head.status(), 201);
  head.reset(200);
  EXPECT_EQ(head.fields(), "");
}

TEST(ResponseHead, RefusesWhatWouldSplitTheAnswer) {
  ResponseHead head;
  head.reset(200);
  // At every place of a value, because they are checked eight at a time.
  for (std::size_t length = 1; length < 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string value(length, 'v');
        value[at] = static_cast<char>(c);
        const bool control = (c < 0x20 && c != '\t') || c == 0x7f;
        ASSERT_EQ(check_field("x", value) != nullptr, control) << length << " " << at << " " << c;
      }
    }
  }
  EXPECT_STREQ(head.add("x", "a\r\nSet-Cookie: b"),
               "the value of a header field contains a line break");
  EXPECT_STREQ(head.add("x", "a\n"), "the value of a header field contains a line break");
  EXPECT_STREQ(head.add("x", "\r"), "the value of a header field contains a line break");
  EXPECT_STREQ(head.add("x", "a\0b"sv), "the value of a header field contains a NUL character");
  EXPECT_STREQ(head.add("x", "\x1b[0m"),
               "the value of a header field contains a control character");
  EXPECT_EQ(head.fields(), "");
}

TEST(ResponseHead, RefusesNamesThatAreNoTokens) {
  ResponseHead head;
  head.reset(200);
  EXPECT_STREQ(head.add("", "a"), "the name of a header field is empty");
  for (const std::string_view name : {"a b"sv, "a:"sv, "a\r\n"sv, "a\0"sv, "\xc3\xa4"sv, "(a)"sv,
                                      "a,"sv, "\x7f"sv, "a/b"sv, "\"a\""sv}) {
    EXPECT_STREQ(head.add(name, "v"),
                 "the name of a header field contains a character that is not allowed there");
  }
  EXPECT_EQ(head.add("!#$%&'*+-.^_`|~09azAZ", "v"), nullptr);
}

TEST(ResponseHead, LeavesFramingToTheHost) {
  ResponseHead head;
  head.reset(200);
  EXPECT_EQ(head.add("Connection", "keep-alive"), nullptr);
  EXPECT_FALSE(head.close());
  EXPECT_EQ(head.add("Keep-Alive", "timeout=5"), nullptr);
  EXPECT_EQ(head.add("Transfer-Encoding", "chunked"), nullptr);
  EXPECT_EQ(head.add("Upgrade", "h2c"), nullptr);
  EXPECT_EQ(head.add("CONNECTION", "x, Close"), nullptr);
  EXPECT_TRUE(head.close());
  EXPECT_EQ(head.fields(), "");
  head.reset(200);
  EXPECT_FALSE(head.close());
}

TEST(ResponseHead, NotesWhatTheHostWouldAdd) {
  ResponseHead head;
  head.reset(200);
  EXPECT_FALSE(head.has_date() || head.has_content_type());
  EXPECT_EQ(head.add("data", "x"), nullptr);
  EXPECT_FALSE(head.has_date());
  EXPECT_EQ(head.add("DATE", "x"), nullptr);
  EXPECT_EQ(head.add("content-TYPE", "text/plain"), nullptr);
  EXPECT_TRUE(head.has_date() && head.has_content_type());
}

TEST(ResponseHead, ReadsContentLength) {
  ResponseHead head;
  head.reset(200);
  EXPECT_EQ(head.content_length(), std::nullopt);
  EXPECT_EQ(head.add("content-length", " 12 "), nullptr);
  EXPECT_EQ(head.content_length(), 12u);
  EXPECT_EQ(head.content_length_name(), "content-length");
  EXPECT_EQ(head.add("Content-Length", "012"), nullptr);
  EXPECT_EQ(head.content_length_name(), "Content-Length");
  EXPECT_STREQ(head.add("Content-Length", "13"),
               "Content-Length was given twice with different values");
  EXPECT_EQ(head.fields(), "");
  for (const char* wrong : {"", "-1", "+1", "1.0", "1 2", "1,1", "a", "18446744073709551616"}) {
    head.reset(200);
    EXPECT_STREQ(head.add("Content-Length", wrong),
                 "the value of Content-Length is not a number of bytes");
  }
  head.reset(200);
  EXPECT_EQ(head.add("Content-Length", "18446744073709551615"), nullptr);
  EXPECT_EQ(head.content_length(), 18446744073709551615u);
}

TEST(ResponseHead, KnowsValidStatuses) {
  EXPECT_FALSE(ResponseHead::valid_status(0));
  EXPECT_FALSE(ResponseHead::valid_status(101));
  EXPECT_FALSE(ResponseHead::valid_status(199));
  EXPECT_TRUE(ResponseHead::valid_status(200));
  EXPECT_TRUE(ResponseHead::valid_status(599));
  EXPECT_FALSE(ResponseHead::valid_status(600));
  EXPECT_FALSE(ResponseHead::valid_status(-200));
}

TEST(Methods, GoBothWays) {
  for (const char* name :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"}) {
    EXPECT_EQ(method_name(method_from(name)), name);
  }
  EXPECT_EQ(method_from("get"), Method::kOther);
  EXPECT_EQ(method_from(""), Method::kOther);
  EXPECT_EQ(method_name(Method::kOther), "");
}

TEST(Names, CompareIgnoringCase) {
  EXPECT_TRUE(equals_ignoring_case("Content-Type", "cONTENT-tYPE"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_FALSE(equals_ignoring_case("^", "~"));
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
}

}  // namespace
}  // namespace duet::http
