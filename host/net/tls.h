// TLS as a client speaks it: a machine between bytes, which opens no socket.
//
// The library behind it is a module of its own (host/tls), which is opened when the first
// connection needs it: it costs who does without TLS nothing, and it meets no library of an engine.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace duet::net {

struct TlsOptions {
  bool verify = true;  // who the server is: its certificate, and that it is for the host asked for
  // A file of certificates (PEM) of whom to trust instead of the system's authorities; may be
  // empty.
  std::string authorities;
};

// One connection. Single-threaded.
class TlsSession {
 public:
  enum class State : unsigned char { kHandshake, kOpen, kClosed, kFailed };

  virtual ~TlsSession() = default;
  virtual State state() const = 0;
  // What came from the network; goes on with the handshake. Afterwards there may be something to
  // read() and to take().
  virtual void receive(std::string_view bytes) = 0;
  // Gives what the server has said, as far as it fits; 0: nothing more for now.
  virtual std::size_t read(std::span<char> room) = 0;
  // What is to be said; kOpen.
  virtual void write(std::string_view bytes) = 0;
  // Appends what is to be sent to the network.
  virtual void take(std::string& to) = 0;
  // Why it failed, as a sentence's part about the server: "its certificate expired on 2024-03-01";
  // with what to do about it. kFailed.
  virtual const Error& failure() const = 0;
};

// What the sessions of one client have in common. It must outlive them.
class TlsClient {
 public:
  virtual ~TlsClient() = default;
  // `host`: a name or an address, for which the certificate must be. Each session begins anew: none
  // is resumed. Its first bytes are there to take().
  virtual std::unique_ptr<TlsSession> connect(const std::string& host) = 0;
};

// What the module shows. Error: the authorities cannot be read.
using MakeTlsClient = void (*)(const TlsOptions& options,
                               Result<std::shared_ptr<TlsClient>>& client);
inline constexpr const char* kMakeTlsClientSymbol = "duet_make_tls_client_1";

}  // namespace duet::net
