#include "host/cli/held_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "host/net/address.h"
#include "host/net/inherited_sockets.h"
#include "host/net/listener.h"

namespace duet::cli {

namespace {

constexpr int kLeastDescriptor = 256;  // beyond the numbers under which they are passed on

// -1: it cannot be opened.
int open_socket(const config::Address& address) {
  if (address.is_unix()) return -1;
  const auto parsed = net::Address::parse(address.to_string());
  if (!parsed) return -1;
  const auto socket = net::bound_socket(*parsed);
  if (!socket) return -1;
  const int fd = fcntl(*socket, F_DUPFD_CLOEXEC, kLeastDescriptor);
  close(*socket);
  return fd;
}

}  // namespace

HeldSockets::~HeldSockets() { hold({}); }

void HeldSockets::hold(const std::vector<config::Address>& addresses) {
  std::vector<Socket> before = std::exchange(sockets_, {});
  std::vector<Socket> kept;
  for (const config::Address& address : addresses) {
    const auto held = std::ranges::find(before, address, &Socket::address);
    kept.push_back({address, held != before.end() ? held->fd : -1});
    if (held != before.end()) before.erase(held);
  }
  // A port that is not wanted any more may be wanted with another host.
  for (const Socket& one : before) close(one.fd);
  for (Socket& one : kept) {
    if (one.fd < 0) one.fd = open_socket(one.address);
    if (one.fd >= 0) sockets_.push_back(std::move(one));
  }
}

void HeldSockets::pass_on() const {
  std::vector<int> descriptors;
  for (const Socket& one : sockets_) descriptors.push_back(one.fd);
  net::pass_on(descriptors);
}

}  // namespace duet::cli
