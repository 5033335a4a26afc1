#include "host/bench/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "host/net/receive_time.h"

namespace duet::bench {

namespace {

constexpr std::uint64_t kDigestStart = 0xcbf29ce484222325;  // FNV-1a, 64 bits
constexpr std::uint64_t kDigestPrime = 0x100000001b3;
// The content of one answer in so many is compared, the length of every one: a byte costs 1 ns.
constexpr std::uint64_t kHashEvery = 16;
constexpr std::size_t kMostPieces = 64;       // of one write
constexpr std::size_t kMostHead = 64 * 1024;  // of the answer to a handshake

int open_socket(const net::Address& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  if (!address.is_unix()) {
    // Otherwise a second request of a pipeline waits for the acknowledgement of the first, which
    // the server delays by 40 ms.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  net::ask_receive_times(fd);
  return fd;
}

}  // namespace

Connection::Connection(ConnectionEvents& events, int epoll, const Target& target, std::uint16_t arm,
                       std::uint32_t depth, bool keep_alive)
    : events_(events),
      target_(target),
      parser_(*this),
      frames_(*this),
      ring_(depth),
      depth_(depth),
      epoll_(epoll),
      arm_(arm),
      keep_alive_(keep_alive) {}

Connection::~Connection() { close_socket(); }

void Connection::open() {
  fd_ = open_socket(target_.address);
  if (fd_ < 0) {
    abandon(Outcome::kRefused, errno);
    return;
  }
  state_ = State::kConnecting;
  parser_.reset();
  rest_.clear();
  trouble_.clear();
  tls_.reset();
  ending_ = false;
  const int code = connect(fd_, target_.address.get(), target_.address.length());
  const int failure = code == 0 ? 0 : errno;
  if (failure != 0 && failure != EINPROGRESS) {
    abandon(Outcome::kRefused, failure);
    return;
  }
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event) != 0) {
    abandon(Outcome::kRefused, errno);
    return;
  }
  if (failure == 0) connected();
}

// One step further: TLS, then a WebSocket's handshake, where the target has them.
void Connection::connected() {
  if (target_.tls != nullptr && state_ == State::kConnecting) {
    state_ = State::kSecuring;
    tls_ = target_.tls->connect(target_.host);
    secure();
    return;
  }
  if (!target_.handshake.empty() && state_ != State::kHandshake) {
    state_ = State::kHandshake;
    head_.clear();
    frames_.reset();
    begin_answer(0);
    queue(target_.handshake);
    write_rest();
    return;
  }
  state_ = State::kOpen;
  if (unsent_ > 0) flush();
  if (state_ == State::kOpen && has_room() && keep_alive_) events_.on_room(*this);
}

// Goes on with TLS's handshake, as far as what has come allows.
void Connection::secure() {
  tls_->take(rest_);
  if (!send_rest()) return;
  if (tls_->state() == net::TlsSession::State::kOpen) {
    connected();
  } else if (tls_->state() != net::TlsSession::State::kHandshake) {
    abandon_tls();
  }
}

void Connection::abandon_tls() {
  const bool before = state_ == State::kSecuring;
  if (tls_->state() == net::TlsSession::State::kFailed) {
    const Error& why = tls_->failure();
    trouble_ = why.to_string();
    abandon(before ? Outcome::kRefused : Outcome::kClosed, EPROTO);
  } else {
    finish_reading();
  }
}

void Connection::queue(std::string_view bytes) {
  if (tls_ == nullptr) {
    rest_ += bytes;
  } else {
    tls_->write(bytes);
    tls_->take(rest_);
  }
}

void Connection::push(std::uint32_t sample, std::uint32_t text) {
  at(count_) = {sample, text, now()};
  ++count_;
  ++unsent_;
}

