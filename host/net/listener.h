// A listening socket on the loop.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <utility>

#include "host/base/result.h"
#include "host/loop/loop.h"
#include "host/net/address.h"

namespace duet::net {

struct ListenOptions {
  int backlog = 4096;             // the kernel caps it at net.core.somaxconn
  bool kernel_timestamps = true;  // accepted sockets inherit SO_TIMESTAMPING
  // A socket that is bound to the address already (inherited_sockets.h), from now on the
  // listener's. Whoever opened it keeps it: clients that nobody has taken when the listener goes
  // stay in it.
  int inherited = -1;
};

// A TCP socket that is bound to this address. It does not listen yet.
Result<int> bound_socket(const Address& address);

class Listener {
 public:
  // Given each accepted socket: non-blocking, close-on-exec, TCP_NODELAY. The callee owns it.
  using Accepted = std::function<void(int fd)>;

  // Takes the port, so that its number is known, without answering on it. (A unix socket's path is
  // taken by start(): one that is there and refuses would pass for a dead process' own.)
  static Result<std::unique_ptr<Listener>> bind(Loop& loop, const Address& address,
                                                const ListenOptions& options, Accepted accepted);
  // From now on clients may connect, and wait until start() takes them. No effect on a unix socket;
  // what is wrong is told by start().
  void queue_clients();
  // Listens. A unix socket's path that a dead process left behind is taken over; one that somebody
  // still answers is an error, and so is a port of a given number that somebody else listens on
  // since bind().
  Result<void> start();
  // Both.
  static Result<std::unique_ptr<Listener>> open(Loop& loop, const Address& address,
                                                const ListenOptions& options, Accepted accepted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Gives those away that have connected by now, if they are cut off when the listener goes.
  void accept_waiting();

  const Address& address() const { return address_; }  // with the port that the kernel chose

 private:
  Listener(Loop& loop, const Address& address, const ListenOptions& options, Accepted accepted)
      : loop_(loop),
        address_(address),
        accepted_(std::move(accepted)),
        backlog_(options.backlog),
        fd_(options.inherited),
        is_shared_(options.inherited >= 0) {}
  bool accept_some();  // false: nobody else is waiting
  Result<void> take_path();

  Loop& loop_;
  Address address_;
  Accepted accepted_;
  int backlog_;
  uv_poll_t* poll_ = nullptr;
  int fd_;
  bool is_shared_;     // with whoever opened it
  int spare_fd_ = -1;  // given up to accept and close when the process is out of descriptors
};

}  // namespace duet::net
