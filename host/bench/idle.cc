#include "host/bench/idle.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "host/bench/generator.h"

namespace duet::bench {

namespace {

// About to be taken at a time: a listener that is slow has room for five in its backlog.
constexpr std::uint32_t kAtOnce = 4;
constexpr int kEvents = 256;
constexpr std::size_t kReadBytes = 64 * 1024;

}  // namespace

IdleConnections::~IdleConnections() {
  connections_.clear();
  if (epoll_ >= 0) close(epoll_);
}

Result<void> IdleConnections::open(std::uint32_t number, Nanos patience,
                                   const std::function<bool()>& give_up) {
  raise_descriptor_limit();
  buffer_.resize(kReadBytes);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return Error{std::string("epoll: ") + std::strerror(errno), {}, {}, {}};
  connections_.reserve(number);
  std::uint32_t before = 0;
  Nanos moved = now();
  while (answered_ < number) {
    while (connections_.size() < number && connections_.size() < answered_ + kAtOnce &&
           closed_ == 0) {
      connections_.push_back(std::make_unique<Connection>(static_cast<ConnectionEvents&>(*this),
                                                          epoll_, target_, std::uint16_t{0}, 1u,
                                                          /*keep_alive=*/true));
      connections_.back()->open();
    }
    for (Connection* connection : std::exchange(ready_, {})) {
      if (connection->state() != Connection::State::kOpen) continue;
      connection->push(0, 0);
      connection->flush();
    }
    look(20);
    if (answered_ != before) {
      before = answered_;
      moved = now();
    }
    if (give_up()) return Error{"interrupted", {}, {}, {}};
    if (closed_ == 0 && now() - moved < patience) continue;
    return Error{"it takes " + std::to_string(answered_) + " of " + std::to_string(number) +
                     " idle connections: " +
                     (closed_ == 0        ? "no answer within the patience"
                      : !trouble_.empty() ? trouble_
                      : code_ <= 0        ? "it closes them"
                                          : std::strerror(code_)),
                 {},
                 code_ == EMFILE || code_ == EADDRNOTAVAIL
                     ? "that is this machine's limit: ulimit -n, net.ipv4.ip_local_port_range"
                     : "its own limit of connections or descriptors (ulimit -n)",
                 {}};
  }
  return {};
}

std::uint32_t IdleConnections::open_now() {
  look(0);
  return static_cast<std::uint32_t>(connections_.size()) - closed_;
}

void IdleConnections::look(int milliseconds) {
  epoll_event events[kEvents];
  int got = 0;
  do {
    got = epoll_wait(epoll_, events, kEvents, milliseconds);
    for (int i = 0; i < got; ++i) {
      static_cast<Connection*>(events[i].data.ptr)->on_ready(events[i].events, buffer_);
    }
    milliseconds = 0;
  } while (got == kEvents);
}

void IdleConnections::on_answer(Connection&, std::uint32_t, int, std::uint64_t, bool, Nanos) {
  ++answered_;
}

void IdleConnections::on_room(Connection& connection) {
  if (!connection.was_used()) ready_.push_back(&connection);
}

void IdleConnections::on_closed(Connection& connection, int code) {
  ++closed_;
  code_ = code;
  trouble_ = connection.trouble();
}

}  // namespace duet::bench