void Connection::flush() {
  if (state_ == State::kClosed && unsent_ > 0) {
    // Not kept alive: what a user waits for begins here.
    const Nanos begin = now();
    for (std::uint32_t i = count_ - unsent_; i < count_; ++i) events_.on_sent(at(i).sample, begin);
    open();
    return;
  }
  while (state_ == State::kOpen && unsent_ > 0 && rest_.empty()) {
    iovec pieces[kMostPieces];
    const auto number = static_cast<std::uint32_t>(std::min<std::size_t>(unsent_, kMostPieces));
    const Nanos begin = now();
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < number; ++i) {
      const InFlight& one = at(count_ - unsent_ + i);
      const std::string& bytes = target_.texts[one.text].bytes;
      pieces[i] = {const_cast<char*>(bytes.data()), bytes.size()};
      size += bytes.size();
      if (keep_alive_) events_.on_sent(one.sample, begin);
    }
    unsent_ -= number;
    if (tls_ != nullptr) {
      for (std::uint32_t i = 0; i < number; ++i) {
        queue({static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len});
      }
      if (!send_rest()) return;
      continue;
    }
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = number;
    ssize_t taken = 0;
    do {
      taken = sendmsg(fd_, &message, MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    if (taken < 0 && errno != EAGAIN) {
      abandon(Outcome::kClosed, errno);
      return;
    }
    auto skip = static_cast<std::size_t>(std::max<ssize_t>(taken, 0));
    if (skip == size) continue;
    for (std::uint32_t i = 0; i < number; ++i) {
      const std::size_t used = std::min(skip, pieces[i].iov_len);
      rest_.append(static_cast<const char*>(pieces[i].iov_base) + used, pieces[i].iov_len - used);
      skip -= used;
    }
  }
}

bool Connection::send_rest() {
  while (!rest_.empty()) {
    const ssize_t taken = send(fd_, rest_.data(), rest_.size(), MSG_NOSIGNAL);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return true;
      abandon(Outcome::kClosed, errno);
      return false;
    }
    rest_.erase(0, static_cast<std::size_t>(taken));
  }
  return true;
}

void Connection::write_rest() {
  if (send_rest()) flush();
}

