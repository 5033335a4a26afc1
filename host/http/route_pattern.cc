#include "host/http/route_pattern.h"

#include <algorithm>

#include "host/http/characters.h"
#include "host/http/message.h"
#include "host/http/percent.h"

namespace duet::http {

namespace {

Error at_column(std::size_t offset, std::string message, std::string hint) {
  return {std::move(message), "column " + std::to_string(offset + 1), std::move(hint), ""};
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string described(char c) {
  if (c > 0x20 && c < 0x7f) return std::string("'") + c + "'";
  if (c == ' ') return "a space";
  constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return std::string("the byte 0x") + kHex[byte >> 4] + kHex[byte & 15];
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view pattern) : pattern_(pattern) {}

  Result<std::vector<RouteSegment>> parse() {
    if (pattern_.empty()) return at_column(0, "the pattern is empty", "write \"/\" for the root");
    if (pattern_[0] != '/') {
      return at_column(0, "the pattern " + quoted(pattern_) + " does not start with '/'",
                       "write " + quoted("/" + std::string(pattern_)));
    }
    std::size_t begin = 1;
    while (true) {
      const std::size_t end = std::min(pattern_.find('/', begin), pattern_.size());
      if (auto added = segment(begin, end); !added) return std::move(added).error();
      if (end == pattern_.size()) return std::move(segments_);
      if (segments_.back().kind == RouteSegment::Kind::kRest) {
        return at_column(begin, "the rest of the path is not the last segment",
                         "end the pattern after " + quoted(pattern_.substr(begin, end - begin)));
      }
      begin = end + 1;
    }
  }

 private:
  Result<void> segment(std::size_t begin, std::size_t end) {
    const std::string_view text = pattern_.substr(begin, end - begin);
    if (text == "*") {
      segments_.push_back({RouteSegment::Kind::kRest, ""});
      return {};
    }
    if (text.starts_with('{')) return parameter(begin, end);
    return literal(begin, end);
  }

  Result<void> literal(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const char c = pattern_[i];
      switch (c) {
        case '{':
        case '}':
        case '*':
          return at_column(i, described(c) + " inside a segment",
                           c == '*' ? "a '*' stands alone as the last segment; %2A is a literal one"
                                    : "a parameter takes a whole segment, as in \"/users/{id}\"");
        case '?':
        case '#':
          return at_column(i, described(c) + " in a pattern: routes match paths only",
                           "leave the query out; handlers read it from the request");
        case '%':
          if (end - i < 3 || !well_formed_percent(pattern_.substr(i, 3))) {
            return at_column(i, "'%' without two hexadecimal digits",
                             "write %25 for a literal '%'");
          }
          break;
        default:
          if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
            return at_column(i, described(c) + " cannot occur in a path", "percent-encode it");
          }
      }
    }
    RouteSegment segment;
    append_percent_decoded(segment.text, pattern_.substr(begin, end - begin));
    if (segment.text == "." || segment.text == "..") {
      return at_column(begin, "the segment " + quoted(segment.text) + " never arrives",
                       "clients resolve it before they send a path");
    }
    segments_.push_back(std::move(segment));
    return {};
  }

  Result<void> parameter(std::size_t begin, std::size_t end) {
    const std::size_t close = pattern_.find('}', begin);
    if (close >= end) {
      return at_column(begin, "'{' without '}' in the same segment", "write {name}");
    }
    if (close + 1 != end) {
      return at_column(close + 1, "text after a parameter",
                       "a parameter takes a whole segment, as in \"/users/{id}\"");
    }
    RouteSegment segment{RouteSegment::Kind::kParameter, ""};
    std::string_view name = pattern_.substr(begin + 1, close - begin - 1);
    if (name.ends_with("...")) {
      segment.kind = RouteSegment::Kind::kRest;
      name.remove_suffix(3);
    }
    if (name.empty()) return at_column(begin + 1, "the parameter has no name", "write {name}");
    for (std::size_t i = 0; i < name.size(); ++i) {
      if (!is(kNameChar, name[i]) || (i == 0 && is(kDigitChar, name[i]))) {
        return at_column(begin + 1 + i, described(name[i]) + " in a parameter's name",
                         name[i] == '*'
                             ? "for the rest of a path write {rest...}, or * alone"
                             : "names are letters, digits and '_', and start with no digit");
      }
    }
    for (const RouteSegment& earlier : segments_) {
      if (earlier.kind != RouteSegment::Kind::kLiteral && earlier.text == name) {
        return at_column(begin + 1, "the parameter " + quoted(name) + " occurs twice",
                         "give each parameter a name of its own");
      }
    }
    segment.text = name;
    segments_.push_back(std::move(segment));
    return {};
  }

  std::string_view pattern_;
  std::vector<RouteSegment> segments_;
};

}  // namespace

Result<std::vector<RouteSegment>> parse_route_pattern(std::string_view pattern) {
  return PatternParser(pattern).parse();
}

Result<void> check_route_method(std::string_view method) {
  if (method.empty() || !all(kTokenChar, method)) {
    return Error{quoted(method) + " is not a method", "", "methods are like GET or POST", ""};
  }
  std::string upper(method);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; });
  if (upper != method && method_from(upper) != Method::kOther) {
    return Error{"the method " + quoted(method) + " is not in capitals, so no request would match",
                 "", "write " + quoted(upper), ""};
  }
  return {};
}

}  // namespace duet::http
