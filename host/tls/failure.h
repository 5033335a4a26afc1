// Why a handshake failed, in words: about the server, as the rest of a sentence.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>

#include "host/base/result.h"

namespace duet::tls {

// The certificate that a verification is about is refused. `code`: X509_V_ERR_*. `host`: what was
// asked for.
Error refused_certificate(X509* certificate, int code, const std::string& host);

// What OpenSSL has to say about the latest failure of this thread. `first_bytes`: what the server
// has sent first.
Error failed_handshake(std::string_view first_bytes);

}  // namespace duet::tls
