// One connected socket on the loop: bytes in with their arrival, bytes out with backpressure.
//
// The socket is polled and read by recvmsg, because the kernel's receive times come as control
// messages, which uv_tcp_t does not hand out (measured: no slower).
#pragma once

#include <uv.h>

#include <string>
#include <string_view>

#include "host/base/clock.h"
#include "host/loop/loop.h"

namespace duet::net {

// What the owner of a stream is told, from the loop. The owner may call close() in any of these.
class StreamEvents {
 public:
  // Bytes from the socket; the view is valid during the call. `arrival` is the kernel's time of
  // the last segment in it, on now()'s clock; the time of reading where the kernel gives none, or
  // after read_to_the_end(). `started`: when reading them began, for the account of CPU time.
  virtual void on_read(std::string_view bytes, Nanos arrival, Nanos started) = 0;
  // The peer has finished sending; writing is still possible.
  virtual void on_read_end() = 0;
  // The kernel has room again, after wait_for_room().
  virtual void on_room() = 0;
  // The connection is broken; `code` is an errno. close() is still the owner's to call.
  virtual void on_error(int code) = 0;
  // After close(): the stream is out of the loop, and the owner may be destroyed.
  virtual void on_closed() = 0;

 protected:
  ~StreamEvents() = default;
};

class Stream {
 public:
  // Takes the descriptor over. `read_buffer` is shared by all streams of the loop.
  Stream(Loop& loop, int fd, std::string& read_buffer, StreamEvents& events);
  ~Stream();  // closed before, and on_closed() was called
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void start_reading();
  void stop_reading();  // the kernel's buffer fills up, and TCP slows the peer down
  bool reading() const { return reading_; }
  // What has arrived already, without waiting for the loop to say so: on_read() and the others
  // follow at once.
  void read_arrived();
  // For a stream of bytes that are no requests, from now on. A peer that ends its side while the
  // stream is not read is noticed only when it is read again: what it sent before is not lost, nor
  // is what it sent before a reset. The kernel is not asked for times, which costs 0.3 us a read.
  void read_to_the_end();

  // Hands bytes to the kernel, as many as it takes now: `accepted` says how many; the rest is the
  // caller's to keep (see wait_for_room). False: the connection is broken.
  bool send(std::string_view bytes, std::size_t& accepted);
  // on_room() follows once, when the kernel takes bytes again.
  void wait_for_room();

  void shutdown_writes();
  // close() will reset the connection, so that the peer does not take what it has for the whole.
  void reset_on_close();
  void close();  // idempotent
  bool closing() const { return closing_; }
  int fd() const { return fd_; }

 private:
  void on_poll(int status, int events);
  void on_poll_error(int status);
  int socket_error() const;  // and forgets it
  void read_once();
  ssize_t receive_timed(Nanos started, Nanos& arrival);
  ssize_t receive();  // tells of the bytes that came; their number, 0 at the end, -1 with errno
  void update_poll();

  uv_poll_t poll_;
  std::string& read_buffer_;
  StreamEvents& events_;
  int fd_;
  bool reading_ = false, waiting_for_room_ = false, closing_ = false, ended_ = false;
  bool to_the_end_ = false, reset_ = false;
};

}  // namespace duet::net
