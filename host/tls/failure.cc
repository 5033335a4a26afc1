#include "host/tls/failure.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <vector>

#include "host/base/escape.h"

namespace duet::tls {

namespace {

constexpr const char* kTrust = "--cacert FILE names whom to trust, --insecure trusts anybody";
constexpr std::size_t kMostNames = 4;

struct Free {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

// "2024-03-01"
std::string day(const ASN1_TIME* time) {
  std::tm parts{};
  char text[32];
  if (ASN1_TIME_to_tm(time, &parts) != 1 || std::strftime(text, sizeof text, "%F", &parts) == 0) {
    return "a day that cannot be read";
  }
  return text;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  const int length = ASN1_STRING_length(address);
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text);
  return text;
}

// "a.example, *.b.example": for whom the certificate is.
std::string names_of(X509* certificate) {
  std::vector<std::string> found;
  const std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type == GEN_DNS) {
      found.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(one->d.dNSName)),
                         static_cast<std::size_t>(ASN1_STRING_length(one->d.dNSName)));
    } else if (one->type == GEN_IPADD) {
      found.push_back(address_text(one->d.iPAddress));
    }
  }
  if (found.empty()) return "nobody that it names";
  std::string text;
  for (std::size_t i = 0; i < found.size() && i < kMostNames; ++i) {
    text += (i == 0 ? "" : ", ") + printable(found[i]);
  }
  return text + (found.size() > kMostNames ? ", …" : "");
}

std::string reason_of(unsigned long code) {
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

}  // namespace

Error refused_certificate(X509* certificate, int code, const std::string& host) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {"its certificate expired on " + day(X509_get0_notAfter(certificate)),
              {},
              "--insecure takes it all the same",
              {}};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {"its certificate is valid from " + day(X509_get0_notBefore(certificate)) + " on",
              {},
              "--insecure takes it all the same",
              {}};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {"its certificate is for " + names_of(certificate) + ", not for " + printable(host),
              {},
              "--insecure takes it all the same",
              {}};
    default:
      return {std::string("its certificate is not trusted: ") + X509_verify_cert_error_string(code),
              {},
              kTrust,
              {}};
  }
}

Error failed_handshake(std::string_view first_bytes) {
  if (first_bytes.starts_with("HTTP/")) {
    return {"it answers in plain HTTP, without TLS", {}, "write http:// or ws://", {}};
  }
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
    return {"the TLS connection failed: " + reason_of(code), {}, {}, {}};
  }
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
      return {"what it answers is no TLS (" + reason_of(code) + ")", {}, {}, {}};
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      return {"it refuses the TLS handshake (" + reason_of(code) + ")",
              {},
              "it asks for a certificate of the client, and duet bench has none",
              {}};
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return {"it refuses the TLS handshake (" + reason_of(code) + ")",
              {},
              "there may be no version or cipher in common (duet bench speaks TLS 1.2 and 1.3), or "
              "it asks for a certificate of the client",
              {}};
    default:
      break;
  }
  // The alerts of the other side: their numbers begin there (SSL_AD_REASON_OFFSET).
  const bool alert = ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
  return {(alert ? "it refuses the TLS handshake (" : "the TLS handshake failed (") +
              reason_of(code) + ")",
          {},
          {},
          {}};
}

}  // namespace duet::tls
