// Requests that are refused: malformed ones, ones beyond a limit, and above all those whose length
// or boundary two parties could understand differently (request smuggling).
#include "tests/unit/http/request_case.h"

namespace duet::http {
namespace {

class Refused : public RequestCases {};

TEST_P(Refused, HoweverCut) {
  const RequestCase& c = GetParam();
  EXPECT_EQ(summary(c.bytes, {.limits = c.limits}), c.expected)
      << printable(c.bytes) << "\n"
      << transcript(c.bytes, {.limits = c.limits});
  expect_same_however_cut(c.bytes, c.limits);
}

// A POST with Host and these fields and this body.
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}
// A chunked POST with this body.
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string with_host(const std::string& host_lines) {
  return "GET / HTTP/1.1\r\n" + host_lines + "\r\n";
}
std::string bytes(std::string_view text) { return std::string(text); }
using namespace std::string_view_literals;

INSTANTIATE_TEST_SUITE_P(
    Length, Refused,
    testing::Values(
        RequestCase{"CL and TE",
                    post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
                    "400"},
        RequestCase{"TE and CL",
                    post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
                    "400"},
        RequestCase{"CL and TE of another coding",
                    post("Content-Length: 4\r\nTransfer-Encoding: gzip\r\n"), "400"},
        RequestCase{"two differing lengths",
                    post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcde"), "400"},
        RequestCase{"two equal lengths", post("Content-Length: 4\r\nContent-Length: 4\r\n", "abcd"),
                    "400"},
        RequestCase{"a list of lengths", post("Content-Length: 4, 4\r\n", "abcd"), "400"},
        RequestCase{"empty length", post("Content-Length:\r\n"), "400"},
        RequestCase{"blank length", post("Content-Length: \t \r\n"), "400"},
        RequestCase{"negative length", post("Content-Length: -1\r\n"), "400"},
        RequestCase{"plus sign", post("Content-Length: +5\r\n", "hello"), "400"},
        RequestCase{"hexadecimal length", post("Content-Length: 0x5\r\n", "hello"), "400"},
        RequestCase{"fractional length", post("Content-Length: 5.0\r\n", "hello"), "400"},
        RequestCase{"quoted length", post("Content-Length: \"5\"\r\n", "hello"), "400"},
        RequestCase{"two numbers", post("Content-Length: 5 5\r\n", "hello"), "400"},
        RequestCase{"length overflows", post("Content-Length: 18446744073709551616\r\n"), "400"},
        RequestCase{"length overflows by far",
                    post("Content-Length: 99999999999999999999999999\r\n"), "400"},
        RequestCase{"vertical tab before length",
                    post("Content-Length:\x0b"
                         "5\r\n",
                         "hello"),
                    "400"},
        RequestCase{"Arabic digits", post("Content-Length: \xd9\xa5\r\n", "hello"), "400"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    TransferEncoding, Refused,
    testing::Values(
        RequestCase{"gzip", post("Transfer-Encoding: gzip\r\n"), "501"},
        RequestCase{"gzip then chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
                    "501"},
        RequestCase{"gzip then chunked in two fields",
                    post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
                    "501"},
        RequestCase{"identity", post("Transfer-Encoding: identity\r\n"), "501"},
        RequestCase{"xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "501"},
        RequestCase{"chunkedx", post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n"), "501"},
        RequestCase{"cow", post("Transfer-Encoding: cow\r\n"), "501"},
        RequestCase{"chunked not last", post("Transfer-Encoding: chunked, gzip\r\n"), "400"},
        RequestCase{"chunked not last in two fields",
                    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n"), "400"},
        RequestCase{"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), "400"},
        RequestCase{"chunked twice in two fields",
                    post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "400"},
        RequestCase{"chunked and cow in two fields",
                    post("Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"), "400"},
        RequestCase{"empty coding", post("Transfer-Encoding:\r\n"), "400"},
        RequestCase{"empty element first", post("Transfer-Encoding: , chunked\r\n"), "400"},
        RequestCase{"empty element last", post("Transfer-Encoding: chunked,\r\n"), "400"},
        RequestCase{"chunked with a parameter", post("Transfer-Encoding: chunked;a=b\r\n"), "400"},
        RequestCase{"quoted chunked", post("Transfer-Encoding: \"chunked\"\r\n"), "400"},
        RequestCase{"vertical tab before chunked",
                    post("Transfer-Encoding: \x0b"
                         "chunked\r\n"),
                    "400"},
        RequestCase{"form feed after chunked", post("Transfer-Encoding: chunked\x0c\r\n"), "400"},
        RequestCase{"NUL after chunked", post(bytes("Transfer-Encoding: chunked\0\r\n"sv)), "400"},
        RequestCase{"no-break space before chunked",
                    post("Transfer-Encoding: \xa0"
                         "chunked\r\n"),
                    "400"},
        RequestCase{"space before the colon", post("Transfer-Encoding : chunked\r\n"), "400"},
        RequestCase{"tab before the colon", post("Transfer-Encoding\t: chunked\r\n"), "400"},
        RequestCase{"space before the name", post(" Transfer-Encoding: chunked\r\n"), "400"},
        RequestCase{"folded", post("Transfer-Encoding:\r\n chunked\r\n"), "400"},
        RequestCase{"folded name", post("X: y\r\n\tTransfer-Encoding: chunked\r\n"), "400"},
        RequestCase{"behind a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n"), "400"},
        RequestCase{"behind a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n"), "400"},
        RequestCase{"in HTTP 1 0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    "400"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Chunks, Refused,
    testing::Values(
        RequestCase{"no size", chunked("\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"junk as size", chunked("xyz\r\n"), "POST / [ | 400"},
        RequestCase{"junk after size", chunked("3xyz\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"hexadecimal prefix", chunked("0x3\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"negative size", chunked("-3\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"plus sign before size", chunked("+3\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"space before size", chunked(" 3\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"space after size", chunked("3 \r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"tab after size", chunked("3\t\r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"space within size", chunked("1 0\r\n0123456789abcdef\r\n"), "POST / [ | 400"},
        RequestCase{"space within an extension's name", chunked("3;a b\r\nabc\r\n"),
                    "POST / [ | 400"},
        RequestCase{"space after an extension", chunked("3;a=b \r\nabc\r\n"), "POST / [ | 400"},
        RequestCase{"size overflows", chunked("10000000000000000\r\nabc"), "POST / [ | 400"},
        RequestCase{"size overflows by far", chunked("fffffffffffffffffffff\r\nabc"),
                    "POST / [ | 400"},
        RequestCase{"the largest size", chunked("ffffffffffffffff\r\nabc"), "POST / [abc"},
        RequestCase{"bare LF after size", chunked("3\nabc\r\n0\r\n\r\n"), "POST / [ | 400"},
        RequestCase{"bare CR after size", chunked("3\rabc\r\n0\r\n\r\n"), "POST / [ | 400"},
        RequestCase{"bare LF after data", chunked("3\r\nabc\n0\r\n\r\n"), "POST / [abc | 400"},
        RequestCase{"data longer than size", chunked("3\r\nabcd\r\n0\r\n\r\n"),
                    "POST / [abc | 400"},
        RequestCase{"data shorter than size", chunked("4\r\nabc\r\n0\r\n\r\n"),
                    "POST / [abc\r | 400"},
        RequestCase{"control character in an extension", chunked("3;a=\x01\r\nabc\r\n"),
                    "POST / [ | 400"},
        RequestCase{"bare LF in an extension", chunked("3;a\nabc\r\n0\r\n\r\n"), "POST / [ | 400"},
        RequestCase{"NUL in size", chunked(bytes("3\0\r\nabc\r\n"sv)), "POST / [ | 400"},
        RequestCase{"bare LF ends trailers", chunked("0\r\n\n"), "POST / [ | 400"},
        RequestCase{"bare LF in trailers", chunked("0\r\na: b\n\r\n"), "POST / [ | 400"},
        RequestCase{"folded trailer", chunked("0\r\na: b\r\n c\r\n\r\n"), "POST / [ | 400"},
        RequestCase{"length as trailer", chunked("0\r\nContent-Length: 5\r\n\r\nhello"),
                    "POST / [ | 400"},
        RequestCase{"a request instead of the end",
                    chunked("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "POST / [ | 400"},
        RequestCase{"one long extension",
                    chunked("1;" + std::string(20000, 'a') + "\r\nx\r\n0\r\n\r\n"),
                    "POST / [ | 400"},
        RequestCase{"an endless extension", chunked("1;" + std::string(20000, 'a')),
                    "POST / [ | 400"},
        RequestCase{"many long trailers",
                    chunked("0\r\na: " + std::string(9000, 'b') +
                            "\r\na: " + std::string(9000, 'b') + "\r\n"),
                    "POST / [ | 431"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Host, Refused,
    testing::Values(
        RequestCase{"missing", "GET / HTTP/1.1\r\n\r\n", "400"},
        RequestCase{"missing with an absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", "400"},
        RequestCase{"doubled", with_host("Host: a\r\nHost: b\r\n"), "400"},
        RequestCase{"doubled but equal", with_host("Host: a\r\nhost: a\r\n"), "400"},
        RequestCase{"doubled in HTTP 1 0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"empty", with_host("Host:\r\n"), "400"},
        RequestCase{"blank", with_host("Host: \r\n"), "400"},
        RequestCase{"only a port", with_host("Host: :80\r\n"), "400"},
        RequestCase{"with a path", with_host("Host: a/b\r\n"), "400"},
        RequestCase{"with a user", with_host("Host: u@a\r\n"), "400"},
        RequestCase{"with a space", with_host("Host: a b\r\n"), "400"},
        RequestCase{"a list", with_host("Host: a, b\r\n"), "400"},
        RequestCase{"percent-encoded", with_host("Host: %61\r\n"), "400"},
        RequestCase{"not ASCII", with_host("Host: \xc3\xa4.example\r\n"), "400"},
        RequestCase{"port is a word", with_host("Host: a:http\r\n"), "400"},
        RequestCase{"port too large", with_host("Host: a:65536\r\n"), "400"},
        RequestCase{"port too large by far", with_host("Host: a:99999999999999999999\r\n"), "400"},
        RequestCase{"port negative", with_host("Host: a:-1\r\n"), "400"},
        RequestCase{"two ports", with_host("Host: a:1:2\r\n"), "400"},
        RequestCase{"unclosed bracket", with_host("Host: [::1\r\n"), "400"},
        RequestCase{"no address in brackets", with_host("Host: [a]\r\n"), "400"},
        RequestCase{"empty brackets", with_host("Host: []\r\n"), "400"},
        RequestCase{"text after brackets", with_host("Host: [::1]a\r\n"), "400"},
        RequestCase{"a zone in brackets", with_host("Host: [fe80::1%25eth0]\r\n"), "400"},
        RequestCase{"a URL", with_host("Host: http://a\r\n"), "400"},
        RequestCase{"space before the colon", with_host("Host : a\r\n"), "400"},
        RequestCase{"control character", with_host("Host: a\x01\r\n"), "400"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    RequestLine, Refused,
    testing::Values(
        RequestCase{"unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        RequestCase{"unknown method that begins like a known one",
                    "GETS / HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        RequestCase{"method cut short", "GE / HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        RequestCase{"lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        RequestCase{"a method of RTSP", "DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        RequestCase{"too long a method", std::string(100, 'A') + " / HTTP/1.1\r\n", "501"},
        RequestCase{"method with a slash", "G/T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"method with a NUL", bytes("GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n"sv), "400"},
        RequestCase{"space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"TLS", bytes("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv), "400"},
        RequestCase{"the preface of HTTP 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
        RequestCase{"HTTP 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
        RequestCase{"HTTP 0 9 with a version", "GET / HTTP/0.9\r\n\r\n", "505"},
        RequestCase{"HTTP 0 9", "GET /\r\n", "400"},
        RequestCase{"HTTP 0 9 followed by fields", "GET /\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"version without a minor number", "GET / HTTP/1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"version with three digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"another protocol", "OPTIONS / RTSP/1.0\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"yet another protocol", "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"two spaces after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"tab after the method", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"two spaces before the version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400"},
        RequestCase{"bare LF after the version", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400"},
        RequestCase{"bare CR after the version", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400"},
        RequestCase{"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"bare LF before", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"bare CR before", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"too many empty lines before",
                    "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                    "400"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Target, Refused,
    testing::Values(
        RequestCase{"fragment", get("/a#b"), "400"},
        RequestCase{"fragment in the query", get("/a?b#c"), "400"},
        RequestCase{"control character", get("/a\x01"), "400"},
        RequestCase{"tab", get("/a\tb"), "400"}, RequestCase{"NUL", get(bytes("/a\0b"sv)), "400"},
        RequestCase{"DEL", get("/a\x7f"), "400"}, RequestCase{"not ASCII", get("/\xc3\xa4"), "400"},
        RequestCase{"CR", "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"LF", "GET /a\nb HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"a word", get("a"), "400"},
        RequestCase{"authority for GET", get("a:80"), "400"},
        RequestCase{"asterisk for GET", get("*"), "400"},
        RequestCase{"asterisk and more", "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"another scheme", get("ftp://a/"), "400"},
        RequestCase{"file", get("file:///etc/passwd"), "400"},
        RequestCase{"absolute without host", get("http:///a"), "400"},
        RequestCase{"absolute with a user", get("http://u@a/"), "400"},
        RequestCase{"absolute with a bad port", get("http://a:b/"), "400"},
        RequestCase{"CONNECT with a path", "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"CONNECT without a port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        RequestCase{"CONNECT with a URL", "CONNECT http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n",
                    "400"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Fields, Refused,
    testing::Values(RequestCase{"folded", post("X: a\r\n b\r\n"), "400"},
                    RequestCase{"folded with a tab", post("X: a\r\n\tb\r\n"), "400"},
                    RequestCase{"empty and folded", post("X:\r\n b\r\n"), "400"},
                    RequestCase{"no colon", post("X\r\n"), "400"},
                    RequestCase{"no name", post(": a\r\n"), "400"},
                    RequestCase{"space in the name", post("X Y: a\r\n"), "400"},
                    RequestCase{"not ASCII in the name", post("X\xc3\xa4: a\r\n"), "400"},
                    RequestCase{"parenthesis in the name", post("X(: a\r\n"), "400"},
                    RequestCase{"NUL in the name", post(bytes("X\0: a\r\n"sv)), "400"},
                    RequestCase{"NUL in the value", post(bytes("X: a\0b\r\n"sv)), "400"},
                    RequestCase{"control character in the value", post("X: a\x02\r\n"), "400"},
                    RequestCase{"escape in the value", post("X: \x1b[0m\r\n"), "400"},
                    RequestCase{"DEL in the value", post("X: a\x7f\r\n"), "400"},
                    RequestCase{"bare CR in the value", post("X: a\rb\r\n"), "400"},
                    RequestCase{"bare LF after the value", post("X: a\n"), "400"},
                    RequestCase{"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"},
                    RequestCase{"bare CR at the end", "GET / HTTP/1.1\r\nHost: a\r\n\rX", "400"},
                    RequestCase{"unknown expectation", post("Expect: 200-ok\r\n"), "417"},
                    RequestCase{"two expectations", post("Expect: 100-continue, b\r\n"), "417"},
                    RequestCase{"empty expectation", post("Expect:\r\n"), "417"}),
    case_name);

// --- limits ------------------------------------------------------------------------------------

constexpr RequestLimits kSmall{.head_bytes = 64, .target_bytes = 20};

// "GET <target> HTTP/1.0\r\n...\r\n\r\n" of exactly that many bytes.
std::string head_of(std::size_t size) {
  std::string text = "GET / HTTP/1.0\r\nX: ";
  return text + std::string(size - text.size() - 4, 'y') + "\r\n\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Limits, Refused,
    testing::Values(
        RequestCase{"head of the limit", head_of(64), "GET / []", kSmall},
        RequestCase{"head over the limit", head_of(65), "431", kSmall},
        RequestCase{"many fields", "GET / HTTP/1.0\r\n" + std::string(100, 'a'), "431", kSmall},
        RequestCase{"second head of the limit",
                    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + head_of(64),
                    "GET / [] | GET / []", kSmall},
        RequestCase{"second head over the limit",
                    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + head_of(65),
                    "GET / [] | 431", kSmall},
        RequestCase{"body counts not",
                    "POST / HTTP/1.0\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'b'),
                    "POST / [" + std::string(100, 'b') + "]", kSmall},
        RequestCase{"target of the limit", "GET /" + std::string(19, 'a') + " HTTP/1.0\r\n\r\n",
                    "GET /" + std::string(19, 'a') + " []", kSmall},
        RequestCase{"target over the limit", "GET /" + std::string(20, 'a') + " HTTP/1.0\r\n\r\n",
                    "414", kSmall},
        RequestCase{"an endless target", "GET /" + std::string(200, 'a'), "414", kSmall},
        RequestCase{"a long target that is malformed", "GET /" + std::string(30, 'a') + "\x01",
                    "414", kSmall},
        RequestCase{"a short target that is malformed", "GET /" + std::string(10, 'a') + "\x01",
                    "400", kSmall},
        RequestCase{"a target of the limit and a bare CR",
                    "CONNECT " + std::string(20, ',') + "\r,x\n", "400", kSmall},
        RequestCase{"a target as long as the head may be", "GET /" + std::string(200, 'a'), "414",
                    RequestLimits{.head_bytes = 64, .target_bytes = 1000}},
        RequestCase{"trailers of the limit",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
                    "X: " +
                        std::string(57, 'y') + "\r\n\r\n",
                    "POST / []", kSmall},
        RequestCase{"trailers over the limit",
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
                    "X: " +
                        std::string(58, 'y') + "\r\n\r\n",
                    "POST / [ | 431", kSmall},
        RequestCase{"default head", head_of(16 * 1024), "GET / []"},
        RequestCase{"default head exceeded", head_of(16 * 1024 + 1), "431"},
        RequestCase{"default target", get("/" + std::string(8191, 'a')),
                    "GET /" + std::string(8191, 'a') + " []"},
        RequestCase{"default target exceeded", get("/" + std::string(8192, 'a')), "414"}),
    case_name);

TEST(ChunkOverhead, SmallChunksAreFine) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "1\r\nx\r\n";
  EXPECT_EQ(summary(chunked(body + "0\r\n\r\n")), "POST / [" + std::string(5000, 'x') + "]");
}

TEST(ChunkOverhead, ManyExtensionsAreNot) {
  std::string body;
  for (int i = 0; i < 500; ++i) body += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  const std::string text = summary(chunked(body + "0\r\n\r\n"));
  EXPECT_TRUE(text.ends_with(" | 400")) << text;
  EXPECT_EQ(summary(chunked(body), {.piece = 7}), text);
}

TEST(Refusals, SayWhatIsWrong) {
  EXPECT_EQ(transcript(post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n")),
            "begin\nrefused 400 Transfer-Encoding is malformed, or given beside Content-Length.\n");
  EXPECT_EQ(transcript("GET / HTTP/1.1\r\n\r\n"), "begin\nrefused 400 Host is missing.\n");
  EXPECT_EQ(transcript("\x16\x03\x01"),
            "begin\nrefused 400 This is a plain HTTP port, and the client speaks TLS.\n");
  EXPECT_EQ(transcript(get("/\xc3\xa4")).substr(6, 12), "refused 400 ");
}

TEST(Refusals, TakeNothingMore) {
  struct Sink final : RequestParser::Sink {
    RequestHead head;
    int begun = 0;
    RequestHead* begin_request() override { return ++begun, &head; }
    RequestParser::Next on_head() override { return RequestParser::Next::kContinue; }
    RequestParser::Next on_body(std::string_view) override {
      return RequestParser::Next::kContinue;
    }
    RequestParser::Next on_complete() override { return RequestParser::Next::kContinue; }
  } sink;
  RequestParser parser(sink, {});
  parser.feed("GET / HTTP/9.9\r\n");
  EXPECT_TRUE(parser.refused());
  EXPECT_EQ(parser.refusal().status, 505);
  EXPECT_EQ(parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0u);
  EXPECT_EQ(sink.begun, 1);
  EXPECT_FALSE(parser.in_head() || parser.in_body() || parser.upgraded());
}

}  // namespace
}  // namespace duet::http
