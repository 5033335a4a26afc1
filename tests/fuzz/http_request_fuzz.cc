// The HTTP path under hostile bytes. An input is what a client sends. Checked:
//   - the parser says the same however the bytes are cut, and while its sink pauses;
//   - a head that it takes, written out again, is taken with the same meaning;
//   - each of its fields could be sent in a response, and a response's fields cannot break out;
//   - any bytes survive chunking, and the host's own answers are whole;
//   - the router matches any path; a pattern that it takes matches itself.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/base/check.h"
#include "host/http/message.h"
#include "host/http/percent.h"
#include "host/http/request_parser.h"
#include "host/http/response_text.h"
#include "host/http/router.h"
#include "tests/support/http_transcript.h"

namespace duet::http {
namespace {

std::uint64_t hash_of(std::string_view bytes) {  // FNV-1a
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

Router make_router() {
  Router router;
  const char* patterns[] = {"/",    "/a",        "/{x}",         "/a/{x}/b",   "/a/c/{y...}",
                            "/s/*", "/%7E/{x}/", "/{x}/{y}/{z}", "/caf%C3%A9", "/deep/{r...}"};
  std::uint32_t target = 0;
  for (const char* pattern : patterns) {
    DUET_CHECK(router.add({"GET", "POST"}, pattern, ++target).ok());
  }
  DUET_CHECK(router.add({}, "/a/b", ++target).ok());
  return router;
}

// Collects the first head, in canonical form.
struct FirstHead final : RequestParser::Sink {
  RequestHead head;
  std::string text;

  RequestHead* begin_request() override { return text.empty() ? &head : nullptr; }
  RequestParser::Next on_head() override {
    text.append(head.method_text()).append(" ").append(head.target());
    text.append(head.minor_version() == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (std::size_t i = 0; i < head.field_count(); ++i) {
      const Field field = head.field(i);
      text.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    text.append("\r\n");
    return RequestParser::Next::kPause;
  }
  RequestParser::Next on_body(std::string_view) override { return RequestParser::Next::kPause; }
  RequestParser::Next on_complete() override { return RequestParser::Next::kPause; }
};

void check_deliveries(std::string_view bytes, const RequestLimits& limits) {
  const std::uint64_t hash = hash_of(bytes);
  const bool upgrading = (hash >> 40) % 4 == 0;
  const std::string whole = transcript(bytes, {.upgrading = upgrading, .limits = limits});
  const Delivery others[] = {
      {.piece = 1, .upgrading = upgrading, .limits = limits},
      {.piece = 2 + hash % 7, .upgrading = upgrading, .limits = limits},
      {.pausing = true, .upgrading = upgrading, .limits = limits},
      {.first_cut = hash % (bytes.size() + 1),
       .piece = 1 + (hash >> 20) % 40,
       .pausing = true,
       .upgrading = upgrading,
       .limits = limits},
  };
  for (const Delivery& delivery : others) DUET_CHECK(transcript(bytes, delivery) == whole);
}

void check_head(std::string_view bytes) {
  static const Router router = make_router();
  static RouteMatch match;

  FirstHead first;
  RequestParser parser(first, {});
  parser.feed(bytes);
  if (first.text.empty()) return;
  const RequestHead& head = first.head;

  FirstHead again;
  RequestParser second(again, {});
  second.feed(first.text);
  // The target is the same text, so what else the line means must be, too.
  DUET_CHECK(!second.refused() || second.refusal().status == 431);  // may have become longer
  if (!second.refused()) {
    DUET_CHECK(again.text == first.text);
    DUET_CHECK(again.head.path() == head.path() && again.head.query() == head.query());
    DUET_CHECK(again.head.host() == head.host());
    DUET_CHECK(again.head.content_length() == head.content_length());
    DUET_CHECK(again.head.chunked() == head.chunked());
    DUET_CHECK(again.head.keep_alive() == head.keep_alive());
  }

  router.match(head.method_text(), head.path(), match);
  DUET_CHECK(match.kind != RouteMatch::Kind::kFound || head.path().starts_with('/'));
  for (QueryReader query(head.query()); query.next();) {
    DUET_CHECK(query.name().size() + query.value().size() <= head.query().size());
  }
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const Field field = head.field(i);
    DUET_CHECK(check_field(field.name, field.value) == nullptr);
    DUET_CHECK(head.get(field.name).data() != nullptr);
  }
}

// Lines of the input as fields of a response, cut at the first colon.
void check_response(std::string_view bytes) {
  ResponseHead head;
  head.reset(static_cast<int>(200 + hash_of(bytes) % 400));
  std::size_t kept = 0;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find("\r\n"), bytes.size());
    const std::string_view line = bytes.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::size_t before = head.fields().size();
    const char* problem =
        head.add(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
    DUET_CHECK(problem == nullptr || head.fields().size() == before);
    kept += head.fields().size() > before ? 1 : 0;
    bytes.remove_prefix(std::min(end + 2, bytes.size()));
  }
  std::size_t breaks = 0;
  for (const char c : head.fields()) {
    DUET_CHECK(c != '\0');
    breaks += c == '\r' || c == '\n' ? 1 : 0;
  }
  DUET_CHECK(breaks == 2 * kept);
  std::string out;
  append_response_head(out, head, {.content_length = head.content_length()}, "Date: x\r\n");
  DUET_CHECK(out.find("\r\n\r\n") == out.size() - 4);
}

// Any bytes, written in chunks, are read back.
void check_chunks(std::string_view bytes) {
  std::string text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::size_t piece = 1 + hash_of(bytes) % 50;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    append_chunk(text, bytes.substr(at, piece));
  }
  append_last_chunk(text, "A: b\r\n");
  DUET_CHECK(summary(text) == "POST / [" + std::string(bytes) + "]");
}

// What the host says by itself, at dates taken from the input.
void check_answers(std::string_view bytes) {
  static DateCache dates;
  const std::uint64_t hash = hash_of(bytes);
  const std::string_view date = dates.line(static_cast<std::int64_t>(hash % 300'000'000'000));
  DUET_CHECK(date.size() == 37 && date.ends_with(" GMT\r\n"));
  std::string out;
  append_interim(out, 103);
  const std::size_t before = out.size();
  append_simple_response(out, static_cast<int>(400 + hash % 112), bytes, hash % 2 == 0, date);
  DUET_CHECK(out.find("\r\n\r\n") == before - 4 && out.ends_with("\n"));
}

void check_pattern(std::string_view bytes) {
  Router router;
  if (!router.add({}, bytes, 7)) return;
  RouteMatch match;
  std::string path(bytes);
  for (char& c : path) {  // a parameter's braces and a rest's star are values like others
    if (c == '{' || c == '}') c = 'x';
  }
  router.match("GET", path, match);
  DUET_CHECK(match.kind == RouteMatch::Kind::kFound && match.target == 7);
}

}  // namespace
}  // namespace duet::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace duet::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_deliveries(bytes, {});
  check_deliveries(bytes, {.head_bytes = 96, .target_bytes = 24});
  check_head(bytes);
  check_response(bytes);
  check_chunks(bytes);
  check_answers(bytes);
  check_pattern(bytes);
  return 0;
}
