#include "host/server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "host/connection.h"

namespace duet {

namespace {

// One read takes at most this much: large enough for 16 pipelined requests of usual size or a good
// piece of a body, small enough to stay in the second-level cache.
constexpr std::size_t kReadBuffer = 64 * 1024;

// How long a closing connection may go on sending what nobody will read.
constexpr Nanos kLingerTimeout = 2 * kSecond;

// How long a client that was busy may still begin a request when the host stops: the way of its
// last answer and of the next request, in one region.
constexpr Nanos kParting = 100 * kMillisecond;

}  // namespace

HttpServer::HttpServer(Loop& loop, ExchangeTable& exchanges, measure::Ledger& ledger,
                       Service& service, const ServerOptions& options)
    : loop_(loop),
      exchanges_(exchanges),
      ledger_(ledger),
      service_(service),
      options_(options),
      head_queue_(loop, options.head_timeout),
      body_queue_(loop, options.body_timeout),
      keep_alive_queue_(loop, options.keep_alive_timeout),
      send_queue_(loop, options.send_timeout),
      linger_queue_(loop, kLingerTimeout),
      parting_queue_(loop, kParting),
      read_buffer_(kReadBuffer, '\0') {
  spare_output_.reserve(kReadBuffer);
  loop.add_observer(this);
}

HttpServer::~HttpServer() {
  DUET_CHECK(connections_ == 0);
  loop_.remove_observer(this);
}

void HttpServer::adopt(int fd) {
  if (draining_) {
    ::close(fd);
    return;
  }
  new HttpConnection(*this, fd);  // owned by the loop: see ~HttpConnection
}

void HttpServer::drain() {
  draining_ = true;
  for (HttpConnection* connection = first_; connection != nullptr;) {
    HttpConnection* next = connection->next_;
    connection->drain();
    connection = next;
  }
}

void HttpServer::abort_all() {
  draining_ = true;
  for (HttpConnection* connection = first_; connection != nullptr;) {
    HttpConnection* next = connection->next_;
    connection->abort_answers();
    connection = next;
  }
}

// Output made by timers, promises and threads leaves here, and input that had to wait goes on.
void HttpServer::flush_dirty() {
  while (!dirty_.empty()) {
    flushing_.swap(dirty_);
    for (HttpConnection* connection : flushing_) connection->dirty_ = false;
    const Nanos began = now();
    for (HttpConnection* connection : flushing_) {
      connection->flush(std::max(began, ledger_.last()));
      connection->resume_input();
    }
    flushing_.clear();
  }
}

}  // namespace duet
