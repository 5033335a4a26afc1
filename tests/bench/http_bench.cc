// What the codec costs a request: nanoseconds of one core, the least of several rounds.
//   cmake --build build/release --target http_bench && build/release/tests/http_bench [PART OF A
//   NAME]
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/clock.h"
#include "host/http/request_parser.h"
#include "host/http/response_text.h"
#include "host/http/router.h"

namespace {
std::size_t allocations = 0;
}

// Counted, because the path is meant to allocate nothing when warm.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace duet::http {
namespace {

// Rounds of well under a time slice, so that the least of them was not interrupted.
constexpr int kRounds = 600;
constexpr int kTimes = 500;

template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

std::string_view wanted;

template <class Function>
void measure(const char* name, Function function) {
  if (std::string_view(name).find(wanted) == std::string_view::npos) return;
  for (int i = 0; i < 1000; ++i) function();
  Nanos least = std::numeric_limits<Nanos>::max();
  const std::size_t before = allocations;
  for (int round = 0; round < kRounds; ++round) {
    const Nanos start = now();
    for (int i = 0; i < kTimes; ++i) function();
    least = std::min(least, now() - start);
  }
  fmt::print("{:<44}{:>8.1f} ns   {} allocations\n", name, static_cast<double>(least) / kTimes,
             allocations - before);
}

struct Sink final : RequestParser::Sink {
  RequestHead head;
  std::size_t requests = 0, bytes = 0;
  RequestHead* begin_request() override { return &head; }
  RequestParser::Next on_head() override { return RequestParser::Next::kContinue; }
  RequestParser::Next on_body(std::string_view piece) override {
    bytes += piece.size();
    return RequestParser::Next::kContinue;
  }
  RequestParser::Next on_complete() override {
    ++requests;
    return RequestParser::Next::kContinue;
  }
};

void measure_parse(const char* name, const std::string& request, std::size_t times = 1) {
  Sink sink;
  RequestParser parser(sink, {});
  std::string bytes;
  for (std::size_t i = 0; i < times; ++i) bytes += request;
  measure(name, [&] { keep(parser.feed(bytes)); });
  if (parser.refused()) fmt::print("  refused: {}\n", parser.refusal().reason);
}

const std::string kWrk = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
const std::string kCurl =
    "GET /hello HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n"
    "Accept-Encoding: gzip\r\n\r\n";
const std::string kBrowser =
    "GET /users/1234?page=2 HTTP/1.1\r\nHost: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\nCookie: "
    "session=0123456789abcdef\r\n\r\n";

std::string post(std::size_t size) {
  return "POST /items HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\n"
         "Accept: application/json\r\nContent-Length: " +
         std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
}

std::string chunked(std::size_t chunks, std::size_t size) {
  std::string text =
      "POST /items HTTP/1.1\r\nHost: localhost:8080\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t i = 0; i < chunks; ++i) append_chunk(text, std::string(size, 'x'));
  append_last_chunk(text);
  return text;
}

void measure_routes() {
  Router router;
  std::uint32_t target = 0;
  for (int i = 0; i < 100; ++i) {
    if (!router.add({"GET"}, "/static/path/" + std::to_string(i), ++target)) std::abort();
  }
  for (const char* pattern :
       {"/", "/hello", "/users/{id}", "/users/{id}/posts/{post}", "/files/{path...}"}) {
    if (!router.add({"GET", "POST"}, pattern, ++target)) std::abort();
  }
  RouteMatch match;
  const auto route = [&](const char* name, std::string_view method, std::string_view path) {
    measure(name, [&] {
      router.match(method, path, match);
      keep(match);
    });
  };
  route("match /", "GET", "/");
  route("match a literal among 100", "GET", "/static/path/57");
  route("match HEAD of a literal", "HEAD", "/hello");
  route("match one parameter", "GET", "/users/1234");
  route("match two parameters", "GET", "/users/1234/posts/a%20title");
  route("match a rest", "GET", "/files/a/deep/path/to/a/file.txt");
  route("match nothing (404)", "GET", "/nowhere/to/be/found");
  route("match no method (405)", "DELETE", "/hello");
}

void measure_responses() {
  DateCache date;
  ResponseHead head;
  std::string out;
  out.reserve(4096);
  const std::string body = "Hello, world!";
  const auto hello = [&] {
    head.reset(200);
    keep(head.add("content-type", "text/plain; charset=utf-8"));
  };
  measure("response head: one field", hello);
  measure("response head: six fields", [&] {
    hello();
    keep(head.add("cache-control", "no-store"));
    keep(head.add("x-request-id", "4bf92f3577b34da6a3ce929d0e0e4736"));
    keep(head.add("content-length", "2048"));
    keep(head.add("vary", "accept-encoding"));
    keep(head.add("set-cookie", "session=0123456789abcdef; HttpOnly; Secure; SameSite=Lax"));
  });
  hello();
  measure("serialise head and 13 bytes", [&] {
    out.clear();
    append_response_head(out, head, {.content_length = body.size()}, date.line(784111777));
    out += body;
    keep(out);
  });
  measure("add, serialise, body: a whole hello", [&] {
    out.clear();
    hello();
    append_response_head(out, head, {.content_length = body.size()}, date.line(784111777));
    out += body;
    keep(out);
  });
  measure("append a chunk of 1 KiB", [&, piece = std::string(1024, 'x')] {
    out.clear();
    append_chunk(out, piece);
    keep(out);
  });
  std::int64_t second = 0;
  measure("a new date", [&] { keep(date.line(++second)); });
}

}  // namespace
}  // namespace duet::http

int main(int count, char** arguments) {
  using namespace duet::http;
  if (count > 1) wanted = arguments[1];
  fmt::print("RequestParser {} bytes, RequestHead {} bytes, ResponseHead {} bytes\n",
             sizeof(RequestParser), sizeof(RequestHead), sizeof(ResponseHead));
  measure_parse("parse GET, 1 field (wrk)", kWrk);
  measure_parse("parse GET, 4 fields (curl)", kCurl);
  measure_parse("parse GET, 8 fields (browser, 470 bytes)", kBrowser);
  measure_parse("parse 16 pipelined of wrk's", kWrk, 16);
  measure_parse("parse POST, 4 fields, 1 KiB", post(1024));
  measure_parse("parse POST, 64 KiB", post(64 * 1024));
  measure_parse("parse 10 chunks of 1 KiB", chunked(10, 1024));
  measure_parse("parse 100 chunks of 10 bytes", chunked(100, 10));
  measure_routes();
  measure_responses();
}
