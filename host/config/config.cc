#include "host/config/config.h"

#include <algorithm>

namespace duet::config {

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + path;
  const std::string number = std::to_string(port);
  return is_v6() ? "[" + host + "]:" + number : host + ":" + number;
}

std::string_view language_name(Language language) {
  switch (language) {
    case Language::kJavaScript:
      return "javascript";
    case Language::kPython:
      return "python";
    case Language::kNative:
      return "native";
    case Language::kHttp:
      return "http";
  }
  return "";
}

bool Config::uses(Language language) const {
  return std::any_of(handlers.begin(), handlers.end(),
                     [language](const Handler& handler) { return handler.language == language; });
}

}  // namespace duet::config
