#include "host/cli/admin_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/http/response_parser.h"
#include "host/net/address.h"

namespace duet::cli {
namespace {

constexpr timeval kReplyPatience{10, 0};

class Socket {
 public:
  explicit Socket(int family) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kReplyPatience, sizeof kReplyPatience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kReplyPatience, sizeof kReplyPatience);
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Sink final : public http::ResponseParser::Sink {
 public:
  AdminAnswer answer;
  bool complete = false;

  http::ResponseParser::Body on_head(int status) override {
    answer.status = status;
    return http::ResponseParser::Body::kAsDeclared;
  }
  void on_body(std::string_view piece) override { answer.body += piece; }
  void on_complete(bool) override { complete = true; }
};

Error unreachable(const std::string& address, int cause) {
  return {"no host answers at " + address + ": " + std::strerror(cause),
          {},
          "duet serve prints its admin address; give it with --admin ADDRESS",
          {}};
}

// As duet serve prints it, or a browser shows it: "http://127.0.0.1:9000/".
std::string address_in(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (url.starts_with(kScheme)) {
    url.remove_prefix(kScheme.size());
    if (url.ends_with('/')) url.remove_suffix(1);
  }
  return std::string(url);
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

Result<AdminAnswer> ask_admin(std::string address, std::string_view method, std::string_view target,
                              std::string_view fields) {
  address = address_in(address);
  const auto parsed = net::Address::parse(address);
  if (!parsed) return parsed.error();
  const Socket socket(parsed->family());
  if (socket.fd() < 0 || connect(socket.fd(), parsed->get(), parsed->length()) != 0) {
    return unreachable(address, errno);
  }
  std::string request(method);
  request += ' ';
  request += target;
  request += " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  request += fields;
  request += "\r\n";
  if (!send_all(socket.fd(), request)) return unreachable(address, errno);

  Sink sink;
  http::ResponseParser parser(sink);
  char bytes[16 * 1024];
  while (!sink.complete) {
    const ssize_t got = recv(socket.fd(), bytes, sizeof bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreachable(address, errno);
    const bool fine =
        got == 0 ? parser.finish() : parser.feed({bytes, static_cast<std::size_t>(got)});
    if (!fine || (got == 0 && !sink.complete)) {
      return Error{"what listens at " + address + " is not the admin listener of a duet host",
                   {},
                   "duet serve prints its admin address; give it with --admin ADDRESS",
                   {}};
    }
  }
  return std::move(sink.answer);
}

}  // namespace duet::cli
