// Opens the module that speaks TLS (host/tls).
#pragma once

#include <memory>

#include "host/base/result.h"
#include "host/net/tls.h"

namespace duet::cli {

// Errors: the module was not built, or what the options name cannot be read.
Result<std::shared_ptr<net::TlsClient>> open_tls(const net::TlsOptions& options);

}  // namespace duet::cli
