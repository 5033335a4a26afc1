#include "tests/support/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tests/support/eventually.h"

namespace duet::testing_support {

Receiver::Receiver(std::uint16_t port) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, any, size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, any, &size) != 0) {
    throw std::runtime_error("no receiver at port " + std::to_string(port));
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

Receiver::~Receiver() {
  stopping_ = true;
  thread_.join();
  for (const int fd : open_) close(fd);
  close(listener_);
}

void Receiver::serve() {
  while (!stopping_) {
    pollfd polled{listener_, POLLIN, 0};
    if (poll(&polled, 1, 10) != 1) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) take(fd);
  }
}

// One request a connection, as the host has it.
void Receiver::take(int fd) {
  std::string text;
  char bytes[65536];
  std::size_t head = std::string::npos, length = 0;
  Post post;
  while (head == std::string::npos || text.size() < head + length) {
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) {
      close(fd);
      return;
    }
    text.append(bytes, static_cast<std::size_t>(got));
    if (head != std::string::npos || text.find("\r\n\r\n") == std::string::npos) continue;
    head = text.find("\r\n\r\n") + 4;
    post.target = text.substr(text.find(' ') + 1);
    post.target.resize(post.target.find(' '));
    for (std::size_t at = text.find("\r\n") + 2; at + 2 < head; at = text.find("\r\n", at) + 2) {
      const std::size_t colon = text.find(": ", at);
      std::string name = text.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      post.fields[name] = text.substr(colon + 2, text.find("\r\n", at) - colon - 2);
    }
    length = std::stoul(post.fields["content-length"]);
  }
  post.body = text.substr(head);
  {
    const std::lock_guard lock(mutex_);
    posts_.push_back(std::move(post));
  }
  if (!answers) {
    open_.push_back(fd);
    return;
  }
  const std::string answer = "HTTP/1.1 " + std::to_string(status) +
                             " So\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  close(fd);
}

std::vector<Receiver::Post> Receiver::posts() const {
  const std::lock_guard lock(mutex_);
  return posts_;
}

bool Receiver::eventually_has(std::size_t posts) const {
  return eventually([&] { return this->posts().size() >= posts; });
}

std::uint16_t free_port() {
  // Bound for as long as we run, so that the kernel gives it to nobody who asks for any port.
  const int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(held, any, size) != 0 || getsockname(held, any, &size) != 0) {
    throw std::runtime_error("no port is free");
  }
  return ntohs(address.sin_port);
}

}  // namespace duet::testing_support
