#include "host/net/stream.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "host/base/check.h"
#include "host/net/receive_time.h"

namespace duet::net {

namespace {

std::atomic<bool> forked{false};  // from then on, others may have our descriptors
[[maybe_unused]] const int kWatchesForks = pthread_atfork(
    nullptr, [] { forked.store(true, std::memory_order_relaxed); }, nullptr);

}  // namespace

Stream::Stream(Loop& loop, int fd, std::string& read_buffer, StreamEvents& events)
    : read_buffer_(read_buffer), events_(events), fd_(fd) {
  DUET_CHECK(uv_poll_init(loop.uv(), &poll_, fd) == 0);
  poll_.data = this;
}

Stream::~Stream() { DUET_CHECK(closing_); }

void Stream::start_reading() {
  if (reading_ || ended_ || closing_) return;
  reading_ = true;
  update_poll();
}

void Stream::stop_reading() {
  if (!reading_) return;
  reading_ = false;
  update_poll();
}

void Stream::read_arrived() {
  if (reading_ && !closing_) read_once();
}

void Stream::read_to_the_end() {
  to_the_end_ = true;
  update_poll();
}

void Stream::wait_for_room() {
  if (waiting_for_room_ || closing_) return;
  waiting_for_room_ = true;
  update_poll();
}

void Stream::update_poll() {
  if (closing_) return;
  // Without UV_DISCONNECT a client that leaves while its socket is not read would go unnoticed
  // until the answer is written.
  const int events = (reading_ ? UV_READABLE : 0) | (waiting_for_room_ ? UV_WRITABLE : 0) |
                     (ended_ || to_the_end_ ? 0 : UV_DISCONNECT);
  if (events == 0) {
    uv_poll_stop(&poll_);
    return;
  }
  uv_poll_start(&poll_, events, [](uv_poll_t* poll, int status, int happened) {
    static_cast<Stream*>(poll->data)->on_poll(status, happened);
  });
}

// uv stops polling and says EBADF for whatever error the socket has: the socket knows which.
void Stream::on_poll_error(int status) {
  int code = socket_error();
  if (code == 0) code = -status;
  // What arrived before a reset is still there.
  while (to_the_end_ && reading_ && !closing_ && receive() > 0) {
  }
  if (!closing_) events_.on_error(code);
}

int Stream::socket_error() const {
  int code = 0;
  socklen_t length = sizeof code;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &length);
  return code;
}

void Stream::on_poll(int status, int events) {
  if (status < 0) return on_poll_error(status);
  if ((events & UV_WRITABLE) != 0 && waiting_for_room_) {
    waiting_for_room_ = false;
    update_poll();
    events_.on_room();
    if (closing_) return;
  }
  if ((events & UV_READABLE) != 0 && reading_) {
    read_once();
  } else if ((events & UV_DISCONNECT) != 0 && !reading_) {
    // The peer shut its side down while we do not read: find out whether it is gone altogether.
    ended_ = true;
    update_poll();
    const int code = socket_error();
    if (code != 0) {
      events_.on_error(code);
    } else {
      events_.on_read_end();
    }
  }
}

void Stream::read_once() {
  const ssize_t got = receive();
  if (got > 0) return;
  if (got == 0) {
    ended_ = true;
    reading_ = false;
    update_poll();
    events_.on_read_end();
  } else if (errno != EAGAIN) {
    events_.on_error(errno);
  }
}

ssize_t Stream::receive_timed(Nanos started, Nanos& arrival) {
  alignas(cmsghdr) char control[kReceiveTimeSpace];
  iovec room{read_buffer_.data(), read_buffer_.size()};
  msghdr message{};
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(fd_, &message, 0);
  if (got <= 0) return got;
  if (const Nanos stamp = receive_time(message, started); stamp != 0) arrival = stamp;
  return got;
}

ssize_t Stream::receive() {
  const Nanos started = now();
  Nanos arrival = started;
  ssize_t got;
  do {
    got = to_the_end_ ? recv(fd_, read_buffer_.data(), read_buffer_.size(), 0)
                      : receive_timed(started, arrival);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    events_.on_read({read_buffer_.data(), static_cast<std::size_t>(got)}, arrival, started);
  }
  return got;
}

bool Stream::send(std::string_view bytes, std::size_t& accepted) {
  accepted = 0;
  while (accepted < bytes.size()) {
    const ssize_t sent =
        ::send(fd_, bytes.data() + accepted, bytes.size() - accepted, MSG_NOSIGNAL);
    if (sent >= 0) {
      accepted += static_cast<std::size_t>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    return errno == EAGAIN;
  }
  return true;
}

void Stream::shutdown_writes() { shutdown(fd_, SHUT_WR); }

void Stream::reset_on_close() {
  reset_ = true;
  const linger cut{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &cut, sizeof cut);
}

void Stream::close() {
  if (closing_) return;
  closing_ = true;
  uv_poll_stop(&poll_);
  // The descriptor goes after uv has let go of it: a new socket must not get the same number first.
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* self = static_cast<Stream*>(handle->data);
    // A process that a handler forked has the descriptor too: closing ours would tell nobody.
    if (!self->reset_ && forked.load(std::memory_order_relaxed)) shutdown(self->fd_, SHUT_WR);
    ::close(self->fd_);
    self->events_.on_closed();
  });
}

}  // namespace duet::net
