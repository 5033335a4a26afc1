#include "host/config/route_shape.h"

#include <algorithm>

namespace duet::config {

std::string shape_of(std::string_view pattern) {
  std::string shape;
  while (!pattern.empty()) {
    const std::size_t slash = std::min(pattern.find('/'), pattern.size());
    const std::string_view segment = pattern.substr(0, slash);
    if (segment == "*" || (segment.starts_with('{') && segment.ends_with("...}"))) {
      shape += "{...}";
    } else if (segment.starts_with('{') && segment.ends_with('}')) {
      shape += "{}";
    } else {
      shape += segment;
    }
    if (slash == pattern.size()) break;
    shape += '/';
    pattern.remove_prefix(slash + 1);
  }
  return shape;
}

}  // namespace duet::config
