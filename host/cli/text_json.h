// Text of others as JSON: a command's output, a path, a name on a command line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "host/base/escape.h"

namespace duet::cli {

// A JSON string for any bytes: what is not UTF-8 becomes U+FFFD, where nlohmann's dump() would
// throw.
inline nlohmann::ordered_json text_json(std::string_view text) {
  std::string quoted;
  append_json_string(quoted, text);
  return nlohmann::ordered_json::parse(quoted);
}

}  // namespace duet::cli
