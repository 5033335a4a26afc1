// What a ResponseParser tells of some bytes, as text: for tests and the fuzz target.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "host/http/response_parser.h"

namespace duet::http {

// "200 [body] keep\n" for each answer, "!reason" for an error; the body in one piece. With a parser
// that keeps them, fields follow the status: "200 name=value; ".
struct ResponseNotes final : ResponseParser::Sink {
  std::string text;
  ResponseParser::Body body = ResponseParser::Body::kAsDeclared;
  const ResponseParser* parser = nullptr;

  ResponseParser::Body on_head(int status) override {
    text += std::to_string(status) + " ";
    for (std::size_t i = 0; parser != nullptr && i < parser->field_count(); ++i) {
      const Field field = parser->field(i);
      text.append(field.name).append("=").append(field.value).append("; ");
    }
    text += "[";
    return body;
  }
  void on_body(std::string_view piece) override { text += piece; }
  void on_complete(bool keep_alive) override { text += keep_alive ? "] keep\n" : "] close\n"; }
};

// `bytes` in pieces of that size, the first as long as `first`, then the end when `ended`.
inline std::string response_transcript(
    std::string_view bytes, std::size_t first, std::size_t piece, bool ended,
    ResponseParser::Body body = ResponseParser::Body::kAsDeclared,
    ResponseParser::Fields fields = ResponseParser::Fields::kDropped) {
  ResponseNotes notes;
  notes.body = body;
  ResponseParser parser(notes, fields);
  if (fields == ResponseParser::Fields::kKept) notes.parser = &parser;
  std::size_t size = first;
  bool good = true;
  for (std::size_t at = 0; good && at < bytes.size(); at += size, size = piece) {
    size = std::max<std::size_t>(1, std::min(size, bytes.size() - at));
    good = parser.feed(bytes.substr(at, size));
  }
  if (good && ended) good = parser.finish();
  if (good) return notes.text + (parser.in_answer() ? "..." : "");
  return notes.text + "!" + parser.error();
}

}  // namespace duet::http
