#include "host/http/response_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/response_transcript.h"

namespace duet::http {
namespace {

using Body = ResponseParser::Body;

// The same for every way to cut it in two, byte by byte, and whole.
std::string told(const std::string& bytes, bool ended = false, Body body = Body::kAsDeclared,
                 ResponseParser::Fields fields = ResponseParser::Fields::kDropped) {
  const std::string whole =
      response_transcript(bytes, bytes.size(), bytes.size(), ended, body, fields);
  for (std::size_t cut = 1; cut < std::min<std::size_t>(bytes.size(), 2000); ++cut) {
    EXPECT_EQ(response_transcript(bytes, cut, bytes.size(), ended, body, fields), whole)
        << "cut at " << cut;
  }
  EXPECT_EQ(response_transcript(bytes, 1, 1, ended, body, fields), whole);
  return whole;
}

TEST(ResponseParser, AnswersWithALengthFollowEachOther) {
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
                 "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                 "HTTP/1.1 204 No Content\r\n\r\n"
                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
            "200 [hello] keep\n404 [] keep\n204 [] keep\n304 [] keep\n");
}

TEST(ResponseParser, ChunksAreOneBodyAndTrailersAreSkipped) {
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\nHTTP/1.1 500 No\r\n"
                 "Content-Length: 1\r\n\r\n!"),
            "200 [hello] keep\n500 [!] keep\n");
}

TEST(ResponseParser, ABodyWithoutALengthLastsUntilTheEnd) {
  const std::string bytes = "HTTP/1.1 200 OK\r\n\r\nall of it";
  EXPECT_EQ(told(bytes), "200 [all of it...");
  EXPECT_EQ(told(bytes, true), "200 [all of it] close\n");
}

TEST(ResponseParser, SaysWhenTheConnectionTakesNoMore) {
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"),
            "200 [x] close\n");
  EXPECT_EQ(told("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"), "200 [x] close\n");
  EXPECT_EQ(told("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"),
            "200 [x] keep\n");
}

TEST(ResponseParser, BytesAfterTheLastAnswerAreAnError) {
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200"),
            "200 [x] close\n!bytes after an answer that ends the connection");
}

TEST(ResponseParser, AnswersToHeadHaveNoBody) {
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                 false, Body::kNone),
            "200 [] keep\n200 [] keep\n");
}

TEST(ResponseParser, InterimAnswersAreSkipped) {
  EXPECT_EQ(told("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            "200 [x] keep\n");
}

TEST(ResponseParser, KeepsTheFieldsOfTheFinalHeadAlone) {
  EXPECT_EQ(told("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nX-One:  two words \t\r\nEmpty:\r\nX-One: again\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"
                 "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
                 false, Body::kAsDeclared, ResponseParser::Fields::kKept),
            "200 X-One=two words; Empty=; X-One=again; Transfer-Encoding=chunked; [x] keep\n"
            "404 Content-Length=0; [] keep\n");
}

TEST(ResponseParser, AnEndWithinAnAnswerIsAnError) {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"}) {
    const std::string text = told(bytes, true);
    EXPECT_TRUE(text.ends_with("!the connection ended within an answer")) << bytes << "\n" << text;
  }
  EXPECT_EQ(told("", true), "");
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true), "200 [] keep\n");
}

TEST(ResponseParser, WhatIsNoHttpIsRefusedWithAReason) {
  for (const char* bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 099 Less\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 More\r\nContent-Length: 0\r\n\r\n"}) {
    const std::string text = told(bytes);
    const std::size_t mark = text.find('!');
    ASSERT_NE(mark, std::string::npos) << bytes << " was taken: " << text;
    EXPECT_GT(text.size(), mark + 5) << "no reason for " << bytes;
  }
}

TEST(ResponseParser, AnAnswerThatNobodyAskedForEndsIt) {
  EXPECT_EQ(told("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, Body::kRefuse),
            "200 [!an answer to no request");
}

TEST(ResponseParser, AnEndlessHeadEnds) {
  ResponseNotes notes;
  for (const std::string& line : {std::string("X-Filler: abcdefgh\r\n"), std::string("a:\r\n")}) {
    ResponseParser parser(notes);
    ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\n"));
    std::size_t fed = 0;
    while (parser.feed(line) && fed < 4 * ResponseParser::kHeadBytes) fed += line.size();
    EXPECT_LT(fed, 2 * ResponseParser::kHeadBytes);
    EXPECT_STREQ(parser.error(), "the answer's head is longer than 256 KiB");
    EXPECT_FALSE(parser.finish());
  }
}

TEST(ResponseParser, ResetForgetsTheOldConnection) {
  ResponseNotes notes;
  ResponseParser parser(notes);
  EXPECT_FALSE(parser.feed("nonsense\r\n"));
  parser.reset();
  EXPECT_TRUE(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
  EXPECT_EQ(notes.text, "200 [x] keep\n");
  EXPECT_FALSE(parser.in_answer());
}

}  // namespace
}  // namespace duet::http
