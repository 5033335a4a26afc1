#include "host/http/framework_pattern.h"

#include <algorithm>

namespace duet::http {

namespace {

// "int:id" (Flask) and "id:int" (Starlette): which part is the type is known by the brackets.
std::string parameter(std::string_view inside, bool type_first) {
  const std::size_t colon = inside.find(':');
  if (colon == inside.npos) return "{" + std::string(inside) + "}";
  const std::string_view first = inside.substr(0, colon);
  const std::string_view second = inside.substr(colon + 1);
  const std::string_view type = type_first ? first : second;
  return "{" + std::string(type_first ? second : first) + (type == "path" ? "...}" : "}");
}

}  // namespace

std::string from_framework_pattern(std::string_view pattern) {
  std::string out;
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find('/', 1), pattern.size());
    std::string_view segment = pattern.substr(0, end);
    pattern.remove_prefix(end);
    if (segment.starts_with('/')) {
      out += '/';
      segment.remove_prefix(1);
    }
    if (segment.size() > 1 && segment.front() == ':') {
      out += parameter(segment.substr(1), true);
    } else if (segment.size() > 2 && segment.front() == '<' && segment.back() == '>') {
      out += parameter(segment.substr(1, segment.size() - 2), true);
    } else if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
      out += parameter(segment.substr(1, segment.size() - 2), false);
    } else {
      out += segment;
    }
  }
  return out;
}

}  // namespace duet::http
