// One POST, as the thread that asks waits for it: a connection of its own, one request, the status
// of the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/base/result.h"

namespace duet::outbox {

// `head`: from the request line to the empty line, both included. The status, 200 to 599. Errors:
// no such name, no connection, no answer by `timeout`, or one that is no HTTP. Looking a name up
// can take longer than that.
Result<int> post(const std::string& host, std::uint16_t port, std::string_view head,
                 std::string_view body, Nanos timeout);

}  // namespace duet::outbox
