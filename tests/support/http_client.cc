#include "tests/support/http_client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "host/net/address.h"

namespace duet::testing_support {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

bool wait_for(int fd, short events, Clock::time_point until) {
  pollfd entry{fd, events, 0};
  for (;;) {
    const int ready = poll(&entry, 1, milliseconds_until(until));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

std::optional<std::string> HttpResponse::get(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (same_name(field, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::string> HttpResponse::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : fields) {
    if (same_name(field, name)) values.push_back(value);
  }
  return values;
}

HttpClient::HttpClient(std::string_view address) {
  if (address.starts_with("http://")) address.remove_prefix(7);
  if (address.ends_with('/') && !address.starts_with("unix:")) address.remove_suffix(1);
  const auto to = net::Address::parse(address);
  if (!to) throw std::runtime_error(to.error().to_string());
  fd_ = socket(to->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) throw std::runtime_error("no socket: " + std::string(std::strerror(errno)));
  if (connect(fd_, to->get(), to->length()) != 0) {
    const int code = errno;
    close();
    throw std::runtime_error("cannot connect to " + std::string(address) + ": " +
                             std::strerror(code));
  }
  const int on = 1;
  if (!to->is_unix()) setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool HttpClient::send(std::string_view bytes) {
  const auto until = Clock::now() + kPatience;
  while (!bytes.empty()) {
    const std::size_t taken = send_some(bytes);
    if (taken == static_cast<std::size_t>(-1)) return false;
    bytes.remove_prefix(taken);
    if (!bytes.empty() && !wait_for(fd_, POLLOUT, until)) give_up("the host does not read");
  }
  return true;
}

std::size_t HttpClient::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  return errno == EAGAIN || errno == EINTR ? 0 : static_cast<std::size_t>(-1);
}

bool HttpClient::fill(Clock::time_point until) {
  if (ended_) return false;
  char buffer[65536];
  for (;;) {
    const ssize_t got = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) {
      input_.append(buffer, static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      ended_ = true;
      return false;
    }
    if (!wait_for(fd_, POLLIN, until)) give_up("nothing came in time");
  }
}

void HttpClient::give_up(const std::string& why) const {
  throw std::runtime_error(why + "; so far: '" + input_.substr(0, 2000) + "'");
}

std::string HttpClient::line() {
  const auto until = Clock::now() + kPatience;
  for (;;) {
    if (const std::size_t end = input_.find("\r\n"); end != std::string::npos) {
      std::string text = input_.substr(0, end);
      input_.erase(0, end + 2);
      return text;
    }
    if (!fill(until)) give_up("the connection ended inside a line");
  }
}

void HttpClient::read_fields(std::vector<std::pair<std::string, std::string>>& fields) {
  for (std::string text = line(); !text.empty(); text = line()) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0) give_up("no header field: '" + text + "'");
    fields.emplace_back(text.substr(0, colon), trimmed(std::string_view(text).substr(colon + 1)));
  }
}

HttpResponse HttpClient::read_head() {
  HttpResponse response;
  for (;;) {
    const std::string first = line();
    if (first.size() < 12 || !first.starts_with("HTTP/1.") || first[8] != ' ') {
      give_up("no status line: '" + first + "'");
    }
    response.version = first.substr(0, 8);
    response.status = std::atoi(first.substr(9, 3).c_str());
    response.reason = first.size() > 13 ? first.substr(13) : "";
    read_fields(response.fields);
    if (response.status >= 200 || response.status == 101) return response;
    interim_.push_back(std::exchange(response, {}));
  }
}

std::string HttpClient::read_chunk() {
  const std::string size_line = line();
  std::size_t size = 0;
  const auto [end, code] =
      std::from_chars(size_line.data(), size_line.data() + size_line.size(), size, 16);
  if (code != std::errc{} || end != size_line.data() + size_line.size()) {
    give_up("no chunk size: '" + size_line + "'");
  }
  if (size == 0) return "";
  std::string bytes = read_exactly(size);
  if (!line().empty()) give_up("a chunk is longer than its size");
  return bytes;
}

HttpResponse HttpClient::read(bool head) {
  HttpResponse response = read_head();
  if (head || response.status == 204 || response.status == 304) return response;
  if (same_name(response.value("transfer-encoding"), "chunked")) {
    if (response.get("content-length")) give_up("chunked, with a Content-Length");
    try {
      for (std::string piece = read_chunk(); !piece.empty(); piece = read_chunk()) {
        response.chunks.push_back(piece.size());
        response.body += piece;
      }
      read_fields(response.trailers);
    } catch (const std::runtime_error&) {
      if (!ended_) throw;
      response.cut_off = true;
    }
    return response;
  }
  const auto lengths = response.all("content-length");
  if (lengths.size() > 1) give_up("two Content-Length");
  if (lengths.empty()) {
    response.body = read_to_end();
    return response;
  }
  const auto length = static_cast<std::size_t>(std::stoull(lengths[0]));
  const auto until = Clock::now() + kPatience;
  while (input_.size() < length && fill(until)) {
  }
  response.cut_off = input_.size() < length;
  response.body = input_.substr(0, length);
  input_.erase(0, length);
  return response;
}

std::string HttpClient::read_exactly(std::size_t bytes) {
  const auto until = Clock::now() + kPatience;
  while (input_.size() < bytes) {
    if (!fill(until)) give_up("the connection ended early");
  }
  std::string taken = input_.substr(0, bytes);
  input_.erase(0, bytes);
  return taken;
}

std::string HttpClient::read_to_end() {
  const auto until = Clock::now() + kPatience;
  while (fill(until)) {
  }
  return std::exchange(input_, {});
}

bool HttpClient::closed(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  while (!ended_) {
    if (!wait_for(fd_, POLLIN, until)) return false;
    fill(until);
  }
  return true;
}

bool HttpClient::anything(std::chrono::milliseconds patience) {
  return !input_.empty() || ended_ || wait_for(fd_, POLLIN, Clock::now() + patience);
}

HttpResponse HttpClient::ask(std::string_view request, bool head) {
  send(request);
  return read(head);
}

HttpResponse HttpClient::get(std::string_view target, std::string_view more_fields) {
  return ask("GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" +
             std::string(more_fields) + "\r\n");
}

HttpResponse HttpClient::post(std::string_view target, std::string_view body,
                              std::string_view more_fields) {
  return ask("POST " + std::string(target) +
             " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
             std::string(more_fields) + "\r\n" + std::string(body));
}

void HttpClient::half_close() { shutdown(fd_, SHUT_WR); }

void HttpClient::reset() {
  const linger cut{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &cut, sizeof cut);
  close();
}

void HttpClient::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

HttpResponse fetch(std::string_view address, std::string_view target, std::string_view body,
                   std::string_view more_fields) {
  HttpClient client(address);
  return body.empty() ? client.get(target, more_fields) : client.post(target, body, more_fields);
}

}  // namespace duet::testing_support
