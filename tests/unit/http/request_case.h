// A table-driven case: bytes, and what the parser makes of them, however they are cut.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/support/http_transcript.h"

namespace duet::http {

struct RequestCase {
  const char* name;  // what the case is about
  std::string bytes;
  std::string expected;  // as summary() says it
  RequestLimits limits = {};
};

inline std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c >= 0x20 && c < 0x7f) {
      text += c;
    } else {
      text.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  return text;
}

// The property of the parser: every way of delivery gives the same transcript.
inline void expect_same_however_cut(std::string_view bytes, const RequestLimits& limits) {
  const std::string whole = transcript(bytes, {.limits = limits});
  EXPECT_EQ(transcript(bytes, {.pausing = true, .limits = limits}), whole) << "pausing";
  for (std::size_t piece = 1; piece <= 3; ++piece) {
    ASSERT_EQ(transcript(bytes, {.piece = piece, .limits = limits}), whole)
        << "pieces of " << piece;
  }
  EXPECT_EQ(transcript(bytes, {.piece = 1, .pausing = true, .limits = limits}), whole);
  // Every place of a short input; a sample of a long one, whose middle is all alike.
  const std::size_t step = bytes.size() > 2000 ? 97 : 1;
  for (std::size_t cut = 1; cut < bytes.size(); cut += step) {
    ASSERT_EQ(transcript(bytes, {.first_cut = cut, .limits = limits}), whole) << "cut at " << cut;
  }
}

class RequestCases : public testing::TestWithParam<RequestCase> {};

inline std::string case_name(const testing::TestParamInfo<RequestCase>& info) {
  std::string name;
  bool upper = true;
  for (const char* at = info.param.name; *at != '\0'; ++at) {
    if (std::isalnum(static_cast<unsigned char>(*at)) != 0) {
      name += upper ? static_cast<char>(std::toupper(*at)) : *at;
      upper = false;
    } else {
      upper = true;
    }
  }
  return name;
}

}  // namespace duet::http
