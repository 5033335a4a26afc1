#include "host/outbox/post.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "host/http/response_parser.h"

namespace duet::outbox {

namespace {

Error failure(const std::string& what, const std::string& why) {
  return {what + ": " + why, {}, {}, {}};
}

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int fd() const { return fd_; }

  // Until it can be read or written. Errors: the deadline, with ETIMEDOUT.
  bool wait(short events, Nanos deadline) const {
    while (true) {
      const Nanos left = deadline - now();
      pollfd polled{fd_, events, 0};
      const int ready =
          left <= 0 ? 0
                    : poll(&polled, 1, static_cast<int>((left + kMillisecond - 1) / kMillisecond));
      if (ready > 0) return true;
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) errno = ETIMEDOUT;
      return false;
    }
  }

 private:
  int fd_;
};

Result<Socket> connect_to(const addrinfo& address, Nanos deadline) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return failure("no socket", std::strerror(errno));
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) == 0) return socket;
  int why = errno;
  if (why == EINPROGRESS) {
    why = ETIMEDOUT;
    socklen_t size = sizeof why;
    if (socket.wait(POLLOUT, deadline)) getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &why, &size);
  }
  if (why == 0) return socket;
  return failure("no connection", std::strerror(why));
}

// The addresses of a name in turn.
Result<Socket> connect_to(const std::string& host, std::uint16_t port, Nanos deadline) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) return failure("the name '" + host + "' is not found", gai_strerror(code));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(found, freeaddrinfo);
  Result<Socket> socket = failure("no connection", "the name has no address");
  for (const addrinfo* one = found; one != nullptr && !socket; one = one->ai_next) {
    socket = connect_to(*one, deadline);
  }
  return socket;
}

// What the service says before it closes is read even when it does not read all of the body.
bool send_all(const Socket& socket, std::string_view bytes, Nanos deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return errno == EPIPE || errno == ECONNRESET;
    } else if (!socket.wait(POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

struct Answer final : http::ResponseParser::Sink {
  http::ResponseParser::Body on_head(int status_given) override {
    status = status_given;
    return http::ResponseParser::Body::kAsDeclared;
  }
  void on_body(std::string_view) override {}
  void on_complete(bool) override {}
  int status = 0;
};

}  // namespace

Result<int> post(const std::string& host, std::uint16_t port, std::string_view head,
                 std::string_view body, Nanos timeout) {
  const Nanos deadline = now() + timeout;
  auto socket = connect_to(host, port, deadline);
  if (!socket) return socket.error();
  if (!send_all(*socket, head, deadline) || !send_all(*socket, body, deadline)) {
    return failure("it does not take the request", std::strerror(errno));
  }
  Answer answer;
  http::ResponseParser parser(answer);
  char bytes[4096];
  while (answer.status == 0) {
    const ssize_t read = recv(socket->fd(), bytes, sizeof bytes, 0);
    if (read > 0) {
      parser.feed({bytes, static_cast<std::size_t>(read)});
      if (answer.status == 0 && *parser.error() != '\0') {
        return failure("its answer is no HTTP", parser.error());
      }
    } else if (read == 0) {
      return failure("no answer", "it closed the connection");
    } else if ((errno != EAGAIN && errno != EINTR) || !socket->wait(POLLIN, deadline)) {
      return failure("no answer", std::strerror(errno));
    }
  }
  return answer.status;
}

}  // namespace duet::outbox
