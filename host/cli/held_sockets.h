// The sockets of a host that starts again (serve_watched.h): held by who starts it, so that a port
// stays the same, and clients wait in the meantime instead of being refused.
#pragma once

#include <vector>

#include "host/config/config.h"

namespace duet::cli {

class HeldSockets {
 public:
  HeldSockets() = default;
  ~HeldSockets();
  HeldSockets(const HeldSockets&) = delete;
  HeldSockets& operator=(const HeldSockets&) = delete;

  // Opens those of `addresses` that are not held yet, and lets the others go. One that cannot be
  // opened is left to the host, which says why; so are unix sockets.
  void hold(const std::vector<config::Address>& addresses);
  // In the host's process, between fork() and exec(): it gets them in the order of the addresses
  // (net::InheritedSockets).
  void pass_on() const;

 private:
  struct Socket {
    config::Address address;  // as it is configured
    int fd;
  };
  std::vector<Socket> sockets_;
};

}  // namespace duet::cli
