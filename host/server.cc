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

// The loop's poll reads up to 1,024 sockets before it is over: the first one does not wait for all.
constexpr Nanos kReading = 200 * kMicrosecond;

// Messages that take longer are answered before the next socket is read.
constexpr Nanos kShortMessage = 20 * kMicrosecond;

// What is kept of buffers for output, for the answers of one turn.
constexpr std::size_t kSpareOutputs = 512 * 1024;

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
  std::string first;
  first.reserve(kReadBuffer);
  take_output_back(first);
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

// Requests run, their answers leave, and with them what timers, promises and threads have written.
void HttpServer::turn() {
  if (turning_) return;
  turning_ = true;
  while (service_.run_ready() || !dirty_.empty()) flush_dirty();
  reading_since_ = 0;
  turning_ = false;
}

void HttpServer::has_read(Nanos started) {
  if (reading_since_ == 0) {
    reading_since_ = started;
  } else if (ledger_.last() - reading_since_ > kReading) {
    turn();
  }
}

void HttpServer::lend_output(std::string& output) {
  if (spare_outputs_.empty()) return;
  output = std::move(spare_outputs_.back());
  spare_outputs_.pop_back();
  spare_bytes_ -= output.capacity();
}

void HttpServer::take_output_back(std::string& output) {
  if (spare_bytes_ + output.capacity() <= kSpareOutputs) {
    spare_bytes_ += output.capacity();
    spare_outputs_.push_back(std::move(output));
  }
  std::string().swap(output);
}

void HttpServer::has_read_message(Nanos started) {
  message_.note(ledger_.last() - started);
  if (message_.length() > kShortMessage) return turn();
  has_read(started);
}

// Input that had to wait goes on, as there is room again.
void HttpServer::flush_dirty() {
  flushing_.swap(dirty_);
  for (HttpConnection* connection : flushing_) connection->dirty_ = false;
  const Nanos began = now();
  for (HttpConnection* connection : flushing_) {
    connection->flush(std::max(began, ledger_.last()));
    connection->resume_input();
  }
  flushing_.clear();
}

}  // namespace duet