void Connection::on_ready(std::uint32_t epoll_events, std::string& buffer) {
  if (state_ == State::kConnecting) {
    int code = 0;
    socklen_t length = sizeof code;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &length);
    if (code != 0) {
      abandon(Outcome::kRefused, code);
      return;
    }
    if ((epoll_events & EPOLLOUT) == 0) return;
    connected();
  }
  const auto usable = [this] { return state_ > State::kConnecting; };
  if (usable() && (epoll_events & EPOLLOUT) != 0 && !rest_.empty()) write_rest();
  if (usable() && (epoll_events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
    read(buffer, (epoll_events & ~static_cast<std::uint32_t>(EPOLLIN | EPOLLOUT)) != 0);
}

void Connection::read(std::string& buffer, bool to_end) {
  const std::uint32_t before = count_;
  while (state_ > State::kConnecting) {
    alignas(cmsghdr) char control[net::kReceiveTimeSpace];
    iovec room{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &room;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = recvmsg(fd_, &message, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      abandon(Outcome::kClosed, errno);
      return;
    }
    const Nanos read_at = now();
    arrival_ = net::receive_time(message, read_at);
    if (arrival_ == 0) arrival_ = read_at;
    if (got == 0) {
      finish_reading();
      return;
    }
    if (!receive(buffer, static_cast<std::size_t>(got))) return;
    if (ending_) {
      abandon(Outcome::kClosed);
      return;
    }
    // Less than there was room for: epoll(7) tells of what comes later.
    if (!to_end && static_cast<std::size_t>(got) < buffer.size()) break;
  }
  if (state_ == State::kOpen && count_ < before && has_room()) events_.on_room(*this);
}

bool Connection::receive(std::string& buffer, std::size_t size) {
  if (tls_ == nullptr) return feed({buffer.data(), size});
  tls_->receive({buffer.data(), size});  // it has a copy: the buffer is free for what it says
  if (state_ == State::kSecuring) {
    secure();
    if (state_ < State::kHandshake) return state_ == State::kSecuring;
  }
  while (const std::size_t got = tls_->read({buffer.data(), buffer.size()})) {
    if (!feed({buffer.data(), got})) return false;
  }
  tls_->take(rest_);  // TLS has things to say by itself: new keys
  if (!send_rest()) return false;
  if (tls_->state() == net::TlsSession::State::kOpen) return true;
  abandon_tls();
  return false;
}

void Connection::finish_reading() {
  if (state_ == State::kSecuring) {
    trouble_ = "it closes the connection during TLS's handshake";
    abandon(Outcome::kRefused, EPROTO);
    return;
  }
  // Ends an answer that lasts until the connection does.
  parser_.finish();
  abandon(Outcome::kClosed);
}

bool Connection::feed(std::string_view bytes) {
  if (target_.handshake.empty()) {
    if (parser_.feed(bytes)) return true;
    // An alert of TLS, as servers send it to who does not speak it: RFC 8446, section 5.1.
    if (answers_ == 0 && bytes.starts_with("\x15\x03")) trouble_ = "it speaks TLS: write https://";
    abandon(Outcome::kNotHttp);
    return false;
  }
  if (state_ == State::kHandshake) {
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos && head_.size() < kMostHead) return true;
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    const int status = head_.starts_with(kVersion) ? std::atoi(head_.c_str() + kVersion.size()) : 0;
    if (end == std::string::npos || status != 101) {
      abandon(Outcome::kNotHttp, status > 0 ? -status : EPROTO);
      return false;
    }
    const std::string behind = head_.substr(end + 4);
    head_ = std::string();
    connected();
    return state_ != State::kOpen ? false : behind.empty() || feed(behind);
  }
  if (frames_.feed(bytes)) return true;
  abandon(Outcome::kClosed);
  return false;
}

http::ResponseParser::Body Connection::on_head(int status) {
  if (count_ == unsent_) return http::ResponseParser::Body::kRefuse;  // nobody asked
  begin_answer(status);
  return target_.texts[at(0).text].head ? http::ResponseParser::Body::kNone
                                        : http::ResponseParser::Body::kAsDeclared;
}

void Connection::on_body(std::string_view piece) { add_to_digest(piece); }

void Connection::on_complete(bool keep_alive) {
  if (!keep_alive || !keep_alive_) ending_ = true;
  end_answer();
}

void Connection::on_message() {
  if (count_ > unsent_) {  // otherwise nobody asked: a greeting, news
    status_ = 101;
    end_answer();
  }
  begin_answer(0);
}

void Connection::on_ping(std::string_view payload) {
  const bool idle = rest_.empty();
  queue(pong_frame(payload));
  if (!idle) return;
  const ssize_t taken = send(fd_, rest_.data(), rest_.size(), MSG_NOSIGNAL);
  rest_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(taken, 0)));
}

void Connection::begin_answer(int status) {
  status_ = status;
  digest_ = kDigestStart;
  body_bytes_ = 0;
}

void Connection::add_to_digest(std::string_view piece) {
  body_bytes_ += piece.size();
  if (answers_ % kHashEvery != 0) return;
  for (const char c : piece) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * kDigestPrime;
}

void Connection::end_answer() {
  const InFlight answered = at(0);
  first_ = (first_ + 1) % depth_;
  --count_;
  const bool hashed = answers_++ % kHashEvery == 0;
  events_.on_answer(*this, answered.sample, status_, hashed ? digest_ : body_bytes_, hashed,
                    arrival_);
}

void Connection::close_socket() {
  if (fd_ >= 0) close(fd_);  // leaves epoll, too
  fd_ = -1;
}

void Connection::abandon(Outcome why, int code) {
  if (state_ == State::kSecuring && code > 0 && trouble_.empty()) {
    trouble_ = std::string("TLS's handshake broke: ") + std::strerror(code);
  }
  close_socket();
  state_ = State::kClosed;
  std::uint32_t lost = count_;
  unsent_ = count_ = 0;
  for (std::uint32_t i = 0; i < lost; ++i) events_.on_lost(at(i).sample, why);
  first_ = 0;
  rest_.clear();
  events_.on_closed(*this, code);
}

Nanos Connection::waiting_since() const { return count_ == 0 ? kNever : ring_[first_].pushed; }

}  // namespace duet::bench
