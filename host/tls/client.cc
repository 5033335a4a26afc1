// The module's one function, and the machine that it makes.
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "host/base/escape.h"
#include "host/net/tls.h"
#include "host/tls/failure.h"

namespace duet::tls {

namespace {

using net::TlsClient;
using net::TlsOptions;
using net::TlsSession;

constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::size_t kFirstBytes = 8;  // enough to know HTTP by

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

bool is_address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

class Session final : public TlsSession {
 public:
  Session(SSL_CTX* context, std::string host) : ssl_(SSL_new(context)), host_(std::move(host)) {
    from_ = BIO_new(BIO_s_mem());
    to_ = BIO_new(BIO_s_mem());
    if (ssl_ == nullptr || from_ == nullptr || to_ == nullptr) {
      BIO_free(from_);
      BIO_free(to_);
      fail({"there is no memory for TLS", {}, {}, {}});
      return;
    }
    SSL_set_bio(ssl_.get(), from_, to_);  // it owns them now
    SSL_set_app_data(ssl_.get(), this);
    if (const int mode = SSL_CTX_get_verify_mode(context); mode != SSL_VERIFY_NONE) {
      SSL_set_verify(ssl_.get(), mode, &Session::on_verified);
    }
    if (is_address(host_)) {  // an address is no server name: RFC 6066, section 3
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host_.c_str());
    } else {
      SSL_set1_host(ssl_.get(), host_.c_str());
      SSL_set_tlsext_host_name(ssl_.get(), host_.c_str());
    }
    SSL_set_connect_state(ssl_.get());
    shake_hands();
  }

  State state() const override { return state_; }
  const Error& failure() const override { return failure_; }

  void receive(std::string_view bytes) override {
    if (state_ == State::kClosed || state_ == State::kFailed) return;
    if (first_.size() < kFirstBytes) first_ += bytes.substr(0, kFirstBytes - first_.size());
    BIO_write(from_, bytes.data(), static_cast<int>(bytes.size()));
    if (state_ == State::kHandshake) shake_hands();
  }

  std::size_t read(std::span<char> room) override {
    if (state_ != State::kOpen) return 0;
    ERR_clear_error();
    std::size_t got = 0;
    const int code = SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
    if (code == 1) return got;
    on_error(code);
    return 0;
  }

  void write(std::string_view bytes) override {
    std::size_t taken = 0;  // all of it: a memory buffer grows
    ERR_clear_error();
    const int code = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &taken);
    if (code != 1) on_error(code);
  }

  void take(std::string& to) override {
    char* bytes = nullptr;
    const long size = to_ == nullptr ? 0 : BIO_get_mem_data(to_, &bytes);
    if (size <= 0) return;
    to.append(bytes, static_cast<std::size_t>(size));
    BIO_reset(to_);
  }

 private:
  // For each certificate of the chain; says what is wrong with the first one.
  static int on_verified(int fine, X509_STORE_CTX* chain) {
    if (fine == 1) return 1;
    const int index = SSL_get_ex_data_X509_STORE_CTX_idx();
    const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, index));
    auto* session = static_cast<Session*>(SSL_get_app_data(ssl));
    session->refused_ = refused_certificate(X509_STORE_CTX_get_current_cert(chain),
                                            X509_STORE_CTX_get_error(chain), session->host_);
    return 0;
  }

  void shake_hands() {
    ERR_clear_error();
    const int code = SSL_do_handshake(ssl_.get());
    if (code == 1) {
      state_ = State::kOpen;
    } else {
      on_error(code);
    }
  }

  void on_error(int code) {
    switch (SSL_get_error(ssl_.get(), code)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return;
      case SSL_ERROR_ZERO_RETURN:
        state_ = State::kClosed;
        return;
      default:
        fail(refused_ ? *refused_ : failed_handshake(first_));
    }
  }

  void fail(Error why) {
    state_ = State::kFailed;
    failure_ = std::move(why);
  }

  std::unique_ptr<SSL, Free> ssl_;
  const std::string host_;
  BIO* from_ = nullptr;  // the network; owned by ssl_
  BIO* to_ = nullptr;    // likewise
  State state_ = State::kHandshake;
  std::string first_;
  std::optional<Error> refused_;
  Error failure_;
};

class Client final : public TlsClient {
 public:
  explicit Client(SSL_CTX* context) : context_(context) {}
  std::unique_ptr<TlsSession> connect(const std::string& host) override {
    return std::make_unique<Session>(context_.get(), host);
  }

 private:
  std::unique_ptr<SSL_CTX, Free> context_;
};

Result<std::shared_ptr<TlsClient>> make(const TlsOptions& options) {
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return Error{"TLS cannot be set up: there is no memory", {}, {}, {}};
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_protos(context.get(), kHttp11, sizeof kHttp11);
  SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.authorities.empty()) {
    ERR_clear_error();
    if (SSL_CTX_load_verify_file(context.get(), options.authorities.c_str()) != 1) {
      const char* reason = ERR_reason_error_string(ERR_peek_error());
      return Error{std::string("no certificate can be read from it (") +
                       (reason != nullptr ? reason : "unknown") + ")",
                   printable(options.authorities),
                   "a file in PEM: -----BEGIN CERTIFICATE-----",
                   {}};
    }
  } else {
    SSL_CTX_set_default_verify_paths(context.get());
  }
  return std::shared_ptr<TlsClient>(std::make_shared<Client>(context.release()));
}

}  // namespace

}  // namespace duet::tls

extern "C" __attribute__((visibility("default"))) void duet_make_tls_client_1(
    const duet::net::TlsOptions& options,
    duet::Result<std::shared_ptr<duet::net::TlsClient>>& client) {
  client = duet::tls::make(options);
}
