// A route's pattern, taken apart and checked. Used by the router and by the configuration's checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace duet::http {

struct RouteSegment {
  enum class Kind : std::uint8_t {
    kLiteral,    // `text`, percent-decoded
    kParameter,  // one non-empty segment, named `text`
    kRest,       // all that follows; `text` is its name, empty for "*"
  };
  Kind kind = Kind::kLiteral;
  std::string text;
};

// The segments between slashes: "/" has one empty literal, "/a/" has "a" and an empty one.
// Errors name the column (from 1) in `where` as "column N" and say what to write instead in `hint`.
Result<std::vector<RouteSegment>> parse_route_pattern(std::string_view pattern);

// Whether `method` is a token that a request could carry. Lower-case standard methods are refused:
// methods are case-sensitive, and "get" would never match.
Result<void> check_route_method(std::string_view method);

}  // namespace duet::http
