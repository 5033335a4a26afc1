// The heads of a plain request and of its answer.
#pragma once

#include <string>

#include "host/http/message.h"

namespace duet {

inline std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

inline http::ResponseHead ok_head() {
  http::ResponseHead head;
  head.reset(200);
  return head;
}

}  // namespace duet
