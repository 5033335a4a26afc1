// A service that the test plays: a TCP port whose connections it accepts one by one.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

#include "tests/support/http_client.h"

namespace duet::testing_support {

class ServicePort {
 public:
  ServicePort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(fd_, any, size), 0);
    EXPECT_EQ(listen(fd_, 16), 0);
    EXPECT_EQ(getsockname(fd_, any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ServicePort() { close(); }
  ServicePort(const ServicePort&) = delete;
  ServicePort& operator=(const ServicePort&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  bool asked(std::chrono::milliseconds patience) const {
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, static_cast<int>(patience.count())) == 1;
  }
  HttpClient accept() const {
    EXPECT_TRUE(asked(kPatience)) << "nobody connects";
    return HttpClient(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
  }
  // A connection waits and is never accepted; Linux lets no second one be made then.
  [[nodiscard]] HttpClient fill() const {
    EXPECT_EQ(listen(fd_, 0), 0);
    return HttpClient(url());
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
  int port_ = 0;
};

// The head of a request as the service gets it, with its empty line.
inline std::string read_request_head(HttpClient& service) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) head += service.read_exactly(1);
  return head;
}

// The value of a field of such a head, or "-".
inline std::string field_of(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ": ");
  if (at == head.npos) return "-";
  const std::size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

}  // namespace duet::testing_support
