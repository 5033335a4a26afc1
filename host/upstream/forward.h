// What a gateway changes of a message (RFC 9110, 7.6): pure text, no I/O.
#pragma once

#include <string>
#include <string_view>

#include "host/base/service_url.h"
#include "host/exchange.h"
#include "host/http/message.h"
#include "host/http/response_parser.h"

namespace duet::upstream {

// Appends the head of the request as the service gets it: the URL's prefix before the target, the
// service's authority as Host, what belongs to the client's connection removed, and who asked:
// X-Forwarded-For and Forwarded (RFC 7239) go on with those that came, X-Forwarded-Proto and -Host
// stay as they came (a proxy in front knows better), or say what the client of this host asked for.
// A body keeps its framing: its length, or chunks.
void append_request_head(std::string& out, Exchange& exchange, const ServiceUrl& url);

// The service's answer as the client gets it. Returns null, or why it cannot be passed on.
const char* to_response_head(int status, const http::ResponseParser& answer,
                             http::ResponseHead& head);

// Whether repeating the request does the same as asking once (RFC 9110, 9.2.2).
bool is_idempotent(http::Method method);

}  // namespace duet::upstream
