// Asks the admin listener of a host that runs: for commands. Blocks, 10 seconds at most.
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"

namespace duet::cli {

struct AdminAnswer {
  int status = 0;
  std::string body;
};

// `address`: "127.0.0.1:9000", "http://127.0.0.1:9000/", "unix:/run/admin.sock". `fields`: further
// ones, each "Name: value\r\n". Errors: nobody listens there, or what answers speaks no HTTP; the
// hint says what to do.
Result<AdminAnswer> ask_admin(std::string address, std::string_view method, std::string_view target,
                              std::string_view fields = {});

}  // namespace duet::cli
