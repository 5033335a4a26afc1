// What becomes of a handler's failure: a log line with an id, and a page that shows the id alone,
// or with --dev the cause and the stack as well.
#pragma once

#include <string>

#include "host/base/result.h"
#include "host/exchange.h"
#include "host/http/message.h"

namespace duet {

// Eight characters that tie an answer to its log line; random, not secret.
std::string new_error_id();

void log_failure(const Exchange& exchange, const Error& error, const std::string& id);
void log_deadline(const Exchange& exchange);

// Body of the 500 answer; fills `head`. HTML where the client accepts it and the host runs with
// --dev, plain text otherwise.
std::string failure_page(const Exchange& exchange, const Error& error, const std::string& id,
                         http::ResponseHead& head);

// Body of the host's own answer to an aborted request: 504 or 503.
std::string abort_page(AbortReason reason, http::ResponseHead& head);

}  // namespace duet
