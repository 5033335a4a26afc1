#include "host/net/inherited_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace duet::net {

namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr const char* kProcess = "LISTEN_PID";
constexpr const char* kNumber = "LISTEN_FDS";

// A variable's number; 0 when it is none.
int number_in(const char* variable) {
  const char* text = std::getenv(variable);
  int number = 0;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

bool is_stream(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

}  // namespace

InheritedSockets InheritedSockets::of_environment() {
  InheritedSockets self;
  const int number = number_in(kProcess) == getpid() ? number_in(kNumber) : 0;
  for (const char* variable : {kProcess, kNumber, "LISTEN_FDNAMES"}) unsetenv(variable);
  for (int fd = kFirst; fd < kFirst + number; ++fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (!is_stream(fd) || getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
      continue;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    self.sockets_.push_back({fd, Address::from(reinterpret_cast<sockaddr*>(&address), length)});
  }
  return self;
}

InheritedSockets& InheritedSockets::operator=(InheritedSockets&& other) noexcept {
  std::swap(sockets_, other.sockets_);
  return *this;
}

InheritedSockets::~InheritedSockets() {
  for (const Socket& one : sockets_) close(one.fd);
}

int InheritedSockets::take(const Address& address) {
  const bool any = !address.is_unix() && address.port() == 0;
  const auto found = std::ranges::find_if(sockets_, [&](const Socket& one) {
    return any ? !one.address.is_unix() && one.address.host() == address.host()
               : one.address.to_string() == address.to_string();
  });
  if (found == sockets_.end()) return -1;
  const int fd = found->fd;
  sockets_.erase(found);
  return fd;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> addresses;
  for (const Socket& one : sockets_) addresses.push_back(one.address.to_string());
  return addresses;
}

void pass_on(const std::vector<int>& sockets) {
  int next = kFirst;
  for (const int fd : sockets) dup2(fd, next++);  // open beyond exec()
  setenv(kProcess, std::to_string(getpid()).c_str(), 1);
  setenv(kNumber, std::to_string(sockets.size()).c_str(), 1);
}

}  // namespace duet::net
