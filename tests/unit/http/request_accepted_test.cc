// Requests that are taken, and what is read from them.
#include "tests/unit/http/request_case.h"

namespace duet::http {
namespace {

const std::string kHost = "Host: a.example\r\n";

class Accepted : public RequestCases {};

TEST_P(Accepted, HoweverCut) {
  const RequestCase& c = GetParam();
  EXPECT_EQ(summary(c.bytes, {.limits = c.limits}), c.expected) << printable(c.bytes);
  expect_same_however_cut(c.bytes, c.limits);
}

INSTANTIATE_TEST_SUITE_P(
    Framing, Accepted,
    testing::Values(
        RequestCase{"no body", "GET / HTTP/1.1\r\n" + kHost + "\r\n", "GET / []"},
        RequestCase{"a minor version to come", "GET / HTTP/1.2\r\n" + kHost + "\r\n", "GET / []"},
        RequestCase{"body", "POST /p HTTP/1.1\r\n" + kHost + "Content-Length: 5\r\n\r\nhello",
                    "POST /p [hello]"},
        RequestCase{"body of a GET", "GET / HTTP/1.1\r\n" + kHost + "Content-Length: 2\r\n\r\nab",
                    "GET / [ab]"},
        RequestCase{"length zero", "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 0\r\n\r\n",
                    "POST / []"},
        RequestCase{"length with leading zeros",
                    "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 0003\r\n\r\nabc",
                    "POST / [abc]"},
        RequestCase{"length with white space around",
                    "POST / HTTP/1.1\r\n" + kHost + "Content-Length: \t 3 \t\r\n\r\nabc",
                    "POST / [abc]"},
        RequestCase{
            "the largest length",
            "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 18446744073709551615\r\n\r\nabc",
            "POST / [abc"},
        RequestCase{
            "chunked",
            "POST / HTTP/1.1\r\n" + kHost +
                "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "POST / [abc0123456789]"},
        RequestCase{"chunked in capitals",
                    "POST / HTTP/1.1\r\n" + kHost +
                        "TRANSFER-ENCODING: \t ChunKED  \r\n\r\n1\r\na\r\n0\r\n\r\n",
                    "POST / [a]"},
        RequestCase{"chunked without data",
                    "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "POST / []"},
        RequestCase{"chunk extensions",
                    "POST / HTTP/1.1\r\n" + kHost +
                        "Transfer-Encoding: chunked\r\n\r\n1;a;b=c;d=\"e;f\"\r\nx\r\n0;z\r\n\r\n",
                    "POST / [x]"},
        RequestCase{"white space beside separators of chunk extensions",
                    "POST / HTTP/1.1\r\n" + kHost +
                        "Transfer-Encoding: chunked\r\n\r\n1 ;\t a =  b ; c=\" ;\\\"= \" "
                        ";d\r\nx\r\n0\t; z\r\n\r\n",
                    "POST / [x]"},
        RequestCase{"chunk sizes with leading zeros",
                    "POST / HTTP/1.1\r\n" + kHost +
                        "Transfer-Encoding: chunked\r\n\r\n0001\r\nx\r\n000\r\n\r\n",
                    "POST / [x]"},
        RequestCase{"trailers",
                    "POST / HTTP/1.1\r\n" + kHost +
                        "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n",
                    "POST / [x]"},
        RequestCase{
            "trailers that would mean something in a head",
            "POST / HTTP/1.1\r\n" + kHost +
                "Transfer-Encoding: chunked\r\n\r\n0\r\nConnection: close\r\nHost: b\r\n\r\n"
                "GET /next HTTP/1.1\r\n" +
                kHost + "\r\n",
            "POST / [] | GET /next []"},
        RequestCase{"pipelined",
                    "GET /1 HTTP/1.1\r\n" + kHost + "\r\nPOST /2 HTTP/1.1\r\n" + kHost +
                        "Content-Length: 2\r\n\r\nabPUT /3 HTTP/1.1\r\n" + kHost +
                        "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /4 HTTP/1.1\r\n" +
                        kHost + "\r\nGET /5",
                    "GET /1 [] | POST /2 [ab] | PUT /3 [x] | GET /4 [] | ..."},
        RequestCase{"empty lines before",
                    "\r\n\r\nGET /1 HTTP/1.1\r\n" + kHost + "\r\n\r\nGET /2 HTTP/1.1\r\n" + kHost +
                        "\r\n\r\n\r\n",
                    "GET /1 [] | GET /2 []"},
        RequestCase{
            "nothing after close",
            "GET /1 HTTP/1.1\r\n" + kHost + "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
            "GET /1 []"},
        RequestCase{"nothing after HTTP 1 0", "GET /1 HTTP/1.0\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
                    "GET /1 []"},
        RequestCase{"HTTP 1 0 keep-alive",
                    "GET /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
                    "GET /1 [] | GET /2 []"},
        RequestCase{"an unfinished head", "GET / HTTP/1.1\r\nHost: a", "..."},
        RequestCase{"an unfinished body",
                    "POST / HTTP/1.1\r\n" + kHost + "Content-Length: 10\r\n\r\nabc", "POST / [abc"},
        RequestCase{"an unfinished chunk",
                    "POST / HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
                    "POST / [abc"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Methods, Accepted,
    testing::Values(
        RequestCase{"PATCH", "PATCH / HTTP/1.1\r\n" + kHost + "\r\n", "PATCH / []"},
        RequestCase{"PROPFIND", "PROPFIND / HTTP/1.1\r\n" + kHost + "\r\n", "PROPFIND / []"},
        RequestCase{"M-SEARCH", "M-SEARCH / HTTP/1.1\r\n" + kHost + "\r\n", "M-SEARCH / []"},
        RequestCase{"QUERY", "QUERY / HTTP/1.1\r\n" + kHost + "Content-Length: 1\r\n\r\nq",
                    "QUERY / [q]"},
        RequestCase{"SOURCE", "SOURCE / HTTP/1.1\r\n" + kHost + "\r\n", "SOURCE / []"},
        RequestCase{"OPTIONS of the server", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n",
                    "OPTIONS * []"},
        RequestCase{"CONNECT ends HTTP",
                    "CONNECT b.example:443 HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc",
                    "CONNECT b.example:443 []"}),
    case_name);

TEST(RequestHead, ReadsEveryPart) {
  EXPECT_EQ(transcript("POST /a%20b/c?d=e&f HTTP/1.1\r\nhost: a.example:8080\r\nX-Empty:\r\n"
                       "X-Spaces: \t a  b\t \r\nContent-Length: 7\r\nExpect: 100-Continue\r\n\r\n"),
            "begin\n"
            "head POST /a%20b/c?d=e&f HTTP/1.1 path=/a%20b/c query=d=e&f host=a.example:8080 "
            "keep-alive length=7 expects\n"
            "  host: a.example:8080\n  X-Empty: \n  X-Spaces: a  b\n  Content-Length: 7\n"
            "  Expect: 100-Continue\n");
}

TEST(RequestHead, AbsoluteTargetStandsForHost) {
  const std::string rest = " HTTP/1.1\r\nHost: ignored\r\n\r\n";
  const auto line = [&](const std::string& target) {
    const std::string text = transcript(target + rest);
    return text.substr(6, text.find('\n', 6) - 6);
  };
  EXPECT_EQ(
      line("GET http://b.example:81/p?q"),
      "head GET http://b.example:81/p?q HTTP/1.1 path=/p query=q host=b.example:81 keep-alive");
  EXPECT_EQ(line("GET HTTP://b.example"),
            "head GET HTTP://b.example HTTP/1.1 path=/ query= host=b.example keep-alive");
  EXPECT_EQ(line("GET https://[::1]?q/r"),
            "head GET https://[::1]?q/r HTTP/1.1 path=/ query=q/r host=[::1] keep-alive");
  EXPECT_EQ(line("OPTIONS http://b.example"),
            "head OPTIONS http://b.example HTTP/1.1 path=* query= host=b.example keep-alive");
}

TEST(RequestHead, OtherTargetForms) {
  const std::string trailers = transcript(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
      "A:  b \r\nempty:\r\na: c d\r\n\r\n"
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_NE(trailers.find("complete\nA\nb\nempty\n\na\nc d\nbegin\n"), std::string::npos)
      << trailers;
  EXPECT_TRUE(trailers.ends_with("complete\n")) << trailers;
  EXPECT_EQ(transcript("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").substr(6, 57),
            "head OPTIONS * HTTP/1.1 path=* query= host=a keep-alive\n ");
  EXPECT_EQ(transcript("CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\n").substr(6, 55),
            "head CONNECT b:1 HTTP/1.1 path= query= host=b:1 close\n ");
  EXPECT_EQ(transcript("GET /? HTTP/1.0\r\n\r\n"),
            "begin\nhead GET /? HTTP/1.0 path=/ query= host= close\ncomplete\n");
  EXPECT_EQ(transcript("GET //x?/%zz? HTTP/1.0\r\n\r\n"),
            "begin\nhead GET //x?/%zz? HTTP/1.0 path=//x query=/%zz? host= close\ncomplete\n");
}

TEST(RequestHead, KeepAliveFollowsConnection) {
  const auto keeps = [](const std::string& version, const std::string& connection) {
    const std::string text =
        transcript("GET / " + version + "\r\nHost: a\r\n" + connection + "\r\n");
    return text.find("host=a keep-alive\n") != text.npos;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "connection: CLOSE\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: x-field, close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive, close\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.1", "Connection: closed\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", "Connection: keep-alive, close\r\n"));
}

TEST(RequestHead, APortMayBeginWithZeros) {
  for (const char* host : {"a:80", "a:", "a:000080", "[::1]:0000065535"}) {
    EXPECT_EQ(transcript("GET / HTTP/1.0\r\nHost: " + std::string(host) + "\r\n\r\n"),
              "begin\nhead GET / HTTP/1.0 path=/ query= host=" + std::string(host) +
                  " close\n  Host: " + host + "\ncomplete\n");
  }
}

TEST(RequestHead, ExpectMatters) {
  const auto expects = [](const std::string& version, const std::string& fields) {
    const std::string text = transcript("POST / " + version + "\r\nHost: a\r\n" + fields + "\r\n");
    return text.find(" expects") != text.npos;
  };
  EXPECT_TRUE(expects("HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
  EXPECT_TRUE(expects("HTTP/1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("HTTP/1.1", "Expect: 100-continue\r\n"));
  EXPECT_FALSE(expects("HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n"));
}

TEST(RequestHead, GetIgnoresCase) {
  struct Sink final : RequestParser::Sink {
    RequestHead head;
    RequestHead* begin_request() override { return &head; }
    RequestParser::Next on_head() override { return RequestParser::Next::kContinue; }
    RequestParser::Next on_body(std::string_view) override {
      return RequestParser::Next::kContinue;
    }
    RequestParser::Next on_complete() override { return RequestParser::Next::kPause; }
  } sink;
  RequestParser parser(sink, {});
  parser.feed("PURGE / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-ONE: 2\r\nX-Empty:\r\nX^: 3\r\n\r\n");
  EXPECT_EQ(sink.head.method(), Method::kOther);
  EXPECT_EQ(sink.head.method_text(), "PURGE");
  EXPECT_EQ(sink.head.get("x-one"), "1");
  EXPECT_NE(sink.head.get("X-EMPTY").data(), nullptr);
  EXPECT_TRUE(sink.head.get("x-empty").empty());
  EXPECT_EQ(sink.head.get("x-two").data(), nullptr);
  EXPECT_EQ(sink.head.get("x~").data(), nullptr);  // differs from "x^" in bit 5 only
  EXPECT_EQ(sink.head.field_count(), 5u);
  sink.head.clear();
  EXPECT_EQ(sink.head.field_count(), 0u);
  EXPECT_EQ(sink.head.get("x-one").data(), nullptr);
  EXPECT_TRUE(sink.head.target().empty());
}

TEST(RequestParser, UpgradesWhenTheSinkWants) {
  const std::string ask =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n";
  const std::string next = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  // An upgrade that nobody wants is an ordinary request (as `curl --http2` sends).
  EXPECT_EQ(summary(ask + "\r\n" + next), "GET / [] | GET /2 []");
  EXPECT_EQ(summary(ask + "\r\n\x81\x02raw", {.upgrading = true}),
            "GET / [] | upgraded [\x81\x02raw]");
  EXPECT_EQ(summary(ask + "Content-Length: 2\r\n\r\nabraw", {.upgrading = true}),
            "GET / [ab] | upgraded [raw]");
  EXPECT_EQ(summary(ask + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nraw",
                    {.piece = 1, .upgrading = true}),
            "GET / [a] | upgraded [raw]");
  EXPECT_EQ(summary("CONNECT b:1 HTTP/1.1\r\nHost: a\r\n\r\nraw", {.upgrading = true}),
            "CONNECT b:1 [] | upgraded [raw]");
  // HTTP/1.0 has no upgrades, and one field alone asks for nothing.
  EXPECT_EQ(
      summary("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", {.upgrading = true}),
      "GET / []");
  EXPECT_EQ(summary("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n" + next, {.upgrading = true}),
            "GET / [] | GET /2 []");
}

TEST(RequestParser, IsSmall) {
  // A part of an idle connection, which is to stay below 4 KiB with everything that it has.
  EXPECT_LE(sizeof(RequestParser), 256u);
}

TEST(RequestHead, LetsGoOfUnusualMemory) {
  RequestHead head;
  struct Sink final : RequestParser::Sink {
    explicit Sink(RequestHead& into) : head(into) {}
    RequestHead& head;
    int heads = 0;
    RequestHead* begin_request() override { return &head; }
    RequestParser::Next on_head() override { return ++heads, RequestParser::Next::kContinue; }
    RequestParser::Next on_body(std::string_view) override {
      return RequestParser::Next::kContinue;
    }
    RequestParser::Next on_complete() override { return RequestParser::Next::kContinue; }
  } sink(head);
  RequestParser parser(sink, {});
  std::string large = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 1000; ++i) large += "a: bcdefghi\r\n";
  parser.feed(large + "\r\n");
  EXPECT_EQ(sink.heads, 1);
  EXPECT_EQ(head.field_count(), 1001u);
  parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(sink.heads, 2);
  EXPECT_EQ(head.field_count(), 1u);
}

}  // namespace
}  // namespace duet::http
