#include "host/upstream/connection.h"

#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "host/upstream/call.h"
#include "host/upstream/origin.h"

namespace duet::upstream {

namespace {

// "[::1]:80: Connection refused"
std::string attempt(const net::Address& address, int code) {
  return address.to_string() + ": " + std::strerror(code);
}

}  // namespace

Connection::Connection(Origin& origin)
    : origin_(origin),
      parser_(*this, http::ResponseParser::Fields::kKept),
      timeout_([](void* self) { static_cast<Connection*>(self)->timed_out(); }, this) {
  look_up_.data = this;
}

// --- connecting --------------------------------------------------------------------------------

void Connection::connect() {
  timeout_.arm(origin_.connect_queue, now());
  const ServiceUrl& url = origin_.url();
  const bool v6 = url.host.find(':') != url.host.npos;
  const std::string port = std::to_string(url.port);
  // "localhost" is a name like others here: the service may listen on ::1 alone.
  if (url.host != "localhost") {
    auto address = net::Address::parse((v6 ? "[" + url.host + "]" : url.host) + ":" + port);
    if (address) {
      addresses_.push_back(*address);
      return try_next_address();
    }
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int code = uv_getaddrinfo(
      origin_.shared().loop->uv(), &look_up_,
      [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
        static_cast<Connection*>(request->data)->looked_up(status, found);
        uv_freeaddrinfo(found);
      },
      url.host.c_str(), port.c_str(), &hints);
  if (code == 0) {
    looking_up_ = true;
  } else {
    looked_up(code, nullptr);
  }
}

void Connection::looked_up(int code, const addrinfo* found) {
  looking_up_ = false;
  if (state_ == State::kClosing) {
    delete this;
    return;
  }
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    addresses_.insert(addresses_.begin(), net::Address::from(one->ai_addr, one->ai_addrlen));
  }
  if (code == 0 && !addresses_.empty()) return try_next_address();
  lose(502, "its name is not known: " + std::string(uv_strerror(code)),
       "check the name '" + origin_.url().host + "' in the configuration");
}

void Connection::try_next_address() {
  state_ = State::kConnecting;
  while (!addresses_.empty()) {
    const net::Address& address = addresses_.back();
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
      const int on = 1;
      const int stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
      if (::connect(fd, address.get(), address.length()) == 0 || errno == EINPROGRESS) {
        net::StreamEvents& events = *this;
        stream_ = std::make_unique<net::Stream>(*origin_.shared().loop, fd,
                                                origin_.shared().read_buffer, events);
        return stream_->wait_for_room();
      }
    }
    const int code = errno;
    if (fd >= 0) ::close(fd);
    tried_ += (tried_.empty() ? "" : ", ") + attempt(address, code);
    addresses_.pop_back();
  }
  lose(502, "no connection: " + tried_, "is it running, and is the address right?");
}

void Connection::connected() {
  state_ = State::kOpen;
  timeout_.disarm();
  addresses_.clear();
  stream_->read_to_the_end();
  stream_->start_reading();
  if (call_ != nullptr) call_->on_connection(*this, false);
}

void Connection::on_room() {
  if (state_ == State::kConnecting) return connected();
  if (call_ != nullptr) call_->on_room();
}

void Connection::on_error(int code) {
  if (state_ == State::kConnecting) {
    tried_ += (tried_.empty() ? "" : ", ") + attempt(addresses_.back(), code);
    addresses_.pop_back();
    return stream_->close();  // the next one is tried when it has left the loop
  }
  lose(502, std::string("the connection broke: ") + std::strerror(code));
}

void Connection::on_closed() {
  if (state_ != State::kClosing) {
    stream_.reset();
    return try_next_address();
  }
  delete this;
}

// --- the answer --------------------------------------------------------------------------------

bool Connection::send(std::string_view bytes, std::size_t& accepted) {
  return stream_->send(bytes, accepted);
}

void Connection::on_read(std::string_view bytes, Nanos arrival, Nanos) {
  if (call_ == nullptr) return close();  // nobody has asked
  const Call::Slice slice(*call_, arrival);
  const bool fine = parser_.feed(bytes);
  if (state_ == State::kClosing) return;  // the call has let go
  if (completed_) {
    keeps_ = keeps_ && fine;
    return finish();
  }
  if (!fine) {
    return lose(502, std::string("its answer is malformed: ") + parser_.error(),
                "it must speak HTTP/1.1 at this address");
  }
  if (call_->answering() && !paused_) timeout_.arm(origin_.body_queue, now());
}

void Connection::on_read_end() {
  if (call_ == nullptr) return close();
  const Call::Slice slice(*call_, now());
  parser_.finish();
  if (state_ == State::kClosing) return;
  if (completed_) {
    keeps_ = false;
    return finish();
  }
  lose(502, "it closed the connection");
}

http::ResponseParser::Body Connection::on_head(int status) {
  if (call_ == nullptr || completed_) return http::ResponseParser::Body::kRefuse;
  return call_->on_head(status, parser_);
}

void Connection::on_body(std::string_view piece) {
  if (call_ != nullptr) call_->on_piece(piece);
}

// What the parser is told in one go may go on behind it, so the call is told when all is parsed.
void Connection::on_complete(bool keep_alive) {
  completed_ = true;
  keeps_ = keep_alive;
}

void Connection::finish() {
  completed_ = false;
  timeout_.disarm();
  Call& call = *std::exchange(call_, nullptr);
  const bool reusable = keeps_ && call.request_sent();
  call.on_answered();
  if (!reusable) return close();
  origin_.release(*this);
}

void Connection::pause() {
  paused_ = true;
  timeout_.disarm();  // the silence is ours
  stream_->stop_reading();
}

void Connection::resume() {
  if (!std::exchange(paused_, false)) return;
  timeout_.arm(origin_.body_queue, now());
  stream_->start_reading();
}

// --- the end -----------------------------------------------------------------------------------

void Connection::rest() {
  call_ = nullptr;
  if (std::exchange(paused_, false)) stream_->start_reading();
  timeout_.arm(origin_.keep_alive_queue, now());
}

bool Connection::still_open() const {
  char byte;
  return recv(stream_->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void Connection::timed_out() {
  if (state_ != State::kOpen) {
    std::string within = std::to_string(origin_.connect_queue.duration() / kMillisecond) + " ms";
    return lose(504, "no connection within " + within,
                "is the address right? 'connect' in [handlers.NAME.upstream] is the time it has");
  }
  if (call_ == nullptr) return close();
  lose(504, "it went silent within its answer for " +
                std::to_string(origin_.body_queue.duration() / kMillisecond) + " ms");
}

void Connection::lose(int status, std::string why, std::string hint) {
  Call* const call = call_;
  const bool opened = state_ == State::kOpen;
  close();
  if (call != nullptr) call->on_lost({status, std::move(why), std::move(hint), opened});
}

void Connection::close() {
  if (state_ == State::kClosing) return;
  state_ = State::kClosing;
  call_ = nullptr;
  timeout_.disarm();
  if (stream_ != nullptr) {
    stream_->close();
  } else if (looking_up_) {
    uv_cancel(reinterpret_cast<uv_req_t*>(&look_up_));
  } else {
    origin_.shared().loop->post([this] { delete this; });
  }
  origin_.gone(*this);
}

}  // namespace duet::upstream
