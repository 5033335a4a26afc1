// A client's codec under hostile bytes. An input is what a server sends. Checked: what is told does
// not depend on how the bytes are cut, whether the connection ends there or not; an error has a
// reason and lasts; after reset() nothing of it is left.
#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/check.h"
#include "host/http/response_parser.h"
#include "tests/support/response_transcript.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace duet::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t first = size == 0 ? 1 : 1 + data[size / 2] % (size + 1);
  for (const auto body : {ResponseParser::Body::kAsDeclared, ResponseParser::Body::kNone}) {
    for (const bool ended : {false, true}) {
      constexpr auto kKept = ResponseParser::Fields::kKept;
      const std::string whole = response_transcript(bytes, size, size, ended, body, kKept);
      DUET_CHECK(response_transcript(bytes, 1, 1, ended, body, kKept) == whole);
      DUET_CHECK(response_transcript(bytes, first, 7, ended, body, kKept) == whole);
      DUET_CHECK(!whole.ends_with('!'));
    }
  }
  ResponseNotes notes;
  ResponseParser parser(notes);
  if (!parser.feed(bytes)) DUET_CHECK(!parser.finish() && parser.error()[0] != '\0');
  parser.reset();
  notes.text.clear();
  DUET_CHECK(parser.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
  DUET_CHECK(notes.text == "200 [x] keep\n" && !parser.in_answer());
  return 0;
}
