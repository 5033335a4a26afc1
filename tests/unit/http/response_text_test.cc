#include "host/http/response_text.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

namespace duet::http {
namespace {

constexpr std::string_view kDate = "Date: now\r\n";

ResponseHead head_of(int status,
                     std::initializer_list<std::pair<const char*, const char*>> fields = {}) {
  ResponseHead head;
  head.reset(status);
  for (const auto& [name, value] : fields) EXPECT_EQ(head.add(name, value), nullptr);
  return head;
}

std::string text_of(const ResponseHead& head, const Framing& framing) {
  std::string out = ">";
  append_response_head(out, head, framing, kDate);
  return out;
}

TEST(ResponseText, WritesAWholeHead) {
  EXPECT_EQ(
      text_of(head_of(200, {{"Content-Type", "text/plain"}, {"X", "y"}}), {.content_length = 13}),
      ">HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: y\r\nContent-Length: 13\r\n"
      "Date: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(404), {.content_length = 0}),
            ">HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(299), {.content_length = 18446744073709551615u}),
            ">HTTP/1.1 299 \r\nContent-Length: 18446744073709551615\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(200, {{"date", "mine"}}), {.content_length = 1}),
            ">HTTP/1.1 200 OK\r\ndate: mine\r\nContent-Length: 1\r\n\r\n");
}

TEST(ResponseText, TakesAnotherReasonAndNoDate) {
  ResponseHead head = head_of(404);
  EXPECT_EQ(head.set_reason("Nobody Home"), nullptr);
  head.leave_date_out();
  EXPECT_EQ(text_of(head, {.content_length = 0}),
            ">HTTP/1.1 404 Nobody Home\r\nContent-Length: 0\r\n\r\n");
  head.reset(200);
  EXPECT_EQ(head.set_reason(""), nullptr);
  EXPECT_EQ(text_of(head, {.content_length = 0}),
            ">HTTP/1.1 200 \r\nContent-Length: 0\r\nDate: now\r\n\r\n");
  EXPECT_STREQ(head.set_reason("a\r\nb"), "a reason phrase contains a control character");
  head.reset(999);
  EXPECT_EQ(text_of(head, {.content_length = 0}),
            ">HTTP/1.1 999 \r\nContent-Length: 0\r\nDate: now\r\n\r\n");
}

TEST(ResponseText, TheHostsOwnFieldsAreThereWhoeverGaveTheDate) {
  for (const auto& [given, date] : {std::pair(head_of(200), "Date: now\r\n"),
                                    std::pair(head_of(200, {{"Date", "mine"}}), "")}) {
    std::string out;
    append_response_head(out, given, {.content_length = 0}, kDate,
                         {"Duet-Variant: ", "", "py\r\n"});
    EXPECT_TRUE(
        out.ends_with("Content-Length: 0\r\nDuet-Variant: py\r\n" + std::string(date) + "\r\n"))
        << out;
  }
}

TEST(ResponseText, DelimitsTheBody) {
  EXPECT_EQ(text_of(head_of(200), {.chunked = true}),
            ">HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(200), {.http11 = false, .keep_alive = false}),
            ">HTTP/1.1 200 OK\r\nConnection: close\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(200), {.http11 = false, .keep_alive = true, .content_length = 2}),
            ">HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(200), {.keep_alive = false, .content_length = 2}),
            ">HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nDate: now\r\n\r\n");
}

TEST(ResponseText, SpellsTheLengthsNameAsTheHandlerDoes) {
  EXPECT_EQ(text_of(head_of(200, {{"content-length", "7"}}), {.content_length = 7}),
            ">HTTP/1.1 200 OK\r\ncontent-length: 7\r\nDate: now\r\n\r\n");
}

TEST(ResponseText, LeavesFramingOutWhereNoBodyCanBe) {
  EXPECT_EQ(text_of(head_of(204), {.content_length = 0}),
            ">HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(204), {.chunked = true}),
            ">HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(304), {.content_length = 0}),
            ">HTTP/1.1 304 Not Modified\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(304, {{"Content-Length", "7"}}), {.content_length = 0}),
            ">HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(200), {.head_request = true, .content_length = 13}),
            ">HTTP/1.1 200 OK\r\nContent-Length: 13\r\nDate: now\r\n\r\n");
  EXPECT_EQ(text_of(head_of(200), {.head_request = true, .chunked = true}),
            ">HTTP/1.1 200 OK\r\nDate: now\r\n\r\n");
}

TEST(ResponseText, KnowsWhereABodyFollows) {
  EXPECT_TRUE(body_follows(200, false));
  EXPECT_TRUE(body_follows(205, false));
  EXPECT_FALSE(body_follows(200, true));
  for (const int status : {100, 103, 199, 204, 304})
    EXPECT_TRUE(status_forbids_body(status)) << status;
  for (const int status : {200, 203, 205, 303, 305, 404, 500})
    EXPECT_FALSE(status_forbids_body(status));
}

TEST(ResponseText, WritesInterimAnswers) {
  std::string out;
  append_interim(out, 100);
  append_interim(out, 103, "Link: </a>\r\n");
  EXPECT_EQ(out, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
}

TEST(ResponseText, WritesChunks) {
  std::string out;
  append_chunk(out, "");
  append_chunk(out, "hello");
  append_chunk(out, std::string(26, 'x'));
  append_last_chunk(out);
  append_last_chunk(out, "A: b\r\n");
  append_chunk_size(out, 0xffffffffffffffffu);
  EXPECT_EQ(out, "5\r\nhello\r\n1a\r\n" + std::string(26, 'x') +
                     "\r\n0\r\n\r\n0\r\nA: b\r\n\r\nffffffffffffffff\r\n");
}

TEST(ResponseText, WritesAnswersOfTheHost) {
  std::string out;
  append_simple_response(out, 400, "Host is missing.", true, kDate);
  EXPECT_EQ(out,
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 33\r\nConnection: close\r\nDate: now\r\n\r\n"
            "400 Bad Request\nHost is missing.\n");
  out.clear();
  append_simple_response(out, 404, "", false, {});
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 14\r\n\r\n404 Not Found\n");
  out.clear();
  append_simple_response(out, 405, "", false, kDate, "Allow: GET\r\n", true);
  EXPECT_EQ(out,
            "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Length: 23\r\nAllow: GET\r\nDate: now\r\n\r\n");
}

TEST(ResponseText, EveryPhraseFits) {
  for (int status = 200; status < 600; ++status) {
    std::string out;
    append_response_head(out, head_of(status),
                         {.http11 = false, .content_length = 18446744073709551615u}, kDate);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
    EXPECT_TRUE(out.ends_with("\r\n\r\n"));
    out.clear();
    append_simple_response(out, status, "s", true, kDate);
    EXPECT_TRUE(out.ends_with("\ns\n"));
  }
}

TEST(Date, IsAnImfFixdate) {
  DateCache cache;
  EXPECT_EQ(cache.line(0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  EXPECT_EQ(cache.line(784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(cache.line(951782399), "Date: Mon, 28 Feb 2000 23:59:59 GMT\r\n");
  EXPECT_EQ(cache.line(951782400), "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n");
  EXPECT_EQ(cache.line(4107542399), "Date: Sun, 28 Feb 2100 23:59:59 GMT\r\n");
  EXPECT_EQ(cache.line(4107542400), "Date: Mon, 01 Mar 2100 00:00:00 GMT\r\n");
  EXPECT_EQ(cache.line(-5), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
  EXPECT_EQ(cache.line(INT64_MAX), "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
}

TEST(Date, AgreesWithTheCLibrary) {
  DateCache cache;
  for (std::int64_t second = 0; second < 253402300799; second += 86400 * 13 + 4567) {
    const auto time = static_cast<std::time_t>(second);
    std::tm parts;
    gmtime_r(&time, &parts);
    char text[64];
    std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    ASSERT_EQ(cache.line(second), text);
    ASSERT_EQ(cache.line(second), text);  // from the cache
  }
}

}  // namespace
}  // namespace duet::http
