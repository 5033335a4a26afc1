#include "host/net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/base/check.h"
#include "host/base/log.h"
#include "host/net/receive_time.h"

namespace duet::net {

namespace {

// So many connections are taken per wake-up; the rest wait for the next, so that a storm of
// connects cannot starve the requests of those already here.
constexpr int kAcceptsPerWakeUp = 64;

Error failed(const Address& address, const char* what, int code) {
  Error error{
      std::string("cannot listen on ") + address.to_string() + ": " + what + std::strerror(code),
      "", "", ""};
  if (code == EADDRINUSE) error.hint = "another process has it; choose another with --listen";
  if (code == EACCES) error.hint = "ports below 1024 need a privilege; choose another";
  return error;
}

void set_option(int fd, int level, int option, int value = 1) {
  setsockopt(fd, level, option, &value, sizeof value);
}

// True when there is a unix socket at this path that nobody answers, so that it may be removed.
// (A connect to an ordinary file is refused as well, and that one is somebody's data.)
bool abandoned(const Address& address) {
  struct stat there;
  if (lstat(address.host().c_str(), &there) != 0 || !S_ISSOCK(there.st_mode)) return false;
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool refused =
      connect(probe, address.get(), address.length()) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Address& address,
                                                 const ListenOptions& options, Accepted accepted) {
  auto self = bind(loop, address, options, std::move(accepted));
  if (!self) return self;
  if (auto started = (*self)->start(); !started) return std::move(started).error();
  return self;
}

Result<int> bound_socket(const Address& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(address, "", errno);
  // A port that the kernel chooses is nobody else's from now on: with SO_REUSEADDR, somebody who
  // asks for that number before start() would have it.
  if (address.port() != 0) set_option(fd, SOL_SOCKET, SO_REUSEADDR);
  if (address.family() == AF_INET6) {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.host() == "::" ? 0 : 1);
  }
  if (::bind(fd, address.get(), address.length()) == 0) return fd;
  const int code = errno;
  ::close(fd);
  return failed(address, "", code);
}

Result<std::unique_ptr<Listener>> Listener::bind(Loop& loop, const Address& address,
                                                 const ListenOptions& options, Accepted accepted) {
  std::unique_ptr<Listener> self(new Listener(loop, address, options, std::move(accepted)));
  if (address.is_unix()) return self;
  if (!self->is_shared_) {
    auto socket = bound_socket(address);
    if (!socket) return std::move(socket).error();
    self->fd_ = *socket;
  }
  // Accepted sockets inherit both of these: no system call a connection.
  set_option(self->fd_, IPPROTO_TCP, TCP_NODELAY);
  if (options.kernel_timestamps) ask_receive_times(self->fd_);
  sockaddr_storage actual{};
  socklen_t length = sizeof actual;
  if (getsockname(self->fd_, reinterpret_cast<sockaddr*>(&actual), &length) == 0) {
    self->address_ = Address::from(reinterpret_cast<sockaddr*>(&actual), length);
  }
  return self;
}

Result<void> Listener::take_path() {
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return failed(address_, "", errno);
  int bound = ::bind(fd_, address_.get(), address_.length());
  if (bound != 0 && errno == EADDRINUSE && abandoned(address_)) {
    unlink(address_.host().c_str());
    bound = ::bind(fd_, address_.get(), address_.length());
  }
  if (bound != 0) return failed(address_, "", errno);
  return {};
}

void Listener::queue_clients() {
  if (!address_.is_unix()) listen(fd_, backlog_);
}

Result<void> Listener::start() {
  if (address_.is_unix() && !is_shared_) {
    if (auto taken = take_path(); !taken) return taken;
  }
  if (listen(fd_, backlog_) != 0) return failed(address_, "", errno);
  set_option(fd_, SOL_SOCKET, SO_REUSEADDR);  // after us, of a port on which our connections linger
  spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  poll_ = new uv_poll_t;
  if (const int code = uv_poll_init(loop_.uv(), poll_, fd_); code != 0) {
    delete std::exchange(poll_, nullptr);
    return failed(address_, "", -code);
  }
  poll_->data = this;
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<Listener*>(poll->data)->accept_some();
  });
  return {};
}

Listener::~Listener() {
  if (poll_ != nullptr) {
    uv_poll_stop(poll_);
    uv_close(reinterpret_cast<uv_handle_t*>(poll_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  }
  if (fd_ >= 0 && !is_shared_) {
    if (address_.is_unix() && poll_ != nullptr) unlink(address_.host().c_str());
    // A process that a handler forked has it too, and would keep clients waiting in its queue.
    shutdown(fd_, SHUT_RDWR);
  }
  if (fd_ >= 0) ::close(fd_);
  if (spare_fd_ >= 0) ::close(spare_fd_);
}

bool Listener::accept_some() {
  for (int i = 0; i < kAcceptsPerWakeUp; ++i) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted_(fd);
      continue;
    }
    if (errno == EMFILE || errno == ENFILE) {
      // Out of descriptors: turn one client away at a time, instead of spinning on readiness.
      log::error("out of file descriptors: a connection was turned away",
                 {{"listener", address_.to_string()}, {"hint", "raise ulimit -n"}});
      ::close(spare_fd_);
      const int rejected = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (rejected >= 0) ::close(rejected);
      spare_fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      return false;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) log::warn("accept failed", {{"cause", std::strerror(errno)}});
    return false;
  }
  return true;
}

void Listener::accept_waiting() {
  while (poll_ != nullptr && !is_shared_ && accept_some()) {
  }
}

}  // namespace duet::net
