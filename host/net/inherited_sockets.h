// Listening sockets that whoever starts this process has opened for it, as sd_listen_fds(3) says:
// a `.socket` unit of systemd, or `duet serve --watch`. Clients wait in them while a host starts
// again, instead of being refused.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/net/address.h"

namespace duet::net {

class InheritedSockets {
 public:
  // Those of LISTEN_FDS, when LISTEN_PID is this process. No process that this one starts has them.
  // Once; before other threads are started.
  static InheritedSockets of_environment();
  InheritedSockets() = default;
  InheritedSockets(InheritedSockets&& other) noexcept
      : sockets_(std::exchange(other.sockets_, {})) {}
  InheritedSockets& operator=(InheritedSockets&& other) noexcept;
  ~InheritedSockets();  // closes what nobody took

  // The one that is bound to this address (for port 0: the first one of its host), from now on the
  // caller's. -1: there is none.
  int take(const Address& address);
  // Where nobody listens yet.
  std::vector<std::string> left() const;

 private:
  struct Socket {
    int fd;
    Address address;
  };
  std::vector<Socket> sockets_;
};

// In a process between fork() and exec(): what it executes inherits these, in this order. Their
// numbers are beyond those under which they are passed on (3 and the following).
void pass_on(const std::vector<int>& sockets);

}  // namespace duet::net
