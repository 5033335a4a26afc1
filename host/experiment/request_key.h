// Where a request's key is: cookies and query parameters, as sent. Pure; any thread.
#pragma once

#include <string_view>

#include "host/http/message.h"

namespace duet::experiment {

// The value of the first cookie of that name, in any Cookie field; empty when there is none. Quotes
// around it are part of it (RFC 6265, 5.4).
std::string_view cookie_of(const http::RequestHead& head, std::string_view name);

// The value of the first parameter of that name in a query, still percent-encoded.
std::string_view parameter_of(std::string_view query, std::string_view name);

}  // namespace duet::experiment
